// Which file a name stands for: to know later whether another one has taken its place.
//
// A dataset reads on from the file that it opened, but finds sidecars by name. Those that it finds
// after another file has taken the name belong to other pixels.
#ifndef GDAL_NDARRAY_RASTER_FILES_NAMED_FILE_H_
#define GDAL_NDARRAY_RASTER_FILES_NAMED_FILE_H_

#include <cstdint>
#include <string>

namespace ndarray {

class NamedFile {
 public:
  NamedFile() = default;

  // The file that has this name now. It is not known for virtual files.
  explicit NamedFile(const std::string& path);

  const std::string& path() const { return path_; }

  // Whether the same file still has the name; true where that is unknown. Only files that
  // both exist can be distinguished, so somebody must keep it open meanwhile.
  bool IsStillNamed() const;

 private:
  bool is_known_ = false;
  std::string path_;
  uint64_t device_ = 0;
  uint64_t number_ = 0;
};

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_FILES_NAMED_FILE_H_
