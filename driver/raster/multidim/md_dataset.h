// A file that was opened for the multidimensional API.
#ifndef GDAL_NDARRAY_RASTER_MULTIDIM_MD_DATASET_H_
#define GDAL_NDARRAY_RASTER_MULTIDIM_MD_DATASET_H_

#include <functional>
#include <memory>

#include "driver/raster/gdal_compat.h"
#include "driver/raster/multidim/open_array.h"

namespace ndarray {

// The dataset of a group; `flush`, if there is one, is its FlushCache.
std::unique_ptr<GDALDataset> MakeMdDataset(std::shared_ptr<GDALGroup> root,
                                           std::function<CPLErr()> flush);

// The group of a file of one array, which has the name of the file without its extension.
std::shared_ptr<GDALGroup> MakeRootGroup(GDALOpenInfo& open_info, std::shared_ptr<Array> array);

// The dataset of such a file.
std::unique_ptr<GDALDataset> OpenMdDataset(GDALOpenInfo& open_info, std::shared_ptr<Array> array);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_MULTIDIM_MD_DATASET_H_
