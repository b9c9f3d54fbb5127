// What the drivers share when GDAL opens a file: names, options, lists of subdatasets.
#ifndef GDAL_NDARRAY_RASTER_ARRAY_OPEN_H_
#define GDAL_NDARRAY_RASTER_ARRAY_OPEN_H_

#include <memory>
#include <string>

#include "driver/raster/gdal_compat.h"
#include "driver/store/array.h"
#include "driver/store/byte_file.h"
#include "driver/store/local_file.h"
#include "driver/store/status.h"

namespace ndarray {

// GDAL_DMD_OPENOPTIONLIST: AXES, NUM_THREADS and MAX_RESIDENT.
extern const char* const kOpenOptions;

// The items of a driver that are the same for all of them.
void DescribeDriver(GDALDriver& driver);

// Opens an array of the driver's format. Reads of one window use at most max_threads threads.
using ArrayOpener = Result<std::shared_ptr<Array>> (*)(const std::string& path, Access access,
                                                       int max_threads, const MapPolicy& policy);

// What open options and configuration options say of the maps of its files.
using PolicyReader = MapPolicy (*)(StringList open_options);

// Opens the dataset that open_info names: a path, or DRIVER:"path":[index]. nullptr after one GDAL
// error; exceptions end here.
GDALDataset* OpenArrayDataset(GDALOpenInfo* open_info, const char* driver, ArrayOpener open_array,
                              PolicyReader read_policy);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_ARRAY_OPEN_H_
