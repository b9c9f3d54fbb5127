// gdal_ndarray convert of arrays that have more axes than a raster, from a .npy or .b2nd file to
// another.
#ifndef GDAL_NDARRAY_TOOLS_CONVERT_ARRAY_H_
#define GDAL_NDARRAY_TOOLS_CONVERT_ARRAY_H_

#include <cpl_string.h>

#include <memory>
#include <optional>
#include <string>

#include "driver/raster/gdal_compat.h"
#include "driver/store/array.h"
#include "tools/reading.h"

namespace ndarray::tools {

// The array of that .npy or .b2nd file, if it has four axes or more. nullptr: it has not, or the
// file is another one or cannot be opened, which GDAL's drivers tell better.
std::shared_ptr<Array> FindArrayOfManyAxes(const std::string& path);

// Writes all elements to `destination`, with the attributes of a .b2nd where that is one, too.
// Blocks and chunks of a .b2nd stay as they are, unless `options` or `access` say otherwise.
// Throws a Failure, WrongUsage for options that say what cannot be.
void ConvertArray(const Array& array, const std::string& destination, bool to_b2nd,
                  const std::optional<Reading>& access, CPLStringList options,
                  GDALProgressFunc progress);

}  // namespace ndarray::tools

#endif  // GDAL_NDARRAY_TOOLS_CONVERT_ARRAY_H_
