// Finds what is damaged in a .b2nd file that opens, by decoding all of it.
//
// Chunks that this program wrote have checksums (chunk_checks.h), by which every changed bit is
// found. Of others the codec ZLIB has checksums (Adler-32, for each compressed stream), and ZSTD
// may have. All else notices a changed byte only if the stream can no longer be decoded, or decodes
// to another length: bytes that decode to other values go unnoticed.
#ifndef GDAL_NDARRAY_STORE_B2ND_FRAME_CHECK_H_
#define GDAL_NDARRAY_STORE_B2ND_FRAME_CHECK_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "driver/store/frame/frame_index.h"
#include "driver/store/io/byte_file.h"
#include "driver/store/progress.h"
#include "driver/store/status.h"

namespace ndarray {

struct ChunkDamage {
  int64_t chunk;
  std::optional<int64_t> block;  // its number within the chunk, where it is known
  uint64_t offset_bytes;         // of the chunk in the file
  uint64_t size_bytes;           // 0 where its header does not say
  Status what;                   // without path and chunk
};

struct FrameDamage {
  std::vector<ChunkDamage> listed;  // the first ones, by chunk and block
  int64_t places = 0;               // all of them, listed or not
  int64_t chunks = 0;               // that have any
  // Blocks that were decoded, by codec ("ZSTD"), or "stored" for those that are not compressed, of
  // which any bytes will do. Chunks that take no blocks are not counted.
  std::map<std::string, int64_t> decoded_blocks;
  int64_t checked_blocks = 0;  // those of them that were compared with checksums
};

// Decodes every block of every chunk, with at most max_threads threads, each with memory for one
// block (where blocks depend on each other, or the file is not mapped: one chunk). At most
// `max_listed` places are listed. Of chunks that are but a kind in the index (zeros, NaNs), the
// first of each kind stands for all. Fails only where the file cannot be read, and when it is
// stopped.
Result<FrameDamage> DecodeFrame(const FrameIndex& index, const ByteFile& file, int max_threads,
                                size_t max_listed, const ProgressFn& progress);

// The attributes that cannot be decoded (arrays in them, too: masks), and why. A few bytes may
// claim many: at most 256 MiB are decoded of all of them together. Those of the name `array_name`
// must be arrays. What the trailer's checksum says of them is among it.
Result<std::vector<Status>> DecodeAttributes(const FrameIndex& index, const ByteFile& file,
                                             std::string_view array_name = {});

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_B2ND_FRAME_CHECK_H_
