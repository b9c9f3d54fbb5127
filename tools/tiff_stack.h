// The pages of a TIFF file as one array of three and more axes, in a new .npy or .b2nd file.
#ifndef GDAL_NDARRAY_TOOLS_TIFF_STACK_H_
#define GDAL_NDARRAY_TOOLS_TIFF_STACK_H_

#include <string>
#include <utility>
#include <vector>

#include "driver/raster/gdal_compat.h"
#include "driver/raster/new_array.h"
#include "tools/tiff_pages.h"

namespace ndarray::tools {

// The array that holds the pages, and the names of its axes: (page, y, x), (t, z, c, y, x) of what
// ImageJ calls a hyperstack, without those of size 1; a last axis of bands where a pixel has
// several.
struct Stack {
  NewArray array;  // axes: kPlanes for those before the lines
  std::vector<std::string> names;
};
Stack PlanStack(const TiffPages& pages, const std::string& path);

// Attributes of a .b2nd: names, and values as msgpack.
using StackAttributes = std::vector<std::pair<std::string, std::string>>;

// Decodes all pages and writes the file, of which there is nothing before it is complete. At most
// two times 64 MB of pixels are in memory, or of whole lines (times those of a chunk, or of a strip
// or tile). Throws a Failure, WrongUsage for options that say what cannot be.
void WriteNpyStack(const TiffPages& pages, const Stack& stack, GDALProgressFunc progress);
#ifdef NDARRAY_HAS_B2ND
void WriteB2ndStack(const TiffPages& pages, const Stack& stack, const StackAttributes& attributes,
                    StringList options, GDALProgressFunc progress);
#endif

}  // namespace ndarray::tools

#endif  // GDAL_NDARRAY_TOOLS_TIFF_STACK_H_
