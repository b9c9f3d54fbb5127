// What the drivers do to open archives of several arrays, and parts of them.
#ifndef GDAL_NDARRAY_RASTER_FORMATS_ARCHIVE_OPEN_H_
#define GDAL_NDARRAY_RASTER_FORMATS_ARCHIVE_OPEN_H_

#include <memory>
#include <string>

#include "driver/raster/dataset/array_dataset.h"
#include "driver/raster/files/dataset_name.h"
#include "driver/raster/formats/array_format.h"
#include "driver/raster/gdal_compat.h"

namespace ndarray {

// A name in an open archive.
struct FoundPart {
  std::shared_ptr<ArrayArchive> archive;
  ArchiveItem item;
  DatasetName name;  // `part` is what was found; empty: nothing was named
};

// Whether the name is that of an archive of the format, or of a part of one: by its extension, or
// since it names a part, and by its first bytes.
bool IsInArchive(const ArrayFormat& format, const DatasetName& name);

// An array whose name looks like an index, or like another one's with an index, counts for more.
// Errors carry the path.
Result<FoundPart> FindPart(const ArrayFormat& format, const DatasetName& name,
                           const OpenPolicy& policy);

// nullptr after one GDAL error. `options`: those that do not follow from the name.
std::unique_ptr<GDALDataset> OpenInArchive(const ArrayFormat& format, GDALOpenInfo* open_info,
                                           const DatasetName& name, ArrayDataset::Options options,
                                           const OpenPolicy& policy);

// The file that a name stands for, whole or a part of an archive. kInvalidArgument where it is
// several arrays. Errors carry the path.
Result<std::shared_ptr<ByteFile>> OpenNamedFile(const ArrayFormat& format, const DatasetName& name);

// The array of a name, without its index, for reading. Errors carry the path.
Result<std::shared_ptr<Array>> OpenNamedArray(const ArrayFormat& format, const DatasetName& name,
                                              int max_threads);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_FORMATS_ARCHIVE_OPEN_H_
