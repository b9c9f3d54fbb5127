// How many threads a user wants for one window.
#ifndef GDAL_NDARRAY_RASTER_THREADS_H_
#define GDAL_NDARRAY_RASTER_THREADS_H_

#include "driver/store/status.h"

namespace ndarray {

// Of GDAL's configuration option GDAL_NUM_THREADS, which is read as GDAL does: what is no number is
// 1. Without it all processors this process may use. At least 1.
int DefaultThreads();

// `option` is NUM_THREADS ("4", "ALL_CPUS") or nullptr: then DefaultThreads. kInvalidArgument where
// it is neither a number nor ALL_CPUS.
Result<int> ThreadsFromOption(const char* option);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_THREADS_H_
