// The pages of a TIFF file as one array of three and more axes.
#ifndef GDAL_NDARRAY_TOOLS_CONVERT_TIFF_STACK_H_
#define GDAL_NDARRAY_TOOLS_CONVERT_TIFF_STACK_H_

#include <string>
#include <vector>

#include "driver/raster/create/copy_pixels.h"
#include "driver/raster/create/new_array.h"
#include "tools/gdal_ndarray/convert/tiff_pages.h"

namespace ndarray::tools {

// The array that holds the pages, and the names of its axes: (page, y, x), (t, z, c, y, x) of what
// ImageJ calls a hyperstack, without those of size 1; a last axis of bands where a pixel has
// several.
struct Stack {
  NewArray array;  // axes: kPlanes for those before the lines
  std::vector<std::string> names;
};
Stack PlanStack(const TiffPages& pages, const std::string& path);

// Their pixels, decoded by libtiff, by stack.array.max_threads threads; failures name the page.
// `pages` must outlive the source.
PixelSource SourceOf(const TiffPages& pages, const Stack& stack);

}  // namespace ndarray::tools

#endif  // GDAL_NDARRAY_TOOLS_CONVERT_TIFF_STACK_H_
