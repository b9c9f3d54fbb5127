// The trailer of a Blosc2 contiguous frame (README_CFRAME_FORMAT.rst of c-blosc2): the frame's
// variable-length metalayers, "vlmetalayers", which users know as attributes. Pure functions over
// bytes. All of it is msgpack, numbers big-endian:
//
//   byte 0   0x94, version, 0x93
//   byte 3   0xcd, bytes of bytes 3 to where the names end (uint16)
//   byte 6   0xde, number of vlmetalayers (uint16)
//   then     for each: its name (0xa0 + length, at most 31), 0xd2, where its content is, from the
//            trailer's start (uint32)
//   then     0xdc, number (uint16); for each: 0xc6, bytes (uint32), its content: a Blosc chunk
//   23 bytes before the end: 0xce, bytes of the trailer (uint32), 0xd8, kind, 16 bytes of
//            fingerprint, which is not used
#ifndef GDAL_NDARRAY_STORE_BLOSC2_FRAME_TRAILER_H_
#define GDAL_NDARRAY_STORE_BLOSC2_FRAME_TRAILER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "driver/store/status.h"

namespace ndarray {

constexpr size_t kFrameTrailerMinBytes = 25;
// Longer names, and more attributes, c-blosc2 does not take.
constexpr size_t kMaxAttributeNameBytes = 31;
constexpr size_t kMaxAttributes = 16;
// What FrameTrailerNamesBytes needs.
constexpr size_t kFrameTrailerStartBytes = 9;
// Before the bytes of a content.
constexpr size_t kContentHeaderBytes = 5;

// A name, and where the header of its content is, from the trailer's start.
struct TrailerEntry {
  std::string name;
  uint64_t offset_bytes;
};

// The bytes of the trailer, from the last kFrameTrailerMinBytes of a frame.
Result<uint64_t> FrameTrailerBytes(std::string_view end);

// How many bytes of a trailer have all names, at most; from its first kFrameTrailerStartBytes.
Result<uint64_t> FrameTrailerNamesBytes(std::string_view start);

// The names, from the trailer's first FrameTrailerNamesBytes, or all it has. kCorrupt.
Result<std::vector<TrailerEntry>> ParseFrameTrailer(std::string_view start);

// The bytes of a content, from its header.
Result<uint64_t> ContentBytes(std::string_view header);

// A trailer of these names and contents. REQUIRES: names of at most kMaxAttributeNameBytes; 4 GiB
// are not reached
std::string FormatFrameTrailer(const std::vector<std::pair<std::string, std::string>>& contents);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_BLOSC2_FRAME_TRAILER_H_
