// Which part of a dataset's name is its path: for those who move files, such as VRTs, which keep
// the paths of their sources relative to themselves.
#ifndef GDAL_NDARRAY_RASTER_SUBDATASET_INFO_H_
#define GDAL_NDARRAY_RASTER_SUBDATASET_INFO_H_

#include "driver/raster/gdal_compat.h"

namespace ndarray {

// Makes the driver answer GDALGetSubdatasetInfo for names of this project's drivers (GDAL >= 3.8).
void AddSubdatasetInfo(GDALDriver& driver);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_SUBDATASET_INFO_H_
