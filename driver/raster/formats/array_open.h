// What the drivers do to open a file: names, options, lists of subdatasets.
#ifndef GDAL_NDARRAY_RASTER_FORMATS_ARRAY_OPEN_H_
#define GDAL_NDARRAY_RASTER_FORMATS_ARRAY_OPEN_H_

#include "driver/raster/formats/array_format.h"
#include "driver/raster/gdal_compat.h"

namespace ndarray {

// Whether what open_info names is of the format, or something of it that cannot be opened.
bool IdentifyArray(const ArrayFormat& format, GDALOpenInfo& open_info);

// Opens the dataset that open_info names: a path, or DRIVER:"path":[index]. nullptr for what is of
// another format, and after one GDAL error; exceptions end here.
GDALDataset* OpenArrayDataset(const ArrayFormat& format, GDALOpenInfo* open_info);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_FORMATS_ARRAY_OPEN_H_
