// What opening an array of four or more axes shows: no bands, but the names of its parts.
#ifndef GDAL_NDARRAY_RASTER_FILES_SUBDATASET_LIST_H_
#define GDAL_NDARRAY_RASTER_FILES_SUBDATASET_LIST_H_

#include <memory>
#include <string_view>

#include "driver/raster/gdal_compat.h"
#include "driver/store/array.h"

namespace ndarray {

// Lists one subdataset for each index of the leading axes that leaves three, up to
// kMaxListedSubdatasets; others open by name all the same. `root_group`, if there is one, is what
// the multidimensional API shows of the same file.
// REQUIRES: array.info().shape.size() > kMaxRasterAxes
std::unique_ptr<GDALDataset> ListSubdatasets(const Array& array, std::string_view driver,
                                             std::shared_ptr<GDALGroup> root_group = nullptr);

constexpr int kMaxListedSubdatasets = 1000;

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_FILES_SUBDATASET_LIST_H_
