// The checksum file of a .npy (driver/raster/files/checksum_file.h): made, and computed again.
#ifndef GDAL_NDARRAY_TOOLS_CHECKSUM_H_
#define GDAL_NDARRAY_TOOLS_CHECKSUM_H_

#include <string>

#include "driver/store/io/byte_file.h"
#include "driver/store/progress.h"

namespace ndarray::tools {

// SHA-256 of all bytes of the file, as 64 hexadecimal digits. Throws a Failure, "interrupted" where
// the user has asked for it.
std::string Sha256Of(const ByteFile& file, const ProgressFn& progress);

// Reads the file and writes PATH.sha256. Throws a Failure.
void WriteChecksumFile(const std::string& path, const ProgressFn& progress);

}  // namespace ndarray::tools

#endif  // GDAL_NDARRAY_TOOLS_CHECKSUM_H_
