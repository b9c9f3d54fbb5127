// Reads of many ranges of a local file by several threads.
#ifndef GDAL_NDARRAY_STORE_IO_PARALLEL_READ_H_
#define GDAL_NDARRAY_STORE_IO_PARALLEL_READ_H_

#include <vector>

#include "driver/store/io/byte_file.h"
#include "driver/store/status.h"

namespace ndarray {

// As ByteFile::Read. Files that are not local are asked for all ranges at once. No range at all is
// read without a call. What is not in memory is asked for at once.
Status ReadRangesInParallel(const ByteFile& file, const std::vector<ByteRange>& ranges,
                            int max_threads);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_IO_PARALLEL_READ_H_
