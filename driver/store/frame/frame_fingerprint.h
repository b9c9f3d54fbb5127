// What a frame's trailer says of header, index and attributes: checksums, in the 16 bytes that the
// format keeps for a fingerprint and c-blosc2 fills with zeros whenever it changes a frame. Pure
// functions over bytes. Numbers are little-endian:
//
//   byte 0   "nd", version (1), flags
//   byte 4   the lowest 32 bits of XXH3 of two numbers of 8 bytes: XXH3 of header and of index
//   byte 8   the same of the array's shape, as the metalayer b2nd has it
//   byte 12  the same of all of the trailer before these bytes
//
// In the header zeros stand for what others change without the trailer: the lengths (which the
// structure of the file contradicts where they are wrong), codec, filters and threads for new
// chunks (which say nothing of those that are there), the shape, and the contents of metalayers
// other than b2nd. So the file says "changed since", and not "damaged", of a shape that c-blosc2
// has changed (`resize` within the same chunks). Fingerprints of other versions are as if they were
// not there.
#ifndef GDAL_NDARRAY_STORE_FRAME_FRAME_FINGERPRINT_H_
#define GDAL_NDARRAY_STORE_FRAME_FRAME_FINGERPRINT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "driver/store/status.h"

namespace ndarray {

// Whether files are compared with their checksums when they are read.
enum class Verification {
  kNo,
  kChunks,  // chunks alone; header, index and attributes are looked at, and damage is only noted
  kAll,
};

// What a header adds to a fingerprint.
struct HeaderSums {
  uint64_t header = 0;
  uint32_t shape = 0;
};

// REQUIRES: `header` can be parsed
HeaderSums SumHeader(std::string_view header);

struct Fingerprint {
  bool every_chunk = false;   // has checksums, unless it takes no bytes
  bool no_checksums = false;  // chunks are to be written without
  uint32_t frame = 0;
  uint32_t shape = 0;
  uint32_t trailer = 0;
};

// Absent where there is none. `trailer_end`: at least its last 16 bytes.
std::optional<Fingerprint> ParseFingerprint(std::string_view trailer_end);

// What Fingerprint::frame and trailer should be.
uint32_t SumFrame(const HeaderSums& header, uint64_t index_sum);
uint32_t SumTrailer(std::string_view trailer);

// Puts one into a trailer; its sums are made here. REQUIRES: the trailer is whole
void PutFingerprint(std::string& trailer, bool every_chunk, bool no_checksums,
                    const HeaderSums& header, std::string_view index);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_FRAME_FRAME_FINGERPRINT_H_
