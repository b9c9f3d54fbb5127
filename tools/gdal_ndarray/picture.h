// A window of an image as a PNG to look at.
#ifndef GDAL_NDARRAY_TOOLS_PICTURE_H_
#define GDAL_NDARRAY_TOOLS_PICTURE_H_

#include <string>
#include <vector>

#include "driver/raster/gdal_compat.h"

namespace ndarray::tools {

// A window in pixels, within the raster.
struct PixelWindow {
  int x = 0, y = 0, width = 0, height = 0;
};

// The size of what is written, in pixels.
struct PixelSize {
  int width = 0, height = 0;
};

// Writes a window in `size` pixels, at most 2^28: those of an overview where one is large enough,
// else the nearest ones, without reading more than a part of them at a time. As 8-bit grey (one
// band) or red, green, blue (three), and alpha where pixels are invalid. Without `bands`: those of
// the three colours where the dataset says which they are, else the first. A band of palette
// entries becomes its colours. Values are stretched from the 2nd to the 98th percentile of the
// valid ones, by band; but bytes that are colours are kept. The file is complete, or was not
// touched.
//
// Returns a line for each band that says what is black and what is white. Throws Failure.
std::string WritePicture(GDALDataset& dataset, const PixelWindow& window, const PixelSize& size,
                         std::vector<int> bands, const std::string& path);

}  // namespace ndarray::tools

#endif  // GDAL_NDARRAY_TOOLS_PICTURE_H_
