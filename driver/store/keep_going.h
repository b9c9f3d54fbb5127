// How long work tells how far it is, and how it is asked to stop.
#ifndef GDAL_NDARRAY_STORE_KEEP_GOING_H_
#define GDAL_NDARRAY_STORE_KEEP_GOING_H_

#include <functional>

namespace ndarray {

// Called with the share of the work that is done, in [0, 1], from any thread but one at a time.
// Where it returns false the work ends soon, with kIo, "stopped". May be empty.
using KeepGoing = std::function<bool(double)>;

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_KEEP_GOING_H_
