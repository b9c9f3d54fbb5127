// How many threads a user wants for one window.
#ifndef GDAL_NDARRAY_RASTER_THREADS_H_
#define GDAL_NDARRAY_RASTER_THREADS_H_

namespace ndarray {

// `option` is NUM_THREADS ("4", "ALL_CPUS") or nullptr; then GDAL's configuration option
// GDAL_NUM_THREADS counts, and without it all processors this process may use. At least 1.
int ThreadsFromOption(const char* option);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_THREADS_H_
