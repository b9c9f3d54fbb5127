// Names of datasets within a file: DRIVER:"PATH":0,2, where \" in PATH stands for a quotation mark,
// as in other names of GDAL's. DRIVER:"PATH":[0,2] is the same; some of GDAL's programs take a
// bracket for a wildcard.
//
// In an archive of several arrays, DRIVER:"PATH":name and DRIVER:"PATH":name:0,2 (or name[0,2]). A
// name that could be taken for something else is a literal of Python: 'a:0'.
#ifndef GDAL_NDARRAY_RASTER_FILES_DATASET_NAME_H_
#define GDAL_NDARRAY_RASTER_FILES_DATASET_NAME_H_

#include <string>
#include <string_view>

#include "driver/store/array.h"
#include "driver/store/status.h"

namespace ndarray {

struct DatasetName {
  std::string path;
  std::string part;          // of an archive; empty: not named
  AxisVector index;          // of the leading axes; empty: the whole array
  std::string written_path;  // as in the name, with its quotation marks
  std::string written_part;  // what follows: part and index as in the name
};

// Whether the name starts with "DRIVER:". GDAL asks this of every file that anyone opens.
bool HasDriverPrefix(const char* name, std::string_view driver);

// A plain path, DRIVER:path, DRIVER:"path" or either with a part, an index or both after it: what
// is no index is a part.
Result<DatasetName> ParseDatasetName(std::string_view name, std::string_view driver);

// The spelling without brackets. An empty part: none.
std::string FormatDatasetName(std::string_view driver, std::string_view path, std::string_view part,
                              const AxisVector& index);

// Where the name of a part starts, with its colon, in the path of an archive with a part behind it:
// "a.npz:name". npos where there is none.
size_t ArchivePartAt(std::string_view text);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_FILES_DATASET_NAME_H_
