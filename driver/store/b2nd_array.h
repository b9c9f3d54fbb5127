// A .b2nd file (a Blosc2 contiguous frame that holds a b2nd array) as a read-only Array.
#ifndef GDAL_NDARRAY_STORE_B2ND_ARRAY_H_
#define GDAL_NDARRAY_STORE_B2ND_ARRAY_H_

#include <memory>

#include "driver/store/array.h"
#include "driver/store/byte_file.h"
#include "driver/store/status.h"

namespace ndarray {

// Opens a frame as FrameIndex::Open does. Reads of one window use at most max_threads threads.
Result<std::shared_ptr<Array>> OpenB2ndArray(std::shared_ptr<ByteFile> file, int max_threads);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_B2ND_ARRAY_H_
