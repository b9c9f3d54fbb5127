// Names of files, and of parts of archives, as users of the program write them.
#ifndef GDAL_NDARRAY_TOOLS_FILE_NAME_H_
#define GDAL_NDARRAY_TOOLS_FILE_NAME_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "driver/raster/files/dataset_name.h"
#include "driver/raster/formats/archive_open.h"
#include "driver/raster/formats/array_format.h"
#include "driver/store/io/byte_file.h"

namespace ndarray::tools {

// What GDAL calls it: "a.npz:name" is NPY:"a.npz":name, unless there is a file of that name. Others
// stay as they are.
std::string GdalName(const std::string& name);

// Of any name that GDAL opens; a name of other drivers is a path. Throws a Failure.
DatasetName ParseName(const std::string& gdal_name);

// The file that an array is in, be it a part of an archive. Throws a Failure.
std::shared_ptr<ByteFile> OpenFileOf(const ArrayFormat& format, const std::string& gdal_name);

// Whether the name is that of an archive as a whole. Throws a Failure.
bool IsWholeArchive(const ArrayFormat& format, const std::string& gdal_name);

// The archive of a name, and what was found of it there; nullopt where it is none. Throws a
// Failure.
std::optional<FoundPart> FindInArchive(const ArrayFormat& format, const std::string& gdal_name);

}  // namespace ndarray::tools

#endif  // GDAL_NDARRAY_TOOLS_FILE_NAME_H_
