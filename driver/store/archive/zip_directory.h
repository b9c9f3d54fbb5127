// The members of a ZIP archive, from its central directory (APPNOTE.TXT of PKWARE, 4.3 to 4.5).
// Nothing is unpacked here, and no member is a file of its own: names are only compared.
//
// Offsets and sizes are in bytes. Everything is read in two requests (three where a ZIP64 record
// lies far from the end), whatever a file claims, and what is kept is bounded by the directory that
// is really there. Checked before anything is used: members lie one after the other, before the
// directory, and have different names.
#ifndef GDAL_NDARRAY_STORE_ARCHIVE_ZIP_DIRECTORY_H_
#define GDAL_NDARRAY_STORE_ARCHIVE_ZIP_DIRECTORY_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "driver/store/io/byte_file.h"
#include "driver/store/status.h"

namespace ndarray {

// A longer directory (some 200,000 members) is no archive of arrays, but an attack or an accident.
constexpr uint64_t kMaxZipDirectoryBytes = uint64_t{16} << 20;

namespace zip_method {
constexpr uint16_t kStored = 0;
constexpr uint16_t kDeflated = 8;
}  // namespace zip_method

struct ZipMember {
  std::string name;     // any bytes but NUL, "/" between folders
  uint16_t method = 0;  // of zip_method, or another one
  bool is_encrypted = false;
  uint32_t crc32 = 0;         // of the content
  uint64_t size_bytes = 0;    // of the content
  uint64_t packed_bytes = 0;  // in the archive: of a stored member size_bytes
  uint64_t header_offset_bytes = 0;
  uint64_t end_offset_bytes = 0;  // where the next member or the directory starts
};

class ZipDirectory {
 public:
  // kNotSupported for what is no ZIP archive or one in several files; kCorrupt for what contradicts
  // itself. Errors carry the path.
  static Result<ZipDirectory> Read(const ByteFile& file);

  // In the directory's order.
  const std::vector<ZipMember>& members() const { return members_; }

  // nullptr where there is none of that name.
  const ZipMember* Find(std::string_view name) const;

 private:
  struct End;

  static Result<End> FindEnd(const ByteFile& file, std::string& tail);
  static Result<ZipDirectory> Load(const ByteFile& file);
  Status AddMembers(std::string_view bytes, const End& end);
  Status CheckOrder(const End& end);

  std::vector<ZipMember> members_;
  std::vector<size_t> by_name_;  // numbers of members
};

// Whether the bytes begin an archive, be it an empty one.
bool HasZipMagic(std::string_view start);

// Where the packed bytes of a member of the file start: its local header is read, and must agree
// with the directory. Errors carry the path and the member's name.
Result<uint64_t> ZipMemberOffset(const ByteFile& file, const ZipMember& member);

// Whether a name stays below the folder that it would be unpacked into: not absolute, no "..", "."
// or empty folder in it, no backslash.
bool IsPlainZipName(std::string_view name);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_ARCHIVE_ZIP_DIRECTORY_H_
