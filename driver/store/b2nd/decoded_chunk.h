// Copies between windows and a decoded chunk, whose blocks lie one after another as in the file.
//
// Boxes are in elements of the array; `position` is the chunk's in the chunk grid.
#ifndef GDAL_NDARRAY_STORE_B2ND_DECODED_CHUNK_H_
#define GDAL_NDARRAY_STORE_B2ND_DECODED_CHUNK_H_

#include <cstddef>

#include "driver/store/array.h"
#include "driver/store/blosc2/b2nd_layout.h"

namespace ndarray {

// Copies the field's elements of `part` out of a chunk. REQUIRES: part is within the chunk
void CopyOutOfChunk(const B2ndLayout& layout, const std::byte* chunk, const AxisVector& position,
                    const Field& field, const Box& part, const StridedView& to);

// The reverse. Bools become 0 or 1. REQUIRES: part is within the chunk
void CopyIntoChunk(const B2ndLayout& layout, std::byte* chunk, const AxisVector& position,
                   const Field& field, const Box& part, const ConstStridedView& from);

// Copies the field's elements of `part` from one decoded chunk to another of the same place, as
// they are in the file. REQUIRES: part is within the chunk
void CopyBetweenChunks(const B2ndLayout& layout, const std::byte* from, std::byte* to,
                       const AxisVector& position, const Field& field, const Box& part);

// Makes all of a chunk: whole elements (records as they are in the file), zeros where blocks reach
// over the array. `from` is the element where the chunk starts.
void FillChunk(const B2ndLayout& layout, std::byte* chunk, const AxisVector& position,
               const ConstStridedView& from);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_B2ND_DECODED_CHUNK_H_
