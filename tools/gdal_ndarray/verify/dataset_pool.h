// One raster for many threads: a GDAL dataset serves one at a time.
#ifndef GDAL_NDARRAY_TOOLS_VERIFY_DATASET_POOL_H_
#define GDAL_NDARRAY_TOOLS_VERIFY_DATASET_POOL_H_

#include <cpl_string.h>

#include <mutex>
#include <string>
#include <vector>

#include "driver/store/array.h"
#include "tools/gdal_ndarray/command.h"

namespace ndarray::tools {

// Datasets of one name, as many as there are threads that read at a time. Boxes are of (band, line,
// pixel), bands from 0, and go to dense memory. Errors are what GDAL says.
class DatasetPool {
 public:
  DatasetPool(std::string name, CPLStringList open_options);

  // The pixels, as `type`.
  Status Read(GDALDataType type, const Box& box, void* to);

  // The masks of the bands: bytes, 1 where a pixel is valid, else 0.
  Status ReadMasks(const Box& box, void* to);

 private:
  DatasetPointer Take();
  template <typename Reader>
  Status With(const Reader& read);

  const std::string name_;
  const CPLStringList open_options_;
  std::mutex mutex_;
  std::vector<DatasetPointer> idle_;
};

}  // namespace ndarray::tools

#endif  // GDAL_NDARRAY_TOOLS_VERIFY_DATASET_POOL_H_
