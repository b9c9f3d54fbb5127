// Blosc2 frames and chunks made byte by byte, independent of c-blosc2 and of the reader under test:
// every field may lie. README_CFRAME_FORMAT.rst and README_CHUNK_FORMAT.rst of c-blosc2 say what
// they are.
#ifndef GDAL_NDARRAY_TESTS_SUPPORT_FRAME_BYTES_H_
#define GDAL_NDARRAY_TESTS_SUPPORT_FRAME_BYTES_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "driver/store/array.h"
#include "tests/support/array_conformance.h"

namespace ndarray::testing {

// The lowest `bytes` bytes of a number.
std::string Big(uint64_t value, int bytes);
std::string Little(uint64_t value, int bytes);

// Flags of a chunk: byte 2 of its header.
constexpr int kChunkExtended = 0x05;
constexpr int kChunkStored = 0x02;
constexpr int kChunkUnsplit = 0x10;
constexpr int kChunkLz4 = 0x20;
constexpr int kChunkZstd = 0x80;
constexpr int kChunkPluginCodec = 0xC0;

// Where in a chunk, and in a frame, its fields are.
constexpr size_t kChunkUncompressedAt = 4;
constexpr size_t kChunkBlockAt = 8;
constexpr size_t kChunkCompressedAt = 12;
constexpr size_t kChunkStartsAt = 32;
constexpr size_t kFrameHeaderBytesAt = 11;
constexpr size_t kFrameBytesAt = 16;
constexpr size_t kFrameMetalayersAt = 87;

struct ChunkFields {
  int version = 5;
  int codec_version = 1;
  int flags = kChunkExtended | kChunkUnsplit;  // and BLOSCLZ
  int element_bytes = 2;
  int64_t uncompressed_bytes = 32;
  int64_t block_bytes = 16;
  int64_t compressed_bytes = 32;
  std::array<uint8_t, 6> filters = {};
  int plugin_codec = 0;
  int codec_meta = 0;
  std::array<uint8_t, 6> filters_meta = {};
  int more_flags = 0;
  int special_flags = 0;  // bits 4 to 6: kind
};

std::string ChunkHeader(const ChunkFields& fields);  // 32 bytes

// The elements as they are, after a header.
std::string StoredChunk(std::string_view elements, int64_t block_bytes, int element_bytes = 2);

// The starts of the blocks, then each after its length: what c-blosc2 writes of blocks that no
// codec makes smaller.
std::string ChunkOfBlocks(std::string_view elements, int64_t block_bytes, int element_bytes = 2);

std::string RepeatedChunk(std::string_view value, int64_t uncompressed_bytes, int64_t block_bytes);

// What replaces the offset of a special chunk: kind 1 are zeros, 2 NaNs, 4 elements never written.
constexpr int64_t SpecialOffset(int kind) {
  return static_cast<int64_t>((uint64_t{0x80} | static_cast<uint64_t>(kind)) << 56);
}

using NamedContents = std::vector<std::pair<std::string, std::string>>;

// What a frame says. Absent lengths are the right ones.
struct FrameParts {
  // Fields of the metalayer b2nd, or its content as it is.
  AxisVector shape = {6, 8};
  AxisVector chunk_shape = {4, 4};
  AxisVector block_shape = {2, 4};
  std::string dtype = "<u2";
  std::optional<std::string> b2nd;
  std::string b2nd_name = "b2nd";
  NamedContents more_metalayers;
  NamedContents vlmetalayers;

  // Fields of the header.
  int general_flags = 0x12;  // version 2, offsets of 64 bits
  int frame_type = 0;
  int codec_flags = 0x50;  // BLOSCLZ, level 5
  int element_bytes = 2;
  int64_t block_bytes = 16;
  int64_t chunk_bytes = 32;
  std::array<uint8_t, 6> filters = {};
  std::optional<uint64_t> header_bytes;
  std::optional<uint64_t> frame_bytes;
  std::optional<int64_t> uncompressed_bytes;
  std::optional<int64_t> compressed_bytes;
  std::optional<uint64_t> trailer_bytes;

  std::vector<std::string> chunks;
  std::vector<int64_t> offsets;              // from the end of the header; empty: of `chunks`
  std::optional<std::string> offsets_chunk;  // else stored, of `offsets`
};

// [0, axes, shape, chunks, blocks, 0, dtype] in msgpack, as c-blosc2 writes it.
std::string B2ndContent(const AxisVector& shape, const AxisVector& chunk_shape,
                        const AxisVector& block_shape, std::string_view dtype);

std::string FrameBytes(const FrameParts& parts);

// Where the chunk of that number begins in FrameBytes(parts).
size_t ChunkStart(const FrameParts& parts, size_t chunk);

enum class ChunkStyle { kStored, kOfBlocks };

// Uncompressed chunks of the array, padded and in the order of blocks.
FrameParts FrameOf(const ReferenceArray& reference, const AxisVector& chunk_shape,
                   const AxisVector& block_shape, ChunkStyle style = ChunkStyle::kOfBlocks);

// The numbers 0 to 47 as (6, 8) of "<u2", in 4 chunks (4, 4) of 2 blocks (2, 4).
ReferenceArray SmallReference();
FrameParts SmallFrame(ChunkStyle style = ChunkStyle::kOfBlocks);

}  // namespace ndarray::testing

#endif  // GDAL_NDARRAY_TESTS_SUPPORT_FRAME_BYTES_H_
