// The writing half of the driver NPY: Create, CreateCopy, Delete.
#ifndef GDAL_NDARRAY_RASTER_NPY_CREATE_H_
#define GDAL_NDARRAY_RASTER_NPY_CREATE_H_

#include "driver/raster/gdal_compat.h"

namespace ndarray {

constexpr const char* kNpyDriverName = "NPY";

// Gives the driver its creation options, data types and functions.
void AddNpyCreation(GDALDriver& driver);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_NPY_CREATE_H_
