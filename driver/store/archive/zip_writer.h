// Writes a ZIP archive of stored members (APPNOTE.TXT of PKWARE): no member is compressed by it.
//
// Members follow one another without gaps, each after its local header, the central directory is
// last. ZIP64 fields are there where sizes or offsets need them, and in the local header of a
// member that may become so large. The same members give the same bytes: all are dated 1980-01-01.
//
// Sizes are in bytes. Errors carry the path. For one thread.
#ifndef GDAL_NDARRAY_STORE_ARCHIVE_ZIP_WRITER_H_
#define GDAL_NDARRAY_STORE_ARCHIVE_ZIP_WRITER_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "driver/store/io/byte_file.h"
#include "driver/store/io/output_file.h"
#include "driver/store/progress.h"
#include "driver/store/status.h"

namespace ndarray {

class ZipWriter {
 public:
  // `file` must outlive it. REQUIRES: file.CanRewrite()
  explicit ZipWriter(OutputFile& file);
  ~ZipWriter();

  // Begins a member of at most max_bytes, to be written through the result as a file of its own
  // until FinishMember. Of that file the bytes of its first write can be written again, as the
  // header of a frame is; all others follow one another. Its Commit does nothing.
  // REQUIRES: no other member has begun; a name without a leading slash
  Result<OutputFile*> StartMember(const std::string& name, uint64_t max_bytes);
  Status FinishMember();

  // Adds a whole member: these bytes, or a range of a file.
  Status Add(const std::string& name, std::string_view bytes);
  Status AddRange(const std::string& name, const ByteFile& from, uint64_t offset_bytes,
                  uint64_t size_bytes);

  // From now on AddRange reports how much of about so many bytes all ranges are that were added,
  // and fails (kCancelled) where it is to stop.
  void ReportCopies(ProgressFn progress, uint64_t size_bytes) {
    progress_ = std::move(progress);
    copies_bytes_ = std::max<uint64_t>(size_bytes, 1);
    copied_bytes_ = 0;
  }

  // The central directory: after it the archive is whole. What remains is the file's Commit().
  Status Finish();

 private:
  class Member;
  struct Entry {
    std::string name;
    bool is_large;  // its local header has ZIP64 sizes
    uint32_t crc;
    uint64_t size_bytes;
    uint64_t offset_bytes;  // of the local header
  };

  static std::string LocalHeader(const Entry& entry);
  static std::string DirectoryEntry(const Entry& entry);
  std::string DirectoryEnd(uint64_t directory_bytes) const;

  OutputFile& file_;
  std::vector<Entry> entries_;
  std::unique_ptr<Member> member_;  // that has begun
  uint64_t end_bytes_ = 0;
  ProgressFn progress_;
  uint64_t copies_bytes_ = 1;
  uint64_t copied_bytes_ = 0;
};

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_ARCHIVE_ZIP_WRITER_H_
