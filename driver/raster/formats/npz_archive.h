// Archives .npz, as numpy.savez and numpy.savez_compressed write them: a member NAME.npy for each
// array.
#ifndef GDAL_NDARRAY_RASTER_FORMATS_NPZ_ARCHIVE_H_
#define GDAL_NDARRAY_RASTER_FORMATS_NPZ_ARCHIVE_H_

#include <memory>
#include <string>

#include "driver/raster/formats/array_archive.h"
#include "driver/store/io/local_file.h"
#include "driver/store/status.h"

namespace ndarray {

Result<std::shared_ptr<ArrayArchive>> OpenNpz(const std::string& path, const MapPolicy& policy);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_FORMATS_NPZ_ARCHIVE_H_
