// Frames whose chunks are small enough to be decoded thousands of times a second, and windows.
#ifndef GDAL_NDARRAY_TESTS_FUZZ_SMALL_FRAMES_H_
#define GDAL_NDARRAY_TESTS_FUZZ_SMALL_FRAMES_H_

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "driver/store/array.h"
#include "driver/store/blosc2/b2nd_layout.h"
#include "driver/store/blosc2/frame_header.h"
#include "tests/fuzz/fuzz_support.h"
#include "tests/support/small_box.h"

namespace ndarray::fuzz {

// Blocks and chunks are decoded in full, however small the window.
constexpr int64_t kMaxChunkBytes = int64_t{1} << 22;
// More chunks take seconds to verify, which is right: they may be there.
constexpr int64_t kMaxChunkCount = int64_t{1} << 12;

// True, too, for what is no frame or no array.
inline bool IsSmallFrame(std::string_view bytes, int64_t max_chunks = kMaxChunks) {
  const Result<FrameHeader> header = ParseFrameHeader(bytes);
  if (!header.ok()) return true;
  if (header->chunk_bytes > kMaxChunkBytes) return false;
  return header->chunk_bytes <= 0 || header->uncompressed_bytes / header->chunk_bytes <= max_chunks;
}

constexpr int64_t kMaxElements = testing::kMaxSmallBoxElements;  // of one read

// Anywhere, of at most kMaxElements.
inline Box RandomBox(const AxisVector& shape, Random& random) {
  Box box{AxisVector(shape.size()), AxisVector(shape.size())};
  int64_t budget = kMaxElements;
  for (int axis = 0; axis < shape.size(); ++axis) {
    const int64_t count = 1 + Below(random, std::min(shape[axis], budget));
    budget /= count;
    box.start[axis] = Below(random, shape[axis] - count + 1);
    box.stop[axis] = box.start[axis] + count;
  }
  return box;
}

}  // namespace ndarray::fuzz

#endif  // GDAL_NDARRAY_TESTS_FUZZ_SMALL_FRAMES_H_
