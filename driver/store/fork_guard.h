// Mutexes that must not be locked by another thread when this one forks: the child would wait for a
// thread that it does not have.
#ifndef GDAL_NDARRAY_STORE_FORK_GUARD_H_
#define GDAL_NDARRAY_STORE_FORK_GUARD_H_

#include <mutex>

namespace ndarray {

// From here on, fork() waits until it has the mutex, and gives it back in parent and child. For
// mutexes that live as long as the process, and of which no thread holds two at a time.
void GuardAcrossForks(std::mutex& mutex);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_FORK_GUARD_H_
