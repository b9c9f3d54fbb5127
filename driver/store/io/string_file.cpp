#include "driver/store/io/string_file.h"

#include <algorithm>
#include <cstring>

namespace ndarray {

Status StringFile::Read(const std::vector<ByteRange>& ranges) const {
  for (const ByteRange& range : ranges) {
    if (range.offset_bytes > bytes_.size() ||
        range.size_bytes > bytes_.size() - range.offset_bytes) {
      return Mismatch(StatusCode::kCorrupt, "size", std::to_string(bytes_.size()) + " bytes",
                      std::to_string(range.size_bytes) + " more after byte " +
                          std::to_string(range.offset_bytes))
          .At(path());
    }
    std::memcpy(range.to, bytes_.data() + range.offset_bytes, range.size_bytes);
  }
  return {};
}

Status StringFile::WriteAt(uint64_t offset_bytes, const void* from, size_t size_bytes) {
  const size_t end = offset_bytes + size_bytes;
  if (end > bytes_.size()) bytes_.resize(end);
  set_size_bytes(bytes_.size());
  bytes_.replace(offset_bytes, size_bytes, static_cast<const char*>(from), size_bytes);
  return {};
}

Status StringOutput::Resize(uint64_t size_bytes) {
  if (size_bytes > max_bytes_) {
    full_ = true;
    return Mismatch(StatusCode::kNotSupported, "size", std::to_string(size_bytes) + " bytes",
                    "at most " + std::to_string(max_bytes_))
        .At(path());
  }
  bytes_.resize(size_bytes);
  return {};
}

Status StringOutput::WriteAt(uint64_t offset_bytes, const void* from, size_t size_bytes) {
  const uint64_t end = offset_bytes + size_bytes;
  if (end > bytes_.size()) {
    Status status = Resize(end);
    if (!status.ok()) return status;
  }
  bytes_.replace(offset_bytes, size_bytes, static_cast<const char*>(from), size_bytes);
  return {};
}

}  // namespace ndarray
