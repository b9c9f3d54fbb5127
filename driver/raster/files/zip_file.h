// A ZIP archive on a disk or behind GDAL's virtual file systems, and its members as byte files.
#ifndef GDAL_NDARRAY_RASTER_FILES_ZIP_FILE_H_
#define GDAL_NDARRAY_RASTER_FILES_ZIP_FILE_H_

#include <memory>
#include <string>

#include "driver/store/archive/zip_directory.h"
#include "driver/store/io/byte_file.h"
#include "driver/store/io/local_file.h"
#include "driver/store/status.h"

namespace ndarray {

// Why no content of it can be read, for people: "encrypted"; empty where it can.
std::string WhyUnreadable(const ZipMember& member);

class ZipFile {
 public:
  // Errors carry the path.
  static Result<ZipFile> Open(const std::string& path, const MapPolicy& policy);

  const std::string& path() const { return file_->path(); }
  const ByteFile& file() const { return *file_; }
  bool is_local() const { return file_->traits().is_local; }
  const ZipDirectory& directory() const { return directory_; }

  // A stored member lies in the archive as it is: mapped where that is, and read by ranges
  // elsewhere. A deflated one is unpacked when it is read (deflated_file.h). `path` is what errors
  // call it. kNotSupported for other methods, and encrypted ones.
  Result<std::shared_ptr<ByteFile>> OpenMember(const ZipMember& member, std::string path) const;

 private:
  ZipFile(std::shared_ptr<ByteFile> file, ZipDirectory directory)
      : file_(std::move(file)), directory_(std::move(directory)) {}

  std::shared_ptr<ByteFile> file_;
  ZipDirectory directory_;
};

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_FILES_ZIP_FILE_H_
