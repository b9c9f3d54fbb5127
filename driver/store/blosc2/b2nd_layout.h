// Where the elements of a b2nd array are (README_B2ND_METALAYER.rst of c-blosc2): the array is a
// grid of chunks, each chunk a grid of blocks, all in C order. Blocks are dense and of one size:
// those at an edge are padded, and a chunk whose axis is no multiple of its blocks', too.
//
// Shapes are in elements. All products here were checked when the layout was parsed.
#ifndef GDAL_NDARRAY_STORE_BLOSC2_B2ND_LAYOUT_H_
#define GDAL_NDARRAY_STORE_BLOSC2_B2ND_LAYOUT_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "driver/store/array.h"
#include "driver/store/box.h"
#include "driver/store/dtype/record_dtype.h"
#include "driver/store/status.h"

namespace ndarray {

constexpr int kMaxB2ndAxes = 16;  // B2ND_MAX_DIM

// The limit for arrays that are read or written. More chunks would take an index of 512 MB, and a
// file of a few bytes can claim to have them.
constexpr int64_t kMaxChunks = int64_t{1} << 26;

struct B2ndLayout {
  ElementType element;
  AxisVector shape;
  AxisVector chunk_shape;
  AxisVector block_shape;
  AxisVector chunk_grid;  // chunks of the array, by axis
  AxisVector block_grid;  // blocks of a chunk, by axis
  int64_t chunk_count = 0;
  int64_t blocks_per_chunk = 0;
  int64_t block_bytes = 0;
  int64_t chunk_bytes = 0;  // of all blocks, padding included

  // Bytes between neighbours along each axis of a block.
  AxisVector block_strides_bytes;
};

// Parses the content of the metalayer "b2nd". kCorrupt for other bytes, shapes whose products do
// not fit, chunks of 2 GiB; kNotSupported for axes of size 0, no axes, and dtypes that are no
// numbers.
Result<B2ndLayout> ParseB2ndMetalayer(std::string_view content);

// Such a content, of a dtype as NumPy writes it ("<u2"). REQUIRES: the shapes are those of a
// B2ndLayout
std::string FormatB2ndMetalayer(const AxisVector& shape, const AxisVector& chunk_shape,
                                const AxisVector& block_shape, std::string_view dtype);

// The content with zeros in the place of the array's shape, and the shape's bytes: as much as
// changes when c-blosc2 resizes an array. Other contents: zeros, and all of it.
struct B2ndParts {
  std::string all_but_shape;
  std::string shape;
};
B2ndParts SplitB2ndMetalayer(std::string_view content);

// The layout of a new array. kInvalidArgument for shapes of other ranks, axes below 1, blocks
// larger than their chunks, chunks of 2 GiB, more than kMaxChunks.
Result<B2ndLayout> MakeB2ndLayout(const ElementType& element, const AxisVector& shape,
                                  const AxisVector& chunk_shape, const AxisVector& block_shape);
inline Result<B2ndLayout> MakeB2ndLayout(const DType& dtype, const AxisVector& shape,
                                         const AxisVector& chunk_shape,
                                         const AxisVector& block_shape) {
  return MakeB2ndLayout(PlainElement(dtype), shape, chunk_shape, block_shape);
}

// Whether chunks can be written: c-blosc2 reads some that it cannot write. kNotSupported.
Status CheckWritable(const B2ndLayout& layout);

// The chunks that a box touches, as a half-open box of the chunk grid.
Box ChunksOf(const B2ndLayout& layout, const Box& box);

// The blocks of one chunk that a box touches, as a half-open box of the block grid.
// REQUIRES: the box touches the chunk
Box BlocksOf(const B2ndLayout& layout, const AxisVector& chunk, const Box& box);

// The elements of a chunk that are the array's: none of the padding.
Box ChunkBox(const B2ndLayout& layout, const AxisVector& chunk);

// The elements of a block that are the array's: none of the padding.
Box BlockBox(const B2ndLayout& layout, const AxisVector& chunk, const AxisVector& block);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_BLOSC2_B2ND_LAYOUT_H_
