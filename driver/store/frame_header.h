// Header and trailer of a Blosc2 contiguous frame (README_CFRAME_FORMAT.rst of c-blosc2). Pure
// functions over bytes; no file is touched here. Both are msgpack with every field at a fixed
// place, numbers big-endian:
//
//   byte 0   0x9e, 0xa8, "b2frame\0"
//   byte 11  header bytes (int32), 16: frame bytes (uint64), 25: flags (4 bytes)
//   byte 30  uncompressed bytes (int64), 39: compressed bytes of all chunks (int64)
//   byte 48  bytes of an element, 53: of a block, 58: of a chunk (int32 each)
//   byte 70  filter pipeline (1 + 16 bytes)
//   byte 87  fixed metalayers: names, offsets, contents
//   then     chunks; at header bytes + compressed bytes their offsets, as one more chunk
//   then     trailer: variable-length metalayers; its own length 22 bytes before the frame's end
#ifndef GDAL_NDARRAY_STORE_FRAME_HEADER_H_
#define GDAL_NDARRAY_STORE_FRAME_HEADER_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "driver/store/status.h"

namespace ndarray {

constexpr std::string_view kFrameMagic(
    "\x9e\xa8"
    "b2frame\0",
    10);
constexpr size_t kFrameHeaderMinBytes = 87;
constexpr size_t kFrameTrailerMinBytes = 25;
// Metalayers of a header describe an array; longer ones are no header but an attack or an accident.
constexpr size_t kMaxFrameHeaderBytes = size_t{16} << 20;

struct Metalayer {
  std::string name;
  std::string_view content;  // within the parsed bytes
};

constexpr size_t kMaxFilters = 6;

struct FrameHeader {
  uint64_t header_bytes = 0;
  uint64_t frame_bytes = 0;
  int64_t uncompressed_bytes = 0;
  int64_t compressed_bytes = 0;
  int32_t element_bytes = 0;
  int32_t chunk_bytes = 0;  // uncompressed; 0 or -1: chunks of several sizes
  uint8_t format_version = 0;
  bool is_sparse = false;  // a folder with a file for each chunk
  bool has_varying_blocks = false;
  uint8_t compressor = 0;  // BLOSC_BLOSCLZ ... BLOSC_ZSTD, or the id of a plugin's codec
  uint8_t level = 0;
  std::array<uint8_t, kMaxFilters> filters = {};
  std::array<uint8_t, kMaxFilters> filters_meta = {};
  std::vector<Metalayer> metalayers;

  const Metalayer* Find(std::string_view name) const;
};

// Whether the bytes begin a frame.
bool HasFrameMagic(std::string_view start);

// The bytes of the header, from the first kFrameHeaderMinBytes of a frame.
Result<uint64_t> FrameHeaderBytes(std::string_view start);

// Of one attribute (variable-length metalayer) before it is compressed, and of all together, read
// or written: a few bytes can claim many.
constexpr int64_t kMaxAttributeBytes = int64_t{64} << 20;
constexpr int64_t kMaxAttributesBytes = int64_t{250} << 20;

// kInvalidArgument where values, by their names, are longer than is read.
Status CheckAttributeSizes(const std::vector<std::pair<std::string, std::string>>& attributes);

// Parses bytes [0, FrameHeaderBytes()) of a frame. kCorrupt where lengths contradict each other;
// kNotSupported for versions from the future. `bytes` must outlive the result.
Result<FrameHeader> ParseFrameHeader(std::string_view bytes);

// Where the lengths are that change when a frame is updated: one run of bytes, for one write.
constexpr size_t kFrameLengthsAt = 16;
constexpr size_t kFrameLengthsBytes = 31;

// Puts the lengths into a header, and the sizes that never change.
void PutFrameLengths(std::string& header, uint64_t frame_bytes, int64_t uncompressed_bytes,
                     int64_t compressed_bytes);
void PutChunkSizes(std::string& header, int32_t chunk_bytes, int32_t block_bytes);

// The bytes of the trailer, from the last kFrameTrailerMinBytes of a frame.
Result<uint64_t> FrameTrailerBytes(std::string_view end);

// The variable-length metalayers of a whole trailer. Contents are Blosc chunks. `bytes` must
// outlive the result.
Result<std::vector<Metalayer>> ParseFrameTrailer(std::string_view bytes);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_FRAME_HEADER_H_
