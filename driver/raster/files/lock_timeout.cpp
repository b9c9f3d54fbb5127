#include "driver/raster/files/lock_timeout.h"

#include <cpl_conv.h>

#include <cstdint>
#include <string>

#include "driver/raster/gdal_error.h"
#include "driver/store/io/writer_turns.h"

namespace ndarray {

std::chrono::milliseconds LockTimeout() {
  constexpr double kMaxSeconds = 1e9;
  const char* const text = CPLGetConfigOption("NDARRAY_LOCK_TIMEOUT", nullptr);
  if (text == nullptr) return kDefaultLockTimeout;
  char* end = nullptr;
  const double seconds = CPLStrtod(text, &end);
  if (end != text && *end == '\0' && seconds >= 0 && seconds <= kMaxSeconds) {
    return std::chrono::milliseconds(static_cast<int64_t>(seconds * 1000));
  }
  ReportWarning(std::string("NDARRAY_LOCK_TIMEOUT: found ") + text + ", wanted seconds");
  return kDefaultLockTimeout;
}

}  // namespace ndarray
