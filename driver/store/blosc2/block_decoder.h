// Blocks of Blosc2 chunks decoded here, without c-blosc2: streams of LZ4 or ZSTD, filtered by
// SHUFFLE, BITSHUFFLE and BYTEDELTA in any order. Pure functions over bytes, from any number of
// threads at once.
//
// The last filter is undone on the way to the caller: straight into rows of its memory, and only
// those. Memory in between is the thread's own, kept for its next block. Sizes and offsets are in
// bytes, offsets of a block in those of its elements.
#ifndef GDAL_NDARRAY_STORE_BLOSC2_BLOCK_DECODER_H_
#define GDAL_NDARRAY_STORE_BLOSC2_BLOCK_DECODER_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "driver/store/blosc2/block_runs.h"
#include "driver/store/blosc2/block_streams.h"
#include "driver/store/blosc2/blosc_chunk.h"
#include "driver/store/status.h"

namespace ndarray {

struct FilterStep {
  enum class Kind : uint8_t { kUnshuffle, kBitUnshuffle, kUndelta };
  Kind kind = Kind::kUnshuffle;
  size_t width = 1;  // bytes that were taken apart, of each element: as many planes
};

// What a chunk's header says about its blocks.
struct BlockFormat {
  StreamsFormat streams;
  size_t stream_count = 1;  // of each block but a shorter last one, which is one stream
  size_t block_bytes = 0;
  size_t chunk_bytes = 0;  // uncompressed
  size_t steps_size = 0;
  std::array<FilterStep, kMaxFilters> steps = {};  // in the order to undo them

  size_t BlockBytes(int64_t block) const {
    return std::min(block_bytes, chunk_bytes - static_cast<size_t>(block) * block_bytes);
  }
  size_t Streams(size_t bytes_of_block) const {
    return bytes_of_block == block_bytes ? stream_count : 1;
  }
};

// Absent for chunks that c-blosc2 is needed for: other codecs and filters, dictionaries, and what
// is not quite right. `file_element_bytes` is what the frame's header has: elements may be larger
// than chunks can say.
std::optional<BlockFormat> FindBlockFormat(const BloscChunk& chunk, int64_t file_element_bytes);

// How many runs of bytes are copied, or filters undone for, one by one. Where pixels of several
// bands were shuffled as one (SHUFFLE(6) of three bands of uint16), the bytes of a band are planes
// of their own: runs of neighbouring pixels of it that are packed at `to` are one.
size_t SingleRuns(const BlockFormat& format, const BlockRuns& runs);

// Decodes `count` sets of runs of one block. `chunk` is all of it; only its directory and the block
// are looked at. What the runs do not need may be damaged. kCorrupt where it cannot be decoded.
// REQUIRES: the runs are within BlockBytes(block); the format is that of the chunk, whose header
// has been parsed out of these bytes
Status DecodeRuns(const BlockFormat& format, std::string_view chunk, int64_t block,
                  const BlockRuns* runs, size_t count);

// Decodes all of a block: BlockBytes(block). REQUIRES: as DecodeRuns
Status DecodeWholeBlock(const BlockFormat& format, std::string_view chunk, int64_t block,
                        std::byte* to);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_BLOSC2_BLOCK_DECODER_H_
