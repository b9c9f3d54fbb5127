// The masks of a source on their way into a .b2nd file: the attribute that StoredMask reads.
#ifndef GDAL_NDARRAY_RASTER_CREATE_MASK_COPY_H_
#define GDAL_NDARRAY_RASTER_CREATE_MASK_COPY_H_

#include <vector>

#include "driver/raster/create/new_array.h"
#include "driver/raster/gdal_compat.h"
#include "driver/store/attributes.h"
#include "driver/store/progress.h"
#include "driver/store/status.h"

namespace ndarray {

// ArrayFormat::store_masks: adds the attribute of the masks, unless there are none, or it would be
// longer than kMaxNestedBytes. Where some bands have masks of their own, the others' are copied as
// they look. Returns the share of `progress` that it took. `array` is the new array of the source.
Result<double> CopyMasks(GDALDataset& source, const NewArray& array, const ProgressFn& progress,
                         std::vector<Attribute>& attributes);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_CREATE_MASK_COPY_H_
