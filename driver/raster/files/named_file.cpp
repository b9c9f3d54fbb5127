#include "driver/raster/files/named_file.h"

#include <cpl_vsi.h>

#include "driver/raster/files/vsi_file.h"

namespace ndarray {

NamedFile::NamedFile(const std::string& path) : path_(path) {
  VSIStatBufL about;
  if (IsVirtualPath(path) || VSIStatL(path.c_str(), &about) != 0) return;
  is_known_ = true;
  device_ = static_cast<uint64_t>(about.st_dev);
  number_ = static_cast<uint64_t>(about.st_ino);
}

bool NamedFile::IsStillNamed() const {
  if (!is_known_) return true;
  const NamedFile now(path_);
  return now.is_known_ && now.device_ == device_ && now.number_ == number_;
}

}  // namespace ndarray
