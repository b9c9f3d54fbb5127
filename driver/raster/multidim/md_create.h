// A new file, made through the multidimensional API: dimensions first, then one array over them.
#ifndef GDAL_NDARRAY_RASTER_MULTIDIM_MD_CREATE_H_
#define GDAL_NDARRAY_RASTER_MULTIDIM_MD_CREATE_H_

#include <functional>
#include <memory>
#include <string>

#include "driver/raster/gdal_compat.h"
#include "driver/store/array.h"

namespace ndarray {

// Makes the file, of zeros, in place of an older one, and opens it for update. Errors carry the
// path.
using ArrayMaker = std::function<Result<std::shared_ptr<Array>>(
    const AxisVector& shape, ScalarType type, CSLConstList options)>;

// A dataset whose root group makes the file when its array is created; before, nothing is touched.
// Pixels are there with the next flush, and what is said of the array (attributes, nodata, CRS,
// coordinates) when all that GDAL has handed out is released, in any order, or with a flush of the
// dataset.
// Indexing variables of the dimensions (arrays of one dimension that have its name) are kept with
// the array. A second array is an error. `is_temporary`: nobody else knows the path.
std::unique_ptr<GDALDataset> MakeNewMdDataset(const std::string& path, ArrayMaker make,
                                              bool is_temporary);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_MULTIDIM_MD_CREATE_H_
