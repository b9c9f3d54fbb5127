// Writing of .b2nd files by the driver B2ND.
#ifndef GDAL_NDARRAY_RASTER_B2ND_CREATE_H_
#define GDAL_NDARRAY_RASTER_B2ND_CREATE_H_

#include <memory>
#include <string>

#include "driver/raster/gdal_compat.h"
#include "driver/store/array.h"
#include "driver/store/byte_file.h"
#include "driver/store/local_file.h"
#include "driver/store/status.h"

namespace ndarray {

constexpr const char* kB2ndDriverName = "B2ND";

// Opens a file to be read, or to be read and written (without a map).
Result<std::shared_ptr<Array>> OpenB2ndPath(const std::string& path, Access access, int max_threads,
                                            const MapPolicy& policy = {});

// Adds Create, CreateCopy, Delete and what they say of themselves to the driver.
void AddB2ndCreation(GDALDriver& driver);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_B2ND_CREATE_H_
