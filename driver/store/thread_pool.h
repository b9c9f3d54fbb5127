// The threads of this process that help with large windows.
//
// One pool serves all files. Workers start when first needed and stay; the calling thread always
// works too, so a call makes progress even where no worker can be had. A child made by fork() gets
// an empty pool of its own (worker processes of PyTorch and multiprocessing are made that way).
#ifndef GDAL_NDARRAY_STORE_THREAD_POOL_H_
#define GDAL_NDARRAY_STORE_THREAD_POOL_H_

#include <cstdint>
#include <functional>

#include "driver/store/status.h"

namespace ndarray {

// The processors this process may use: the smaller of its affinity mask and its cgroup CPU quota,
// at least 1. A change of the quota is seen within a second.
int AvailableProcessors();

// Whether this process was made by fork() while this code was loaded, as the children of
// multiprocessing and of PyTorch's DataLoader are: others that do the same run beside it.
bool IsForkedChild();

// Calls task(0) ... task(count - 1), each once, in any order, from at most max_threads threads of
// which the caller is one. Returns when all have returned. Tasks must not throw. May be called
// from several threads at once, and from within a task.
void ParallelFor(int64_t count, int max_threads, const std::function<void(int64_t)>& task);

// The same for tasks that may fail or throw: after the first that does no other is started, and its
// failure or exception is the result.
Status TryParallelFor(int64_t count, int max_threads, const std::function<Status(int64_t)>& task);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_THREAD_POOL_H_
