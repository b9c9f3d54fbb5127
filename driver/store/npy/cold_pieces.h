// What windows of a raw layout that is not in memory ask the system for (io/cold_reads.h).
#ifndef GDAL_NDARRAY_STORE_NPY_COLD_PIECES_H_
#define GDAL_NDARRAY_STORE_NPY_COLD_PIECES_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "driver/store/array.h"
#include "driver/store/io/cold_reads.h"

namespace ndarray {

// What a disk reads for a box, in bytes. element_bytes is the size of the field.
uint64_t DiskBytes(const RawLayout& layout, int64_t element_bytes, const Box& box);

// Cuts a box into boxes of at most kMaxAheadBytes each (where a single element is not more), in
// file order where the layout allows it, and returns the first max_pieces of them.
std::vector<Box> ColdPieces(const RawLayout& layout, int64_t element_bytes, const Box& box,
                            size_t max_pieces = SIZE_MAX);

// Adds where a box lies in the file, with small gaps. REQUIRES: it is a piece
void AddRanges(const RawLayout& layout, int64_t element_bytes, const Box& piece,
               std::vector<FileRange>& ranges);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_NPY_COLD_PIECES_H_
