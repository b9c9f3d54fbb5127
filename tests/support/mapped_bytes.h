// Bytes in memory as if they were a mapped file.
//
// They lie in a heap block of exactly their size, so that AddressSanitizer sees any step past them:
// a real map would have zeros up to the end of its last page.
#ifndef GDAL_NDARRAY_TESTS_SUPPORT_MAPPED_BYTES_H_
#define GDAL_NDARRAY_TESTS_SUPPORT_MAPPED_BYTES_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "driver/store/byte_file.h"

namespace ndarray::testing {

class MappedBytes final : public ByteFile {
 public:
  explicit MappedBytes(std::string_view bytes)
      : size_bytes_(bytes.size()), bytes_(new std::byte[bytes.size()]) {
    if (!bytes.empty()) std::memcpy(bytes_.get(), bytes.data(), bytes.size());
  }

  const std::string& path() const override { return path_; }
  uint64_t size_bytes() const override { return size_bytes_; }
  bool writable() const override { return false; }
  const std::byte* mapped() const override { return bytes_.get(); }

  Status ReadRanges(const std::vector<ByteRange>& ranges) const override {
    for (const ByteRange& range : ranges) {
      if (range.offset_bytes > size_bytes_ || range.size_bytes > size_bytes_ - range.offset_bytes) {
        return Status(StatusCode::kCorrupt, path_ + ": range beyond the end of the file");
      }
      std::copy_n(bytes_.get() + range.offset_bytes, range.size_bytes,
                  static_cast<std::byte*>(range.to));
    }
    return {};
  }

  Status WriteAt(uint64_t, const void*, size_t) override {
    return Status(StatusCode::kIo, path_ + ": cannot write");
  }
  Status Flush() override { return {}; }

 private:
  const std::string path_ = "memory.npy";
  const size_t size_bytes_;
  const std::unique_ptr<std::byte[]> bytes_;
};

}  // namespace ndarray::testing

#endif  // GDAL_NDARRAY_TESTS_SUPPORT_MAPPED_BYTES_H_
