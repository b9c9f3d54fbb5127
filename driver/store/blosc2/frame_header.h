// The header of a Blosc2 contiguous frame (README_CFRAME_FORMAT.rst of c-blosc2). Pure functions
// over bytes; no file is touched here. It is msgpack with every field at a fixed place, numbers
// big-endian:
//
//   byte 0   0x9e, 0xa8, "b2frame\0"
//   byte 11  header bytes (int32), 16: frame bytes (uint64), 25: flags (4 bytes)
//   byte 30  uncompressed bytes (int64), 39: compressed bytes of all chunks (int64)
//   byte 48  bytes of an element, 53: of a block, 58: of a chunk (int32 each)
//   byte 68  whether there are variable-length metalayers: 0xc2 or 0xc3
//   byte 70  filter pipeline (1 + 16 bytes)
//   byte 87  fixed metalayers: names, offsets, contents
//   then     chunks; at header bytes + compressed bytes their offsets, as one more chunk
//   then     trailer (frame_trailer.h)
#ifndef GDAL_NDARRAY_STORE_BLOSC2_FRAME_HEADER_H_
#define GDAL_NDARRAY_STORE_BLOSC2_FRAME_HEADER_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "driver/store/blosc2/frame_trailer.h"
#include "driver/store/status.h"

namespace ndarray {

constexpr std::string_view kFrameMagic(
    "\x9e\xa8"
    "b2frame\0",
    10);
constexpr size_t kFrameHeaderMinBytes = 87;
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
  uint8_t compressor = 0;  // of codecs.h
  uint8_t level = 0;
  std::array<uint8_t, kMaxFilters> filters = {};
  std::array<uint8_t, kMaxFilters> filters_meta = {};
  std::vector<Metalayer> metalayers;

  const Metalayer* Find(std::string_view name) const;
};

// That a frame is a folder of files, which are not read.
Status SparseFrame();

// Whether the bytes begin a frame.
bool HasFrameMagic(std::string_view start);

// The bytes of the header, from the first kFrameHeaderMinBytes of a frame.
Result<uint64_t> FrameHeaderBytes(std::string_view start);

// Parses bytes [0, FrameHeaderBytes()) of a frame. kCorrupt where lengths contradict each other;
// kNotSupported for versions from the future. `bytes` must outlive the result.
Result<FrameHeader> ParseFrameHeader(std::string_view bytes);

// Where the lengths are that change when a frame is updated: one run of bytes, for one write.
constexpr size_t kFrameLengthsAt = 16;
constexpr size_t kFrameLengthsBytes = 31;

// The bytes of the frame, from these. REQUIRES: kFrameLengthsBytes
uint64_t FrameBytesOf(std::string_view lengths);

// Puts the lengths into a header, and the sizes that never change.
void PutFrameLengths(std::string& header, uint64_t frame_bytes, int64_t uncompressed_bytes,
                     int64_t compressed_bytes);
void PutChunkSizes(std::string& header, int32_t chunk_bytes, int32_t block_bytes);

// The frame has a trailer with variable-length metalayers.
void PutHasAttributes(std::string& header);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_BLOSC2_FRAME_HEADER_H_
