// How many threads a user wants for one window.
#ifndef GDAL_NDARRAY_RASTER_THREADS_H_
#define GDAL_NDARRAY_RASTER_THREADS_H_

#include "driver/store/status.h"

namespace ndarray {

// The value of GDAL's configuration option GDAL_NUM_THREADS, read as GDAL reads it: anything but a
// number is 1. If it is not set, the number of processors that this process may use, unless others
// like it run beside it: 1 in a child made by fork() (PyTorch's DataLoader, multiprocessing), and
// at most OMP_NUM_THREADS, by which Dask's workers and the jobs of schedulers are told. At least 1.
int DefaultThreads();

// `option` is NUM_THREADS ("4", "ALL_CPUS") or nullptr: then DefaultThreads. kInvalidArgument where
// it is neither a number nor ALL_CPUS.
Result<int> ThreadsFromOption(const char* option);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_THREADS_H_
