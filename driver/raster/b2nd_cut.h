// How a new .b2nd is cut into chunks and blocks: all shapes get chunks and blocks of about the size
// that those of a square image have.
//
// Blocks are what a window decodes, chunks what is compressed and updated at once. Both begin as
// squares, as large as the image allows, and are then grown to their usual size by whole multiples
// of themselves: along x; along y where they cover all of x; along bands where they cover all of x
// and y; and in the same way along the axes of planes, the last one first. So a band of a large
// image has chunks and blocks of its own, while the small planes of a stack share them. Where bands
// are the last axis, blocks and chunks have all of them from the start.
//
// | | a side | usual size |
// | --- | --- | --- |
// | block | 128 (one-byte elements: 256) | that of such a square of elements, 16 KB to 256 KB |
// | chunk | 1024 | that of such a square of elements, but at most 2 MB |
//
// Chunks become up to 64 MB where there would be more than 65,536 of them.
#ifndef GDAL_NDARRAY_RASTER_B2ND_CUT_H_
#define GDAL_NDARRAY_RASTER_B2ND_CUT_H_

#include "driver/raster/gdal_compat.h"
#include "driver/raster/new_array.h"
#include "driver/store/array.h"
#include "driver/store/status.h"

namespace ndarray {

// Elements along each axis of the array; chunks are whole multiples of blocks, and may be larger
// than the array.
struct B2ndCut {
  AxisVector chunk, block;
};

// As BLOCKXSIZE, BLOCKYSIZE, CHUNKXSIZE and CHUNKYSIZE say. Where one of them is given, blocks do
// not grow along x and y; where one of chunks is given, nor do chunks. Without any of them as the
// source is cut, if that is. kInvalidArgument, without a path, for sides that are no numbers, and
// for chunks that are no multiples of blocks.
Result<B2ndCut> CutB2nd(const NewArray& array, StringList options);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_B2ND_CUT_H_
