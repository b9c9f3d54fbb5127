// The writing half of the driver NPY: Create, CreateCopy, Delete.
#ifndef GDAL_NDARRAY_RASTER_NPY_CREATE_H_
#define GDAL_NDARRAY_RASTER_NPY_CREATE_H_

#include <memory>
#include <string>

#include "driver/raster/gdal_compat.h"
#include "driver/store/array.h"
#include "driver/store/byte_file.h"
#include "driver/store/local_file.h"
#include "driver/store/status.h"

namespace ndarray {

constexpr const char* kNpyDriverName = "NPY";

// Opens a file to be read, or to be read and written.
Result<std::shared_ptr<Array>> OpenNpyPath(const std::string& path, Access access, int max_threads,
                                           const MapPolicy& policy = {});

// Gives the driver its creation options, data types and functions.
void AddNpyCreation(GDALDriver& driver);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_NPY_CREATE_H_
