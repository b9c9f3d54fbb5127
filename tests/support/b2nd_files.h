// .b2nd files made by c-blosc2 itself, independent of the reader under test.
#ifndef GDAL_NDARRAY_TESTS_SUPPORT_B2ND_FILES_H_
#define GDAL_NDARRAY_TESTS_SUPPORT_B2ND_FILES_H_

#include <blosc2.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "driver/store/array.h"
#include "tests/support/array_conformance.h"
#include "tests/support/frame_bytes.h"

namespace ndarray::testing {

struct B2ndOptions {
  AxisVector chunk_shape;  // as many axes as the array
  AxisVector block_shape;
  int compressor = BLOSC_ZSTD;
  int level = 1;
  std::vector<std::pair<int, int>> filters = {{BLOSC_SHUFFLE, 0}};  // ids and metas
  int codec_meta = 0;
  bool dictionary = false;
  int split_mode = BLOSC_FORWARD_COMPAT_SPLIT;
  // Chunks to replace, and by what: BLOSC2_SPECIAL_ZERO, ..._NAN, ..._UNINIT.
  std::vector<std::pair<int64_t, int>> special_chunks;
  NamedContents vlmetalayers;  // contents uncompressed
};

// The file. Throws std::runtime_error where c-blosc2 refuses.
std::string B2ndBytes(const ReferenceArray& reference, const B2ndOptions& options);

// `elements` as they are in the file: of a dtype that is more than a number.
std::string B2ndBytes(const std::string& dtype, int32_t element_bytes, const AxisVector& shape,
                      const std::string& elements, const B2ndOptions& options);

// One chunk, by blosc2_compress_ctx: of codec, filters and split mode.
std::string CompressedChunk(const std::string& elements, int32_t element_bytes, int32_t block_bytes,
                            const B2ndOptions& options);
std::string CompressedChunk(const std::string& elements, int32_t element_bytes, int32_t block_bytes,
                            int compressor, int level = 5);

}  // namespace ndarray::testing

#endif  // GDAL_NDARRAY_TESTS_SUPPORT_B2ND_FILES_H_
