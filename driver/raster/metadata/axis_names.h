// The names of an array's axes, as the Zarr conventions and xarray have them.
#ifndef GDAL_NDARRAY_RASTER_METADATA_AXIS_NAMES_H_
#define GDAL_NDARRAY_RASTER_METADATA_AXIS_NAMES_H_

#include <string>
#include <vector>

namespace ndarray {

// "band", "y" and "x" for the letters of AXES.
std::vector<std::string> AxisNames(const std::string& axes);

// The letters of AXES that a file says with its attributes dimension_names (of all axes) and
// spatial:dimensions (of y and x, in this order; older files of ours name all axes there). Empty
// where they do not say which axes y and x are, or there are more than three.
std::string AxesOfNames(const std::vector<std::string>& dimension_names,
                        const std::vector<std::string>& spatial_dimensions);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_METADATA_AXIS_NAMES_H_
