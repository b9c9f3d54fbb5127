#include "driver/store/io/sub_file.h"

#include <algorithm>
#include <utility>

#include "driver/store/damage.h"

namespace ndarray {
namespace {

FileTraits TraitsWithin(const ByteFile& whole, uint64_t offset_bytes) {
  FileTraits traits = whole.traits();
  traits.start_bytes += offset_bytes;
  if (traits.whole_path.empty()) traits.whole_path = whole.path();
  return traits;
}

}  // namespace

SubFile::SubFile(std::string path, std::shared_ptr<const ByteFile> whole, uint64_t offset_bytes,
                 uint64_t size_bytes)
    : ByteFile(std::move(path), size_bytes, TraitsWithin(*whole, offset_bytes)),
      whole_(std::move(whole)),
      offset_bytes_(offset_bytes) {}

Result<std::shared_ptr<ByteFile>> SubFile::Open(std::string path,
                                                std::shared_ptr<const ByteFile> whole,
                                                uint64_t offset_bytes, uint64_t size_bytes) {
  if (offset_bytes > whole->size_bytes() || size_bytes > whole->size_bytes() - offset_bytes) {
    return Corrupt("place",
                   std::to_string(size_bytes) + " bytes at " + std::to_string(offset_bytes),
                   "ones within the file's " + std::to_string(whole->size_bytes()))
        .At(path);
  }
  const Result<const std::byte*> map = whole->View(offset_bytes, size_bytes);
  if (!map.ok()) return map.status();
  const std::shared_ptr<SubFile> part(
      new SubFile(std::move(path), std::move(whole), offset_bytes, size_bytes));
  if (*map != nullptr) part->set_map(*map);
  return std::shared_ptr<ByteFile>(part);
}

// The whole would read on behind the end of the part.
Status SubFile::Read(const std::vector<ByteRange>& ranges) const {
  std::vector<ByteRange> shifted = ranges;
  for (ByteRange& range : shifted) {
    if (range.offset_bytes > size_bytes() || range.size_bytes > size_bytes() - range.offset_bytes) {
      return CutShort(size_bytes(), range.offset_bytes + range.size_bytes, "at least ").At(path());
    }
    range.offset_bytes += offset_bytes_;
  }
  return whole_->Read(shifted);
}

void SubFile::NoteRead(uint64_t offset_bytes, uint64_t size_bytes) const {
  whole_->NoteRead(offset_bytes_ + offset_bytes, size_bytes);
}

bool SubFile::IsResident(uint64_t offset_bytes) const {
  return offset_bytes >= size_bytes() || whole_->IsResident(offset_bytes_ + offset_bytes);
}

void SubFile::Advise(uint64_t offset_bytes, uint64_t size_bytes) const {
  if (offset_bytes >= this->size_bytes()) return;
  whole_->Advise(offset_bytes_ + offset_bytes,
                 std::min(size_bytes, this->size_bytes() - offset_bytes));
}

Result<FileState> SubFile::State() const {
  Result<FileState> state = whole_->State();
  if (!state.ok()) return state;
  state->size_bytes =
      std::min(size_bytes(), state->size_bytes - std::min(state->size_bytes, offset_bytes_));
  return state;
}

}  // namespace ndarray
