// The configuration option NDARRAY_CACHEMAX.
#ifndef GDAL_NDARRAY_RASTER_DATASET_CACHE_LIMIT_H_
#define GDAL_NDARRAY_RASTER_DATASET_CACHE_LIMIT_H_

namespace ndarray {

// Bounds the block cache as the option says, where it is set; other text gives one GDAL warning.
// Called at each opening, never for a window.
void ApplyCacheLimit();

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_DATASET_CACHE_LIMIT_H_
