// The masks of a pyramid's levels, out of that of the image.
#ifndef GDAL_NDARRAY_STORE_ARCHIVE_MASK_LEVELS_H_
#define GDAL_NDARRAY_STORE_ARCHIVE_MASK_LEVELS_H_

#include <memory>
#include <string>
#include <vector>

#include "driver/store/archive/halve.h"
#include "driver/store/array.h"
#include "driver/store/status.h"

namespace ndarray {

// A mask as a frame in memory, and opened.
struct MaskLevel {
  std::string frame;
  std::shared_ptr<Array> array;
};

// Opens an image's mask, the frame of a nested array of (lines, pixels) or (bands, lines, pixels),
// and makes those of `count` levels, each half of the one before: a pixel is valid where any of the
// four is, or, of the nearest neighbour, the first. The image's is the first of the result. `path`
// is what errors call it.
Result<std::vector<MaskLevel>> MakeMaskLevels(const std::string& path, std::string frame,
                                              size_t count, Resampling resampling, int max_threads);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_ARCHIVE_MASK_LEVELS_H_
