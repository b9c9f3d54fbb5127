// Progress callbacks as GDAL has them.
#ifndef GDAL_NDARRAY_RASTER_GDAL_PROGRESS_H_
#define GDAL_NDARRAY_RASTER_GDAL_PROGRESS_H_

#include "driver/raster/gdal_compat.h"
#include "driver/store/progress.h"

namespace ndarray {

inline ProgressFn FromGdal(GDALProgressFunc progress, void* progress_data) {
  if (progress == nullptr || progress == GDALDummyProgress) return {};
  return [=](double done) { return progress(done, "", progress_data) != FALSE; };
}

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_GDAL_PROGRESS_H_
