// The configuration option NDARRAY_CACHEMAX.
#ifndef GDAL_NDARRAY_RASTER_CACHE_LIMIT_H_
#define GDAL_NDARRAY_RASTER_CACHE_LIMIT_H_

#include <cstdint>
#include <optional>
#include <string_view>

namespace ndarray {

// "64" (megabytes, as numbers below 100,000 are for GDAL_CACHEMAX), "200000000" (bytes), "64KB",
// "64 MB", "1.5GB". Absent for other text and negative numbers.
std::optional<int64_t> ParseCacheLimit(std::string_view text);

// Bounds the block cache as the option says, where it is set; other text gives one GDAL warning.
// Called at each opening, never for a window.
void ApplyCacheLimit();

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_CACHE_LIMIT_H_
