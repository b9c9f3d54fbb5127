// Who holds a lock, for messages.
#ifndef GDAL_NDARRAY_STORE_IO_LOCK_HOLDERS_H_
#define GDAL_NDARRAY_STORE_IO_LOCK_HOLDERS_H_

#include <cstdint>
#include <string>

#include "driver/store/file_id.h"

namespace ndarray {

struct LockHolders {
  std::string
      names;  // "process 4711", "processes 4711 and 4712", "another dataset of this process"
  bool several = false;
};

// Those with a lock of an open file (F_OFD_SETLK) on that byte of the file, as far as the system
// shows them to this process; "another process or dataset" where it shows none. `own`: a descriptor
// whose locks do not count.
LockHolders FindLockHolders(FileId file, int64_t byte, int own);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_IO_LOCK_HOLDERS_H_
