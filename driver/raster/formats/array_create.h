// What the drivers do to make files, replace and delete them.
//
// A file that is created takes the place of an older one when it is whole; until then, and after a
// failure, the older one is there, with its sidecars (overwrite.h).
#ifndef GDAL_NDARRAY_RASTER_FORMATS_ARRAY_CREATE_H_
#define GDAL_NDARRAY_RASTER_FORMATS_ARRAY_CREATE_H_

#include <memory>
#include <string>
#include <vector>

#include "driver/raster/create/copy_pixels.h"
#include "driver/raster/create/new_array.h"
#include "driver/raster/formats/array_format.h"
#include "driver/raster/gdal_compat.h"
#include "driver/raster/gdal_progress.h"
#include "driver/store/io/output_file.h"

namespace ndarray {

// GDALDriver::Create: a file of zeros, opened for update.
GDALDataset* CreateArray(const ArrayFormat& format, const char* path, int width, int height,
                         int bands, GDALDataType type, StringList options);

// GDALDriver::CreateCopy. The dataset can be written to, if the file can; it is none of the file's
// writers before something is.
GDALDataset* CopyToArray(const ArrayFormat& format, const char* path, GDALDataset& source,
                         bool strict, StringList options, const ProgressFn& progress);

// GDALDriver::Delete, but for a file of the format that GDAL is about to replace by another.
CPLErr DeleteArray(const ArrayFormat& format, const char* path);

// GDALDriver::Rename and CopyFiles: GDAL moves or copies all files of a raster; a checksum file
// says the name of its file, too, which becomes the new one.
CPLErr RenameArray(const char* new_name, const char* old_name);
CPLErr CopyArrayFiles(const char* new_name, const char* old_name);

// Writes a whole new array; what remains is to commit the file (CommitOver).
Result<std::unique_ptr<OutputFile>> WriteArray(const std::string& path, const WriterStarter& start,
                                               const std::vector<Attribute>& attributes,
                                               const PixelSource& source,
                                               const ProgressFn& progress);

// Writes the sidecar of a new file whose format keeps no metadata itself, once, when the file is
// complete: everything of the source that is not pixels, and the axes, where a reader could not
// derive them from the shape. Returns the file as a raster, open for reading; nullptr after one
// GDAL error.
std::unique_ptr<GDALDataset> DescribeInSidecar(const ArrayFormat& format, const NewArray& array,
                                               GDALDataset& source);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_FORMATS_ARRAY_CREATE_H_
