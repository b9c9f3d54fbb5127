// A local file that is read and written with positional reads and writes, and never mapped: what it
// grows by is seen at once.
#ifndef GDAL_NDARRAY_STORE_DIRECT_FILE_H_
#define GDAL_NDARRAY_STORE_DIRECT_FILE_H_

#include <memory>
#include <string>

#include "driver/store/byte_file.h"
#include "driver/store/status.h"

namespace ndarray {

// Opens a regular file for update, and locks it against others who do (advisory): kIo where one is
// at work. kNotFound, kNotSupported (not a regular file).
Result<std::shared_ptr<ByteFile>> OpenDirectFile(const std::string& path);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_DIRECT_FILE_H_
