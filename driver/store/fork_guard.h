// Mutexes that must not be locked by another thread when this one forks: the child would wait for a
// thread that it does not have.
#ifndef GDAL_NDARRAY_STORE_FORK_GUARD_H_
#define GDAL_NDARRAY_STORE_FORK_GUARD_H_

#include <mutex>

namespace ndarray {

// After this call, fork() takes the mutex, and releases it in parent and child. REQUIRES: the mutex
// lives as long as the process, and no thread holds two of these at a time.
void GuardAcrossForks(std::mutex& mutex);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_FORK_GUARD_H_
