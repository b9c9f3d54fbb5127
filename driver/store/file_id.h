// Which file it is, whatever it is called by now.
#ifndef GDAL_NDARRAY_STORE_FILE_ID_H_
#define GDAL_NDARRAY_STORE_FILE_ID_H_

#include <cstdint>

namespace ndarray {

// What identifies a local file. No other file gets the same id while this one is open.
struct FileId {
  uint64_t device = 0;
  uint64_t inode = 0;

  friend bool operator==(const FileId& a, const FileId& b) {
    return a.device == b.device && a.inode == b.inode;
  }
};

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_FILE_ID_H_
