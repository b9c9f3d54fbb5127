// The header of a Blosc2 chunk (README_CHUNK_FORMAT.rst of c-blosc2), with everything checked that
// is needed before its blocks are decoded. Pure functions over bytes. All numbers little-endian:
//
//   byte 0   version, codec version, flags, bytes of an element (1 byte each)
//   byte 4   uncompressed bytes, 8: bytes of a block, 12: compressed bytes (int32 each)
//   byte 16  filters (6), codec id, codec meta, filters' metas (6), more flags (2)
//   then     an int32 for each block: where it starts, from byte 0; then a dictionary, the blocks.
//            A chunk that is stored has neither: its elements follow the header.
#ifndef GDAL_NDARRAY_STORE_BLOSC2_BLOSC_CHUNK_H_
#define GDAL_NDARRAY_STORE_BLOSC2_BLOSC_CHUNK_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "driver/store/blosc2/frame_header.h"
#include "driver/store/status.h"

namespace ndarray {

constexpr int64_t kChunkHeaderBytes = 32;

// What a chunk holds, where it is no compressed blocks.
enum class ChunkKind : uint8_t {
  kBlocks,  // compressed, or stored one after another
  kZeros,
  kNans,           // quiet NaNs of 4 or 8 bytes
  kRepeated,       // one value, that follows the header
  kUninitialized,  // never written: shown as zeros
};

struct BloscChunk {
  ChunkKind kind = ChunkKind::kBlocks;
  bool stored = false;            // blocks are not compressed
  bool has_dictionary = false;    // that all blocks need
  bool is_split = false;          // a block is a stream for each byte of an element
  bool has_plugin_codec = false;  // `codec` is the number of a plugin
  uint8_t version = 0;
  uint8_t codec = 0;
  uint8_t element_bytes = 0;                      // 1, too, for elements of more than 255 bytes
  std::array<uint8_t, kMaxFilters> filters = {};  // in the order in which they were applied
  std::array<uint8_t, kMaxFilters> filters_meta = {};
  int64_t uncompressed_bytes = 0;
  int64_t block_bytes = 0;
  int64_t compressed_bytes = 0;

  int64_t block_count() const { return (uncompressed_bytes + block_bytes - 1) / block_bytes; }
  // The header and the blocks' starts.
  int64_t directory_bytes() const {
    return kChunkHeaderBytes + (kind == ChunkKind::kBlocks && !stored ? 4 * block_count() : 0);
  }
};

// Of a chunk, compressed: what does not shrink is stored, and far more than that is only there to
// ask for memory.
constexpr int64_t MaxChunkBytes(int64_t uncompressed_bytes) {
  constexpr int64_t kMaxOverheadBytes = 4096;
  return 2 * uncompressed_bytes + kMaxOverheadBytes;
}

// `available_bytes`: what the file has from the chunk's start on. kCorrupt where sizes contradict
// each other or that; kNotSupported for versions and kinds of chunks unknown here.
Result<BloscChunk> ParseChunkHeader(std::string_view start, uint64_t available_bytes);

// Whether a block cannot be decoded without others of its chunk, or where blocks are not
// `block_bytes` long.
bool NeedsWholeChunk(const BloscChunk& chunk, int64_t block_bytes);

// Whether all of these bytes, at least one, are zero.
bool AreZeros(const std::byte* bytes, size_t size_bytes);

// Whether elements are one value over and over, and a chunk can say so (kRepeated). False for
// zeros, which are a kind of their own. REQUIRES: size_bytes is a multiple of element_bytes
bool RepeatsElement(const std::byte* elements, size_t size_bytes, size_t element_bytes);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_BLOSC2_BLOSC_CHUNK_H_
