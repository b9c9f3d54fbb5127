// An archive as the multidimensional API has it: groups and arrays by the names of its parts, split
// at slashes. Levels of a pyramid are arrays like others.
#ifndef GDAL_NDARRAY_RASTER_FORMATS_ARCHIVE_GROUPS_H_
#define GDAL_NDARRAY_RASTER_FORMATS_ARCHIVE_GROUPS_H_

#include <memory>
#include <string>

#include "driver/raster/formats/array_archive.h"
#include "driver/raster/gdal_compat.h"

namespace ndarray {

// The root group of the archive at `path`; arrays in more than 64 groups in each other are left
// out, with a warning. Arrays open when they are asked for; one window of them is read by at most
// max_threads threads. An attribute of a group is a text.
std::shared_ptr<GDALGroup> MakeArchiveGroups(const std::string& path,
                                             std::shared_ptr<const ArrayArchive> archive,
                                             int max_threads);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_FORMATS_ARCHIVE_GROUPS_H_
