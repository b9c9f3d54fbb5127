// An offset in the index of a frame: where a chunk starts, counted from the first one, or what it
// is made of where it takes no bytes (negative: bit 63, and the kind from bit 56 on).
#ifndef GDAL_NDARRAY_STORE_FRAME_CHUNK_OFFSET_H_
#define GDAL_NDARRAY_STORE_FRAME_CHUNK_OFFSET_H_

#include <cstdint>

#include "driver/store/blosc2/blosc_chunk.h"

namespace ndarray {

constexpr int kSpecialKindShift = 56;

constexpr int64_t SpecialOffset(ChunkKind kind) {
  return static_cast<int64_t>(uint64_t{1} << 63 | static_cast<uint64_t>(kind) << kSpecialKindShift);
}

constexpr bool IsSpecialOffset(int64_t offset) { return offset < 0; }

// What a special chunk is made of; of damaged files also kinds that do not exist.
constexpr ChunkKind SpecialKind(int64_t offset) {
  return static_cast<ChunkKind>((offset >> kSpecialKindShift) & 0x7);
}

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_FRAME_CHUNK_OFFSET_H_
