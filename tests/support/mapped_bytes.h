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

 private:
  const std::unique_ptr<std::byte[]> bytes_;
};

}  // namespace ndarray::testing

#endif  // GDAL_NDARRAY_TESTS_SUPPORT_MAPPED_BYTES_H_
