// A file that was opened for the multidimensional API.
#ifndef GDAL_NDARRAY_RASTER_MULTIDIM_MD_DATASET_H_
#define GDAL_NDARRAY_RASTER_MULTIDIM_MD_DATASET_H_

#include <functional>
#include <memory>

#include "driver/raster/gdal_compat.h"
#include "driver/raster/multidim/open_array.h"

namespace ndarray {

// What the dataset of a file of one array can do besides. Its geotransform is the one of x and y;
// that of an array that was made new is set. The item TAKE_CHUNKS is as in classic datasets.
struct OnlyArray {
  std::function<CPLErr()> flush;                       // FlushCache
  std::function<std::shared_ptr<OpenArray>()> opened;  // nullptr: it is not made yet
};

// The dataset of a group.
std::unique_ptr<GDALDataset> MakeMdDataset(std::shared_ptr<GDALGroup> root, OnlyArray array = {});

// The group of a file of one array, which has the name of the file without its extension.
std::shared_ptr<GDALGroup> MakeRootGroup(GDALOpenInfo& open_info, std::shared_ptr<Array> array);

// The dataset of such a file.
std::unique_ptr<GDALDataset> OpenMdDataset(GDALOpenInfo& open_info, std::shared_ptr<Array> array);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_MULTIDIM_MD_DATASET_H_
