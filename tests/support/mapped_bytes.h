// Bytes in memory as if they were a mapped file.
//
// They lie in a heap block of exactly their size, so that AddressSanitizer sees any step past them:
// a real map would have zeros up to the end of its last page.
#ifndef GDAL_NDARRAY_TESTS_SUPPORT_MAPPED_BYTES_H_
#define GDAL_NDARRAY_TESTS_SUPPORT_MAPPED_BYTES_H_

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "driver/store/io/byte_file.h"

namespace ndarray::testing {

class MappedBytes final : public ByteFile {
 public:
  explicit MappedBytes(std::string_view bytes)
      : ByteFile("memory.npy", bytes.size()), bytes_(new std::byte[bytes.size()]) {
    if (!bytes.empty()) std::memcpy(bytes_.get(), bytes.data(), bytes.size());
    set_map(bytes_.get());
  }

  Status Read(const std::vector<ByteRange>& ranges) const override {
    for (const ByteRange& range : ranges) {
      if (range.offset_bytes > size_bytes() ||
          range.size_bytes > size_bytes() - range.offset_bytes) {
        return Status(StatusCode::kCorrupt, path() + ": range beyond the end of the file");
      }
      std::copy_n(bytes_.get() + range.offset_bytes, range.size_bytes,
                  static_cast<std::byte*>(range.to));
    }
    return {};
  }

  // Whether it says that its bytes are in memory.
  void set_resident(bool resident) { resident_ = resident; }
  size_t looks() const { return looks_; }                             // of IsResident
  const std::vector<ByteRange>& advised() const { return advised_; }  // in order

  bool IsResident(uint64_t /*offset_bytes*/) const override {
    ++looks_;
    return resident_;
  }

  void Advise(uint64_t offset_bytes, uint64_t size_bytes) const override {
    const std::lock_guard<std::mutex> lock(mutex_);
    advised_.push_back({offset_bytes, static_cast<size_t>(size_bytes), nullptr});
  }

 private:
  std::atomic<bool> resident_{true};
  mutable std::atomic<size_t> looks_{0};
  mutable std::mutex mutex_;
  mutable std::vector<ByteRange> advised_;
  const std::unique_ptr<std::byte[]> bytes_;
};

}  // namespace ndarray::testing

#endif  // GDAL_NDARRAY_TESTS_SUPPORT_MAPPED_BYTES_H_
