// The creation options of .b2z files: what of a new image becomes a pyramid.
#ifndef GDAL_NDARRAY_RASTER_CREATE_B2Z_OPTIONS_H_
#define GDAL_NDARRAY_RASTER_CREATE_B2Z_OPTIONS_H_

#include <string>

#include "driver/raster/create/b2nd_options.h"
#include "driver/raster/create/new_array.h"
#include "driver/raster/gdal_compat.h"
#include "driver/store/archive/b2z_writer.h"
#include "driver/store/status.h"

namespace ndarray {

// Levels are made until the longer side of one is no longer than this.
constexpr int64_t kSmallestLevelSide = 256;

// Everything that can be wrong with OVERVIEWS and RESAMPLING, and with chunks of odd sides, of
// which no levels can be made: kInvalidArgument, with the path. `image` is what PlanB2nd has made
// of the options. Levels have chunks of as many bytes as the image, but fewer lines and more
// pixels, so that a piece of it makes whole ones.
Result<B2zPlan> PlanB2z(const NewArray& array, const B2ndPlan& image, StringList options);

// The method of a plan in the words of GDAL and Zarr: "average".
std::string MethodName(const LevelsPlan& plan);

// So many levels of an image that is in a file, by that method (a word of RESAMPLING).
// kInvalidArgument, with the path.
Result<LevelsPlan> PlanLevels(const NewArray& array, const B2ndPlan& image,
                              const std::string& method, size_t count);

// That a .b2nd has no overviews in it: kInvalidArgument, with the path, where the options ask for
// some.
Status RefuseOverviews(const NewArray& array, StringList options);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_CREATE_B2Z_OPTIONS_H_
