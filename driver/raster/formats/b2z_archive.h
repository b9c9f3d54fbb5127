// Archives .b2z, as blosc2.TreeStore and blosc2.DictStore of python-blosc2 write them: a stored
// member GROUP/NAME.b2nd for each array, GROUP/__vlmeta__.b2f for the attributes of a group, and
// embed.b2e, which holds small ones of both in itself. Names of arrays and groups are
// "/GROUP/NAME".
#ifndef GDAL_NDARRAY_RASTER_FORMATS_B2Z_ARCHIVE_H_
#define GDAL_NDARRAY_RASTER_FORMATS_B2Z_ARCHIVE_H_

#include <memory>
#include <string>

#include "driver/raster/formats/array_archive.h"
#include "driver/store/frame/frame_fingerprint.h"
#include "driver/store/io/local_file.h"
#include "driver/store/status.h"

namespace ndarray {

// A group with `multiscales` (store/archive/multiscales.h) is one dataset: its finest array, with
// the others as coarser ones. What is wrong with a pyramid gives one GDAL warning, and its arrays
// are datasets of their own.
Result<std::shared_ptr<ArrayArchive>> OpenB2z(const std::string& path, const MapPolicy& policy,
                                              Verification verification);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_FORMATS_B2Z_ARCHIVE_H_
