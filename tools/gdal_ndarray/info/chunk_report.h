// What `gdal_ndarray info` reports about the inside of a .b2nd file.
#ifndef GDAL_NDARRAY_TOOLS_INFO_CHUNK_REPORT_H_
#define GDAL_NDARRAY_TOOLS_INFO_CHUNK_REPORT_H_

#include <memory>

#include "driver/store/io/byte_file.h"
#include "tools/gdal_ndarray/report.h"

namespace ndarray::tools {

// Shapes, codec, filters, ratio, dead space. Throws a Failure for files that are no arrays.
Report DescribeB2ndFile(std::shared_ptr<ByteFile> file);

// The distribution of the compressed sizes of chunks, and what kinds of chunks there are.
Report DescribeChunks(std::shared_ptr<ByteFile> file);

}  // namespace ndarray::tools

#endif  // GDAL_NDARRAY_TOOLS_INFO_CHUNK_REPORT_H_
