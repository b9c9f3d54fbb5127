#include "driver/raster/cache_limit.h"

#include <cpl_conv.h>
#include <cpl_string.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "driver/raster/gdal_error.h"
#include "driver/store/block_cache.h"

namespace ndarray {

std::optional<int64_t> ParseCacheLimit(std::string_view text) {
  const std::string number(text);
  char* end = nullptr;
  double value = CPLStrtod(number.c_str(), &end);
  if (end == number.c_str() || !std::isfinite(value) || value < 0) return std::nullopt;
  while (*end == ' ') ++end;
  if (*end == '\0') {
    value *= value < 100000 ? 1 << 20 : 1;
  } else if (EQUAL(end, "KB") || EQUAL(end, "K")) {
    value *= 1 << 10;
  } else if (EQUAL(end, "MB") || EQUAL(end, "M")) {
    value *= 1 << 20;
  } else if (EQUAL(end, "GB") || EQUAL(end, "G")) {
    value *= 1 << 30;
  } else {
    return std::nullopt;
  }
  constexpr double kMost = 0x1p50;
  return static_cast<int64_t>(std::min(value, kMost));
}

void ApplyCacheLimit() {
  const char* const text = CPLGetConfigOption("NDARRAY_CACHEMAX", nullptr);
  std::optional<int64_t> limit = BlockCache::kDefaultMaxBytes;
  if (text != nullptr) limit = ParseCacheLimit(text);
  if (!limit) {
    ReportWarning("NDARRAY_CACHEMAX: found " + std::string(text) +
                  ", wanted megabytes, or a number with KB, MB or GB");
    return;
  }
  if (*limit != BlockCache::Process().max_bytes()) BlockCache::Process().SetMaxBytes(*limit);
}

}  // namespace ndarray
