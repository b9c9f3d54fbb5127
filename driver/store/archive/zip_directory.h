// The members of a ZIP archive, from its central directory (APPNOTE.TXT of PKWARE, 4.3 to 4.5).
// Nothing is unpacked here, and no member is a file of its own: names are only compared.
//
// What Python's zipfile opens, this opens, too: bytes before the archive (a program that unpacks
// it), which offsets may or may not count; bytes after it, up to 64 KiB, be they its comment or
// not; and several members of one name, of which the last one in the directory has it.
//
// Offsets and sizes are in bytes. Everything is read in two requests (and two more where a ZIP64
// record lies far from the end), whatever a file claims, and what is kept is bounded by the
// directory that is really there. Checked before anything is used: members lie one after the other,
// before the directory.
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
  std::string name;     // any bytes but NUL, "/" between folders; may be empty
  uint16_t method = 0;  // of zip_method, or another one
  bool is_encrypted = false;
  uint32_t crc32 = 0;                // of the content
  uint64_t size_bytes = 0;           // of the content
  uint64_t packed_bytes = 0;         // in the archive: of a stored member size_bytes
  uint64_t header_offset_bytes = 0;  // in the file
  uint64_t end_offset_bytes = 0;     // where the next member or the directory starts
};

class ZipDirectory {
 public:
  // kNotSupported for what is no ZIP archive or one in several files; kCorrupt for what contradicts
  // itself. Errors carry the path.
  static Result<ZipDirectory> Read(const ByteFile& file);

  // In the directory's order.
  const std::vector<ZipMember>& members() const { return members_; }

  // The last one of that name; nullptr where there is none.
  const ZipMember* Find(std::string_view name) const;

  // Whether it is what its name stands for: no later member has the same.
  bool IsFound(const ZipMember& member) const { return Find(member.name) == &member; }

  // Bytes of the file that belong to none of it: before the first member, and after the end of the
  // directory (a comment is among these).
  uint64_t bytes_before() const { return bytes_before_; }
  uint64_t bytes_after() const { return bytes_after_; }

 private:
  struct End;

  static Result<End> FindEnd(const ByteFile& file, std::string& tail);
  static Result<ZipDirectory> Load(const ByteFile& file);
  Status AddMembers(std::string_view bytes, const End& end);
  Status CheckOrder(const End& end);

  std::vector<ZipMember> members_;
  std::vector<size_t> by_name_;  // numbers of members, in their order where names are equal
  uint64_t bytes_before_ = 0;
  uint64_t bytes_after_ = 0;
};

// Whether the bytes begin an archive, be it an empty one.
bool HasZipMagic(std::string_view start);

// Whether a file that does not begin with one ends with an archive.
bool EndsWithZip(const ByteFile& file);

// Where the packed bytes of a member of the file start: its local header is read, and must agree
// with the directory. Errors carry the path and the member's name.
Result<uint64_t> ZipMemberOffset(const ByteFile& file, const ZipMember& member);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_ARCHIVE_ZIP_DIRECTORY_H_
