// ZIP archives built byte by byte, so that they can lie.
#ifndef GDAL_NDARRAY_TESTS_SUPPORT_ZIP_BYTES_H_
#define GDAL_NDARRAY_TESTS_SUPPORT_ZIP_BYTES_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace ndarray::testing {

struct ZipEntry {
  std::string name = {};
  std::string bytes = {};  // as they lie in the archive
  uint16_t method = 0;
  std::optional<uint32_t> size_bytes = {};  // of the content, where it is not that of `bytes`
  std::string local_extra = {};             // of the local header
  std::string extra = {};                   // of the directory
  uint16_t flags = 0;
};

// The archive, and where its parts are.
struct ZipBytes {
  explicit ZipBytes(const std::vector<ZipEntry>& entries, const std::string& comment = "");

  std::string bytes;
  std::vector<size_t> locals;   // headers of members
  std::vector<size_t> entries;  // of the directory
  size_t end = 0;               // the record at its end
};

// A number as files have it, little-endian.
std::string Little(uint64_t number, size_t bytes);

// The same archive with its directory's place and length in a ZIP64 record.
std::string AsZip64(const ZipBytes& zip);

}  // namespace ndarray::testing

#endif  // GDAL_NDARRAY_TESTS_SUPPORT_ZIP_BYTES_H_
