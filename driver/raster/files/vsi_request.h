// What reading through a virtual file system may say about a failure: a network's errors name the
// protocol, the status and what to do.
#ifndef GDAL_NDARRAY_RASTER_FILES_VSI_REQUEST_H_
#define GDAL_NDARRAY_RASTER_FILES_VSI_REQUEST_H_

#include <string>
#include <vector>

#include "driver/raster/gdal_compat.h"

namespace ndarray {

// Whether reading the virtual file sends requests over a network, itself or through what it lies
// in (/vsizip//vsicurl/...).
bool IsRemotePath(const std::string& path);

// Keeps GDAL's errors of this thread from being shown, while it lives, so that one error can say
// all. Warnings come after it, debug messages at once.
class ErrorCollector {
 public:
  ErrorCollector();
  ~ErrorCollector();
  ErrorCollector(const ErrorCollector&) = delete;
  ErrorCollector& operator=(const ErrorCollector&) = delete;

  // The last one; empty where there was none.
  const std::string& last() const { return last_; }

 private:
  static void CPL_STDCALL Take(CPLErr kind, CPLErrorNum number, const char* text);

  std::string last_;
  std::vector<std::string> warnings_;
};

// "HTTP status 503: ...; what to do" of what GDAL said when a request failed, which may be nothing.
std::string ExplainHttpFailure(const std::string& said);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_FILES_VSI_REQUEST_H_
