// gdal_ndarray convert of arrays that have more axes than a raster, from a .npy or .b2nd file to
// another.
#ifndef GDAL_NDARRAY_TOOLS_CONVERT_CONVERT_ARRAY_H_
#define GDAL_NDARRAY_TOOLS_CONVERT_CONVERT_ARRAY_H_

#include <cpl_string.h>

#include <memory>
#include <optional>
#include <string>

#include "driver/raster/formats/array_format.h"
#include "driver/store/array.h"
#include "driver/store/progress.h"
#include "tools/gdal_ndarray/reading.h"

namespace ndarray::tools {

struct ManyAxes {
  const ArrayFormat* format;
  std::shared_ptr<Array> array;
  std::optional<ElementType> element;  // of records
};

// The array of that .npy or .b2nd file, or of that part of an archive, if it has four axes or more.
// Absent: it has not, or the file is another one or cannot be opened, which GDAL's drivers report
// better.
std::optional<ManyAxes> FindArrayOfManyAxes(const std::string& path);

// Writes all elements to `destination`, with the attributes of the source where both formats have
// them. Blocks and chunks stay as they are, unless `options` or `access` say otherwise.
// Throws a Failure, WrongUsage for options that say what cannot be.
void ConvertArray(const ManyAxes& source, const std::string& destination, const ArrayFormat& format,
                  const std::optional<Reading>& access, CPLStringList options,
                  const ProgressFn& progress);

}  // namespace ndarray::tools

#endif  // GDAL_NDARRAY_TOOLS_CONVERT_CONVERT_ARRAY_H_
