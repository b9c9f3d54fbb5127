// Which axes of an array are the bands, lines and pixels of a raster.
//
// Without a word from the user: 1 axis is X, 2 axes are YX, 3 axes are BYX, unless the last axis
// has at most 4 elements and the first has more than 4: then YXB (an image with colours last).
// More axes are a stack of rasters, each found by a NumPy index of the leading axes.
#ifndef GDAL_NDARRAY_RASTER_AXES_H_
#define GDAL_NDARRAY_RASTER_AXES_H_

#include <string>
#include <string_view>
#include <vector>

#include "driver/store/array.h"
#include "driver/store/status.h"

namespace ndarray {

constexpr int kMaxRasterAxes = 3;

struct Axes {
  AxisVector index;  // the leading axes of the array that are fixed
  int band = -1;     // axis numbers of the array; -1: the raster has no such axis
  int y = -1;
  int x = -1;
  std::string name;  // "YX", "BYX", ...: array order, after the fixed axes

  int64_t Count(const AxisVector& shape, int axis) const { return axis < 0 ? 1 : shape[axis]; }

  // Whether elements of one pixel lie side by side ("PIXEL"), of one line ("LINE") or of one band
  // ("BAND"), counting axes from the one that varies slowest in the file.
  const char* Interleave(bool fortran_order) const;
};

// Chooses axes for shape[index.size()...]. `name` is the user's or the file's own choice, letters
// out of B, Y and X in array order, or empty for the rule above. kInvalidArgument when the index
// is out of bounds or the name does not fit; kNotSupported when an axis is too long for a raster.
Result<Axes> ChooseAxes(const AxisVector& shape, const AxisVector& index, std::string_view name);

// Axes for writing: the name for an interleaving ("BAND", "PIXEL" or "LINE") of that many bands.
std::string AxesForInterleave(std::string_view interleave, int bands);

// The shape of an array with these axes. kInvalidArgument when the name cannot hold the bands.
Result<AxisVector> ShapeForAxes(std::string_view name, int64_t bands, int64_t height,
                                int64_t width);

// "0,2" or "[0, 2]": a NumPy index without negative numbers. kInvalidArgument for other text.
Result<AxisVector> ParseIndex(std::string_view text);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_AXES_H_
