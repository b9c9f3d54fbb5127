// A .b2nd file (a Blosc2 contiguous frame that holds a b2nd array) as a read-only Array.
#ifndef GDAL_NDARRAY_STORE_B2ND_B2ND_ARRAY_H_
#define GDAL_NDARRAY_STORE_B2ND_B2ND_ARRAY_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "driver/store/array.h"
#include "driver/store/frame/frame_index.h"
#include "driver/store/io/byte_file.h"
#include "driver/store/status.h"

namespace ndarray {

// Opens a frame as OpenFrame does. Reads of one window use at most max_threads threads.
Result<std::shared_ptr<Array>> OpenB2ndArray(std::shared_ptr<ByteFile> file, int max_threads,
                                             Verification verification = Verification::kAll);

// What an array of this file shows of itself, and ChunkedArray::Details.
ArrayInfo DescribeB2nd(const FrameIndex& index);
ChunkDetails B2ndDetails(const FrameIndex& index);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_B2ND_B2ND_ARRAY_H_
