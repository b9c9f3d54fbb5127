// What opening an array of four or more axes shows, or an archive of several arrays: no bands, but
// the names of its parts.
#ifndef GDAL_NDARRAY_RASTER_FILES_SUBDATASET_LIST_H_
#define GDAL_NDARRAY_RASTER_FILES_SUBDATASET_LIST_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "driver/raster/files/dataset_name.h"
#include "driver/raster/gdal_compat.h"
#include "driver/store/array.h"

namespace ndarray {

// Lists one subdataset for each index of the leading axes that leaves three, up to
// kMaxListedSubdatasets; others open by name all the same. `name` is the array's, of which path and
// part count.
// REQUIRES: array.info().shape.size() > kMaxRasterAxes
std::unique_ptr<GDALDataset> ListSubdatasets(const Array& array, std::string_view driver,
                                             const DatasetName& name);

// One part of an archive: how GDAL opens it, and what people see of it.
struct ListedPart {
  std::string name;
  std::string description;
};
std::unique_ptr<GDALDataset> ListParts(const std::vector<ListedPart>& parts);

// "(3, 512, 512) uint16"; of some of the axes.
std::string DescribeElements(const ArrayInfo& info, const AxisVector& shape);

constexpr size_t kMaxListedSubdatasets = 1000;

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_FILES_SUBDATASET_LIST_H_
