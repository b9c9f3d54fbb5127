// Which bytes of a .b2nd file are in use, and by what.
#ifndef GDAL_NDARRAY_STORE_FRAME_FRAME_EXTENTS_H_
#define GDAL_NDARRAY_STORE_FRAME_FRAME_EXTENTS_H_

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "driver/store/frame/frame_index.h"
#include "driver/store/io/byte_file.h"
#include "driver/store/status.h"

namespace ndarray {

struct ChunkExtent {
  int64_t chunk;
  uint64_t offset_bytes;  // in the file
  uint64_t size_bytes;
};

struct FrameExtents {
  std::vector<ChunkExtent> chunks;  // those that take bytes, in file order
  // Chunks whose headers do not even have valid sizes, and why. They are not among `chunks`.
  std::vector<std::pair<int64_t, Status>> headless;
  // Chunks whose bytes belong to others, too: each with one that starts before it.
  std::vector<std::pair<ChunkExtent, ChunkExtent>> overlaps;
  // Within the frame, of nothing that counts: what updates have left behind. Bytes of headless
  // chunks are among them.
  uint64_t dead_bytes = 0;
  uint64_t trailing_bytes = 0;  // after the frame
  // How many compressed chunks have which filters (PipelineText); "others" where these are very
  // many.
  std::map<std::string, int64_t> filters;
  // Chunks that take bytes and seem to have checksums (chunk_checks.h); and those that have none
  // and could have some.
  int64_t with_checks = 0;
  int64_t without_checks = 0;
};

// "YES", "NO", or "3 of 4 chunks". "YES", too, where no chunk takes bytes.
std::string ChecksumsText(const FrameExtents& extents);

// "3 BITSHUFFLE, 12 NONE".
std::string CountsText(const std::map<std::string, int64_t>& counts);

// Reads the header of each chunk. Fails only where the file cannot be read.
Result<FrameExtents> FindExtents(const FrameIndex& index, const ByteFile& file);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_FRAME_FRAME_EXTENTS_H_
