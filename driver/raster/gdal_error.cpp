#include "driver/raster/gdal_error.h"

#include <new>

namespace ndarray {
namespace {

CPLErrorNum ErrorNumber(StatusCode code) {
  switch (code) {
    case StatusCode::kNotFound:
      return CPLE_OpenFailed;
    case StatusCode::kNotSupported:
      return CPLE_NotSupported;
    case StatusCode::kInvalidArgument:
      return CPLE_IllegalArg;
    case StatusCode::kIo:
      return CPLE_FileIO;
    case StatusCode::kCancelled:
      return CPLE_UserInterrupt;
    default:
      return CPLE_AppDefined;
  }
}

}  // namespace

CPLErr Report(const Status& status) {
  if (status.ok()) return CE_None;
  if (status.code() == StatusCode::kReported) return CE_Failure;
  CPLError(CE_Failure, ErrorNumber(status.code()), "%s", status.message().c_str());
  return CE_Failure;
}

Status GdalStatus(CPLErr result) {
  return result == CE_None ? Status() : Status(StatusCode::kReported, "GDAL has reported it");
}

void ReportWarning(const std::string& message) {
  CPLError(CE_Warning, CPLE_AppDefined, "%s", message.c_str());
}

void ReportException(const std::exception& exception) {
  const bool memory = dynamic_cast<const std::bad_alloc*>(&exception) != nullptr;
  CPLError(CE_Failure, memory ? CPLE_OutOfMemory : CPLE_AppDefined, "%s",
           memory ? "out of memory" : exception.what());
}

}  // namespace ndarray
