#include "driver/store/archive/deflated_file.h"

#include <zlib.h>

#include <algorithm>
#include <new>
#include <utility>

#include "driver/store/buffer.h"
#include "driver/store/damage.h"

namespace ndarray {
namespace {

constexpr uint64_t kMaxPlaces = 64;
constexpr uint64_t kMinStepBytes = uint64_t{1} << 20;
constexpr uint64_t kPackedBytes = uint64_t{64} << 10;  // read at a time
constexpr uint64_t kPassedBytes = uint64_t{64} << 10;  // unpacked at a time where nobody wants them
constexpr int kRawDeflate = -MAX_WBITS;                // without a header of zlib's or gzip's

FileTraits Unpacked() {
  FileTraits traits;
  traits.is_unpacked = true;
  return traits;
}

}  // namespace

// A place in the content, from where it can be unpacked.
class DeflatedFile::Stream {
 public:
  Stream() {
    if (inflateInit2(&state_, kRawDeflate) != Z_OK) throw std::bad_alloc();
  }
  // The same place once more.
  Stream(const Stream& other)
      : packed_at_(other.packed_at_ - other.state_.avail_in), at_(other.at_) {
    if (inflateCopy(&state_, const_cast<z_stream*>(&other.state_)) != Z_OK) throw std::bad_alloc();
    state_.avail_in = 0;
  }
  ~Stream() { inflateEnd(&state_); }
  Stream& operator=(const Stream&) = delete;

  uint64_t at() const { return at_; }

  // The next bytes of the content.
  Status Unpack(const ByteFile& packed, void* to, size_t size_bytes) {
    state_.next_out = static_cast<Bytef*>(to);
    state_.avail_out = static_cast<uInt>(size_bytes);
    while (state_.avail_out > 0) {
      if (state_.avail_in == 0) {
        Status status = Fill(packed);
        if (!status.ok()) return status;
      }
      const uInt room = state_.avail_out;
      const int result = inflate(&state_, Z_NO_FLUSH);
      at_ += room - state_.avail_out;  // now: reading more may throw
      if (result == Z_MEM_ERROR) throw std::bad_alloc();
      if (result == Z_STREAM_END && state_.avail_out > 0) {
        return Corrupt("content", "its end after " + std::to_string(at_) + " bytes", "more");
      }
      if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) {
        return Corrupt("deflated data", state_.msg != nullptr ? state_.msg : "no such",
                       "a stream of zlib's");
      }
    }
    return {};
  }

 private:
  Status Fill(const ByteFile& packed) {
    if (input_.size_bytes() == 0) input_ = Buffer(kPackedBytes);
    const uint64_t count = std::min(kPackedBytes, packed.size_bytes() - packed_at_);
    if (count == 0) return Corrupt("deflated data", "their end", "more");
    Status status = packed.Read({{packed_at_, static_cast<size_t>(count), input_.data()}});
    if (!status.ok()) return status;
    packed_at_ += count;
    state_.next_in = reinterpret_cast<Bytef*>(input_.data());
    state_.avail_in = static_cast<uInt>(count);
    return {};
  }

  z_stream state_ = {};
  uint64_t packed_at_ = 0;  // what is read next
  uint64_t at_ = 0;         // of the content
  Buffer input_{0};
};

DeflatedFile::DeflatedFile(std::string path, std::shared_ptr<const ByteFile> packed,
                           uint64_t size_bytes)
    : ByteFile(std::move(path), size_bytes, Unpacked()),
      packed_(std::move(packed)),
      step_bytes_(std::max(kMinStepBytes, size_bytes / kMaxPlaces + 1)) {}

DeflatedFile::~DeflatedFile() = default;

Status DeflatedFile::Read(const std::vector<ByteRange>& ranges) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  for (const ByteRange& range : ranges) {
    if (range.offset_bytes > size_bytes() || range.size_bytes > size_bytes() - range.offset_bytes) {
      return CutShort(size_bytes(), range.offset_bytes + range.size_bytes, "at least ").At(path());
    }
    Status status = ReadRange(range);
    if (status.ok()) continue;
    stream_.reset();  // which may be anywhere
    return DamagedFile(status, path(), kCopyAgain);
  }
  return {};
}

Status DeflatedFile::ReadRange(const ByteRange& range) const {
  const uint64_t start = range.offset_bytes;
  const auto place = std::min<uint64_t>(start / step_bytes_, places_.size());
  const bool is_behind = stream_ == nullptr || stream_->at() > start;
  if (place > 0 && (is_behind || stream_->at() < places_[place - 1]->at())) {
    stream_ = std::make_unique<Stream>(*places_[place - 1]);
  } else if (is_behind) {
    stream_ = std::make_unique<Stream>();
  }
  Buffer passed(static_cast<size_t>(std::min(kPassedBytes, start - stream_->at())));
  while (stream_->at() < start) {
    Status status = Unpack(passed.data(), std::min(kPassedBytes, start - stream_->at()));
    if (!status.ok()) return status;
  }
  return Unpack(range.to, range.size_bytes);
}

// Keeps the state of places that it comes to for the first time.
Status DeflatedFile::Unpack(void* to, uint64_t size_bytes) const {
  auto* next = static_cast<char*>(to);
  while (size_bytes > 0) {
    const uint64_t place = (places_.size() + 1) * step_bytes_;
    const uint64_t room = place > stream_->at() ? place - stream_->at() : size_bytes;
    const auto count = static_cast<size_t>(std::min({room, size_bytes, uint64_t{1} << 30}));
    Status status = stream_->Unpack(*packed_, next, count);
    if (!status.ok()) return status;
    if (stream_->at() == place) places_.push_back(std::make_unique<Stream>(*stream_));
    next += count;
    size_bytes -= count;
  }
  return {};
}

}  // namespace ndarray
