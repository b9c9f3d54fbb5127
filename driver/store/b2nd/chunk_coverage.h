// Which chunks of a .b2nd hold nothing: found in the index, and at most in the first bytes of a
// chunk. Nothing is decoded.
#ifndef GDAL_NDARRAY_STORE_B2ND_CHUNK_COVERAGE_H_
#define GDAL_NDARRAY_STORE_B2ND_CHUNK_COVERAGE_H_

#include <cstddef>
#include <cstdint>
#include <functional>

#include "driver/store/array.h"
#include "driver/store/frame/frame_index.h"
#include "driver/store/io/byte_file.h"

namespace ndarray {

// What is known of a chunk that the index does not say, by its number.
enum class ChunkState {
  kInFile,     // nothing: it is what the file says
  kUnwritten,  // it is what the file says, and was never written
  kChanged,    // it is not in the file yet
};
using ChunkStates = std::function<ChunkState(int64_t)>;

// As ChunkedArray::VisitChunks, of the chunks of a frame. Chunks with bytes are looked at where
// `reads_headers`; else, as where that fails, they count as written.
bool VisitChunks(const FrameIndex& index, const ByteFile& file, const ChunkStates& state_of,
                 bool reads_headers, const Box& box, const std::byte* element,
                 const ChunkedArray::ChunkVisitor& visit);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_B2ND_CHUNK_COVERAGE_H_
