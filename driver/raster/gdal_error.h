// The one place where failures become GDAL errors, and where exceptions end.
#ifndef GDAL_NDARRAY_RASTER_GDAL_ERROR_H_
#define GDAL_NDARRAY_RASTER_GDAL_ERROR_H_

#include <exception>
#include <string>

#include "driver/raster/gdal_compat.h"
#include "driver/store/status.h"

namespace ndarray {

// CE_None for success; else raises the message as one GDAL error, unless there has been one
// (kReported), and returns CE_Failure.
CPLErr Report(const Status& status);

// kReported where GDAL has failed, and so raised an error.
Status GdalStatus(CPLErr result);

void ReportWarning(const std::string& message);

void ReportException(const std::exception& exception);

// Calls function(); an exception (only std::bad_alloc is expected) becomes a GDAL error and
// `failed`. Entry points of GDAL that allocate what a file or a request asks for go through here.
template <typename T, typename Function>
T Guarded(T failed, const Function& function) {
  try {
    return function();
  } catch (const std::exception& exception) {
    ReportException(exception);
    return failed;
  }
}

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_GDAL_ERROR_H_
