// The compressed streams of a block of a Blosc2 chunk (README_CHUNK_FORMAT.rst of c-blosc2):
//
//   where the directory says, an int32 and as many bytes, for each stream:
//     0            no bytes: all of the stream is zeros
//     -v, a token  no more bytes: all of the stream is the byte v
//     n            n bytes: the stream itself, where n is its size, else compressed to fewer;
//                  of ZSTD also its frame of stored blocks, which has some bytes more
//
// Streams of a block are of equal size. Sizes are in bytes; no byte outside of the chunk is read,
// whatever it says.
#ifndef GDAL_NDARRAY_STORE_BLOSC2_BLOCK_STREAMS_H_
#define GDAL_NDARRAY_STORE_BLOSC2_BLOCK_STREAMS_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "driver/store/blosc2/blosc_chunk.h"
#include "driver/store/status.h"

namespace ndarray {

enum class StreamCodec : uint8_t { kLz4, kZstd };

struct StreamsFormat {
  StreamCodec codec = StreamCodec::kLz4;
  size_t directory_bytes = 0;  // before the first block
  // Of ZSTD's frames, where they have any: the bytes of the chunk have been checked otherwise, or
  // nobody wants to know.
  bool ignores_checksums = false;
};

// What of a block's streams is wanted. What comes after it is not decoded where that saves time,
// nor looked at: damage there goes unnoticed unless those bytes are wanted.
struct WantedBytes {
  size_t first = SIZE_MAX;  // so many of the block, or of each stream
  bool of_each = false;

  size_t OfStream(size_t number, size_t stream_bytes) const {
    if (of_each) return std::min(first, stream_bytes);
    const size_t before = number * stream_bytes;
    return first > before ? std::min(first - before, stream_bytes) : 0;
  }
};

// Decodes the streams of block number `block`, one after another, to `to`: block_bytes, a multiple
// of `streams`. Where the block is one stream that is not compressed, nothing is copied and
// `in_place` is set to where it is in the chunk, unless `in_place` is null. kCorrupt for streams
// that cannot be decoded or that are of other sizes.
Status DecodeStreams(const StreamsFormat& format, std::string_view chunk, int64_t block,
                     size_t block_bytes, size_t streams, const WantedBytes& wanted, std::byte* to,
                     const std::byte** in_place);

// Compresses a stream into a frame of ZSTD with a checksum; returns its size, or 0 where it does
// not get smaller. `level` is Blosc2's. REQUIRES: `to` has room for the stream itself
size_t CompressZstd(std::string_view stream, int level, std::byte* to);

// Appends a frame of stored blocks, with the stream's ZstdChecksum; and its size.
void AppendStoredZstd(std::string_view stream, uint32_t checksum, std::string& to);
size_t StoredZstdBytes(size_t stream_bytes);

// What keeps the time bounded that c-blosc2 takes: kCorrupt where a stream of the block is longer
// than what it is decoded to, and ZSTD's frame around it. Other damage is left for c-blosc2 to
// find. REQUIRES: `chunk` is the parsed header of `bytes`, of kind kBlocks and not stored
Status CheckStreams(const BloscChunk& chunk, std::string_view bytes, int64_t block);

// The same for all blocks of a chunk of any kind; the message says which.
Status CheckStreams(const BloscChunk& chunk, std::string_view bytes);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_BLOSC2_BLOCK_STREAMS_H_
