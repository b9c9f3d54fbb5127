// A range of a file as a file of its own: a member of an archive, mapped where the whole is.
#ifndef GDAL_NDARRAY_STORE_IO_SUB_FILE_H_
#define GDAL_NDARRAY_STORE_IO_SUB_FILE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "driver/store/io/byte_file.h"
#include "driver/store/status.h"

namespace ndarray {

class SubFile final : public ByteFile {
 public:
  // `path` is what errors call it, and distinguishes it from other parts of the same file.
  // kCorrupt where the range ends after the file.
  static Result<std::shared_ptr<ByteFile>> Open(std::string path,
                                                std::shared_ptr<const ByteFile> whole,
                                                uint64_t offset_bytes, uint64_t size_bytes);

  Status Read(const std::vector<ByteRange>& ranges) const override;
  void NoteRead(uint64_t offset_bytes, uint64_t size_bytes) const override;
  bool IsResident(uint64_t offset_bytes) const override;
  void Advise(uint64_t offset_bytes, uint64_t size_bytes) const override;
  Result<FileState> State() const override;

 private:
  SubFile(std::string path, std::shared_ptr<const ByteFile> whole, uint64_t offset_bytes,
          uint64_t size_bytes);

  const std::shared_ptr<const ByteFile> whole_;
  const uint64_t offset_bytes_;
};

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_IO_SUB_FILE_H_
