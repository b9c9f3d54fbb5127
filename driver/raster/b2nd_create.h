// Writing of .b2nd files by the driver B2ND.
#ifndef GDAL_NDARRAY_RASTER_B2ND_CREATE_H_
#define GDAL_NDARRAY_RASTER_B2ND_CREATE_H_

#include "driver/raster/gdal_compat.h"

namespace ndarray {

constexpr const char* kB2ndDriverName = "B2ND";

// Adds CreateCopy, Delete and what they say of themselves to the driver.
void AddB2ndCreation(GDALDriver& driver);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_B2ND_CREATE_H_
