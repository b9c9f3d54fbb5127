// Whole new files of arrays that are no rasters.
#ifndef GDAL_NDARRAY_TOOLS_WRITE_FILE_H_
#define GDAL_NDARRAY_TOOLS_WRITE_FILE_H_

#include <string>
#include <vector>

#include "driver/raster/formats/array_create.h"

namespace ndarray::tools {

// Writes all elements into a file that takes the place of an older one, and its sidecars, when it
// is whole. Throws a Failure.
void WriteFile(const std::string& path, const WriterStarter& start,
               const std::vector<Attribute>& attributes, const PixelSource& source,
               const ProgressFn& progress);

}  // namespace ndarray::tools

#endif  // GDAL_NDARRAY_TOOLS_WRITE_FILE_H_
