// How a new .b2nd is cut into chunks and blocks: all shapes get chunks and blocks of about the size
// that those of a square image have.
//
// Blocks are what a window decodes, chunks what is compressed and updated at once. Both begin as
// squares, cut off at the image's borders. What is then less than half of a square grows by whole
// multiples of itself: along x; along y where it covers all of x; along bands where it covers all
// of x and y; and in the same way along the axes of planes, the last one first. So a band of a
// large image has chunks and blocks of its own, while the small planes of a stack share them. Where
// bands are the last axis, blocks and chunks have all of them from the start.
//
// |       | side of the square             | grows to |
// | ----- | ------------------------------ | -------- |
// | block | 128 (one-byte elements: 256)   | 64 KB    |
// | chunk | 1024, in whole blocks          | 2 MB     |
//
// Chunks are larger, of up to 64 MB, where there would be more than 65,536 of them.
#ifndef GDAL_NDARRAY_RASTER_CREATE_B2ND_CUT_H_
#define GDAL_NDARRAY_RASTER_CREATE_B2ND_CUT_H_

#include "driver/raster/create/new_array.h"
#include "driver/raster/gdal_compat.h"
#include "driver/store/array.h"
#include "driver/store/status.h"

namespace ndarray {

// Elements along each axis of the array; chunks are whole multiples of blocks, and may be larger
// than the array.
struct B2ndCut {
  AxisVector chunk, block;
};

// Blocks of single bytes have this side unless something else is said.
constexpr int64_t kBlockSideOfBytes = 256;

// As BLOCKXSIZE, BLOCKYSIZE, CHUNKXSIZE and CHUNKYSIZE say. Where one of them is given, blocks do
// not grow along x and y; where one of chunks is given, nor do chunks. Without any of them as the
// source is cut, if that is. kInvalidArgument, without a path, for sides that are no numbers, and
// for chunks that are no multiples of blocks.
Result<B2ndCut> CutB2nd(const NewArray& array, StringList options,
                        int64_t side_of_bytes = kBlockSideOfBytes);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_CREATE_B2ND_CUT_H_
