// The configuration option NDARRAY_LOCK_TIMEOUT.
#ifndef GDAL_NDARRAY_RASTER_FILES_LOCK_TIMEOUT_H_
#define GDAL_NDARRAY_RASTER_FILES_LOCK_TIMEOUT_H_

#include <chrono>

namespace ndarray {

// How long a writer waits for others, in the option's seconds; other text gives one GDAL warning.
// Read when a file is opened for update.
std::chrono::milliseconds LockTimeout();

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_FILES_LOCK_TIMEOUT_H_
