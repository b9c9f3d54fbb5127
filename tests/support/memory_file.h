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

#include "driver/store/io/byte_file.h"

namespace ndarray::testing {

class MemoryFile final : public WritableFile {
 public:
  explicit MemoryFile(std::string_view bytes)
      : WritableFile("memory.npy", bytes.size(), Traits()), bytes_(new char[bytes.size()]) {
    std::copy(bytes.begin(), bytes.end(), bytes_.get());
  }

  using ByteFile::set_cheap_gap_bytes;

  Status Read(const std::vector<ByteRange>& ranges) const override {
    ++calls_;
    ranges_ += ranges.size();
    max_ranges_ = std::max(max_ranges_.load(), ranges.size());
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

  std::string bytes() const { return {bytes_.get(), size_bytes()}; }

  void ForgetCounts() { calls_ = ranges_ = max_ranges_ = bytes_read_ = 0; }
  size_t calls() const { return calls_; }            // of Read
  size_t ranges() const { return ranges_; }          // in all calls
  size_t max_ranges() const { return max_ranges_; }  // in one call
  uint64_t bytes_read() const { return bytes_read_; }
  const std::vector<ByteRange>& advised() const { return advised_; }

 private:
  Status Check(uint64_t offset_bytes, size_t size_bytes) const {
    if (offset_bytes <= this->size_bytes() && size_bytes <= this->size_bytes() - offset_bytes) {
      return {};
    }
    return Status(StatusCode::kCorrupt, path() + ": range beyond the end of the file");
  }

  static FileTraits Traits() {
    FileTraits traits;
    traits.cheap_gap_bytes = uint64_t{16} << 10;
    return traits;
  }

  const std::unique_ptr<char[]> bytes_;
  mutable std::atomic<size_t> calls_{0};
  mutable std::atomic<size_t> ranges_{0};
  mutable std::atomic<size_t> max_ranges_{0};
  mutable std::atomic<uint64_t> bytes_read_{0};
  mutable std::vector<ByteRange> advised_;
};

}  // namespace ndarray::testing

#endif  // GDAL_NDARRAY_TESTS_SUPPORT_MEMORY_FILE_H_
