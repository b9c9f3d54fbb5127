// What GDAL's metadata domains say about an array in a file: IMAGE_STRUCTURE, and the one named
// like its format.
#ifndef GDAL_NDARRAY_RASTER_IMAGE_STRUCTURE_H_
#define GDAL_NDARRAY_RASTER_IMAGE_STRUCTURE_H_

#include <cpl_string.h>

#include "driver/store/array.h"

namespace ndarray {

// LAYOUT, DTYPE, SHAPE, and what else this format has.
CPLStringList ImageStructure(const ArrayInfo& info);

// CHUNK_COUNT, DECODED_BLOCKS and the like.
CPLStringList DetailItems(const ChunkDetails& details);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_IMAGE_STRUCTURE_H_
