// What GDAL's block cache keeps of the source of a copy, which is read once, from top to bottom.
#ifndef GDAL_NDARRAY_RASTER_CREATE_SOURCE_CACHE_H_
#define GDAL_NDARRAY_RASTER_CREATE_SOURCE_CACHE_H_

#include "driver/raster/gdal_compat.h"

namespace ndarray {

// Blocks that a copy has behind it are taken out of GDAL's cache, which would fill up with them: 5
// % of the machine's memory by default. Only those of the source itself are: a VRT's sources keep
// theirs.
class SourceCache {
 public:
  // `along_x`: the copy goes from left to right.
  SourceCache(GDALDataset& source, bool along_x);

  // Everything before this line (or column) has been copied, all that is wanted of it.
  void Passed(int line);

 private:
  GDALDataset& source_;
  int block_side_ = 1;
  int passed_ = 0;
};

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_CREATE_SOURCE_CACHE_H_
