// Compares a file with what it should hold the values of: as rasters, or, where arrays have more
// axes than a raster, as arrays.
#ifndef GDAL_NDARRAY_TOOLS_VERIFY_AGAINST_H_
#define GDAL_NDARRAY_TOOLS_VERIFY_AGAINST_H_

#include <nlohmann/json.hpp>
#include <string>

#include "driver/raster/gdal_compat.h"
#include "tools/gdal_ndarray/verify/compare.h"

namespace ndarray::tools {

// `here` is the dataset of the .npy or .b2nd file at `path`, `source` the name of another dataset.
// The result reports, for people and programs alike:
//   source       its name
//   equal        whether shape, type and all values are the same
//   differences  of shapes and types, as texts; of shapes, no values are compared
//   notes        what is different besides values: CRS, geotransform, nodata, as texts
//   values, different, unread, first, bounds   as in Comparison, where values were compared
// Throws Failure where the source cannot be read.
nlohmann::ordered_json CompareWith(GDALDataset& here, const std::string& path,
                                   const std::string& source, const ProgressFn& progress);

}  // namespace ndarray::tools

#endif  // GDAL_NDARRAY_TOOLS_VERIFY_AGAINST_H_
