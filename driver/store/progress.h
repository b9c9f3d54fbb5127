// How long work reports how far it is, and how it is asked to stop.
#ifndef GDAL_NDARRAY_STORE_PROGRESS_H_
#define GDAL_NDARRAY_STORE_PROGRESS_H_

#include <functional>

#include "driver/store/status.h"

namespace ndarray {

// Called with the share of the work that is done, in [0, 1], from any thread but one at a time.
// Where it returns false the work ends soon, with kCancelled. May be empty.
using ProgressFn = std::function<bool(double)>;

inline Status Cancelled() { return Status(StatusCode::kCancelled, "interrupted"); }

// kCancelled where the work is to end.
inline Status ReportProgress(const ProgressFn& progress, double done) {
  return !progress || progress(done) ? Status() : Cancelled();
}

// The progress of a part that begins and ends at these shares of the whole.
inline ProgressFn PartOf(const ProgressFn& progress, double begin, double end) {
  if (!progress) return {};
  return [=](double done) { return progress(begin + (end - begin) * done); };
}

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_PROGRESS_H_
