// The masks of a source on their way into a .b2nd file: the attribute that StoredMask reads.
#ifndef GDAL_NDARRAY_RASTER_MASK_COPY_H_
#define GDAL_NDARRAY_RASTER_MASK_COPY_H_

#include <cstddef>
#include <cstdint>
#include <optional>

#include "driver/raster/gdal_compat.h"
#include "driver/raster/new_array.h"
#include "driver/raster/stored_metadata.h"
#include "driver/raster/window_io.h"
#include "driver/store/nested_array.h"

namespace ndarray {

// How many masks a source has that are neither all valid nor follow from nodata values or an alpha
// band: 1 for all bands, or one for each.
struct SourceMasks {
  int count = 0;  // 0: none
  bool per_dataset = false;
};
SourceMasks FindMasks(GDALDataset& source);

// The attribute of the masks, absent where it would be longer than most_bytes. Where some bands
// have masks of their own, the others' are copied as they look. CE_Failure after one GDAL error.
// REQUIRES: masks are those of the source, and not none
CPLErr CopyMasks(GDALDataset& source, const NewArray& array, const SourceMasks& masks,
                 int max_threads, const Progress& progress, std::optional<Attribute>& to,
                 size_t most_bytes = kMostNestedBytes);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_MASK_COPY_H_
