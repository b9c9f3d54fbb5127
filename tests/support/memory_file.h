// A file in memory that cannot be mapped, to see what a store reads and when.
//
// The bytes lie in a heap block of exactly their size, so that AddressSanitizer sees any step past
// them.
#ifndef GDAL_NDARRAY_TESTS_SUPPORT_MEMORY_FILE_H_
#define GDAL_NDARRAY_TESTS_SUPPORT_MEMORY_FILE_H_

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "driver/store/byte_file.h"

namespace ndarray::testing {

class MemoryFile final : public ByteFile {
 public:
  explicit MemoryFile(std::string_view bytes, Access access = Access::kRead)
      : size_bytes_(bytes.size()), bytes_(new char[bytes.size()]), access_(access) {
    std::copy(bytes.begin(), bytes.end(), bytes_.get());
  }

  const std::string& path() const override { return path_; }
  uint64_t size_bytes() const override { return size_bytes_; }
  bool writable() const override { return access_ == Access::kUpdate; }
  uint64_t cheap_gap_bytes() const override { return cheap_gap_bytes_; }
  void set_cheap_gap_bytes(uint64_t size_bytes) { cheap_gap_bytes_ = size_bytes; }

  Status ReadRanges(const std::vector<ByteRange>& ranges) const override {
    ++calls_;
    ranges_ += ranges.size();
    most_ranges_ = std::max(most_ranges_.load(), ranges.size());
    for (const ByteRange& range : ranges) {
      Status status = Check(range.offset_bytes, range.size_bytes);
      if (!status.ok()) return status;
      bytes_read_ += range.size_bytes;
      std::copy_n(bytes_.get() + range.offset_bytes, range.size_bytes,
                  static_cast<char*>(range.to));
    }
    return {};
  }

  Status WriteAt(uint64_t offset_bytes, const void* from, size_t size_bytes) override {
    Status status = Check(offset_bytes, size_bytes);
    if (!status.ok()) return status;
    std::copy_n(static_cast<const char*>(from), size_bytes, bytes_.get() + offset_bytes);
    return {};
  }

  Status Flush() override { return {}; }

  // Kept for tests of one thread.
  void Advise(uint64_t offset_bytes, uint64_t size_bytes) const override {
    advised_.push_back({offset_bytes, static_cast<size_t>(size_bytes), nullptr});
  }

  std::string bytes() const { return {bytes_.get(), size_bytes_}; }

  void ForgetCounts() { calls_ = ranges_ = most_ranges_ = bytes_read_ = 0; }
  size_t calls() const { return calls_; }              // of ReadRanges
  size_t ranges() const { return ranges_; }            // in all calls
  size_t most_ranges() const { return most_ranges_; }  // in one call
  uint64_t bytes_read() const { return bytes_read_; }
  const std::vector<ByteRange>& advised() const { return advised_; }

 private:
  Status Check(uint64_t offset_bytes, size_t size_bytes) const {
    if (offset_bytes <= size_bytes_ && size_bytes <= size_bytes_ - offset_bytes) return {};
    return Status(StatusCode::kCorrupt, path_ + ": range beyond the end of the file");
  }

  const std::string path_ = "memory.npy";
  const size_t size_bytes_;
  const std::unique_ptr<char[]> bytes_;
  const Access access_;
  uint64_t cheap_gap_bytes_ = uint64_t{16} << 10;
  mutable std::atomic<size_t> calls_{0};
  mutable std::atomic<size_t> ranges_{0};
  mutable std::atomic<size_t> most_ranges_{0};
  mutable std::atomic<uint64_t> bytes_read_{0};
  mutable std::vector<ByteRange> advised_;
};

}  // namespace ndarray::testing

#endif  // GDAL_NDARRAY_TESTS_SUPPORT_MEMORY_FILE_H_
