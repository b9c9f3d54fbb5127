// Names of datasets within a file: DRIVER:"PATH":0,2, where \" in PATH stands for a quotation mark,
// as in other names of GDAL's. DRIVER:"PATH":[0,2] is the same; some of GDAL's programs take a
// bracket for a wildcard.
#ifndef GDAL_NDARRAY_RASTER_FILES_DATASET_NAME_H_
#define GDAL_NDARRAY_RASTER_FILES_DATASET_NAME_H_

#include <string>
#include <string_view>

#include "driver/store/array.h"
#include "driver/store/status.h"

namespace ndarray {

struct DatasetName {
  std::string path;
  AxisVector index;                // of the leading axes; empty: the whole array
  std::string_view written_path;   // as in the name, with its quotation marks
  std::string_view written_index;  // as in the name
};

// Whether the name starts with "DRIVER:". GDAL asks this of every file that anyone opens.
bool HasDriverPrefix(const char* name, std::string_view driver);

// A plain path, DRIVER:path, DRIVER:"path" or either with :i,j or :[i, j] after it.
// kInvalidArgument for a malformed index. `name` must outlive the result.
Result<DatasetName> ParseDatasetName(std::string_view name, std::string_view driver);

// The spelling without brackets.
std::string FormatDatasetName(std::string_view driver, std::string_view path,
                              const AxisVector& index);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_FILES_DATASET_NAME_H_
