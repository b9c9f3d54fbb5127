// Amounts of memory that users set, and the option MAX_RESIDENT.
#ifndef GDAL_NDARRAY_RASTER_FILES_MEMORY_OPTION_H_
#define GDAL_NDARRAY_RASTER_FILES_MEMORY_OPTION_H_

#include <cstdint>
#include <optional>
#include <string_view>

#include "driver/raster/gdal_compat.h"
#include "driver/store/io/local_file.h"

namespace ndarray {

// "64" (megabytes, as numbers below 100,000 are for GDAL_CACHEMAX), "200000000" (bytes), "64KB",
// "64 MB", "1.5GB". Absent for other text and negative numbers.
std::optional<int64_t> ParseMemory(std::string_view text);

// The memory that an option named `name` says; absent where `text` is nullptr or, with one GDAL
// warning, where it is no amount.
std::optional<int64_t> MemoryFromText(const char* name, const char* text);

// What the open option MAX_RESIDENT, or else the configuration option NDARRAY_MAX_RESIDENT, says
// about a file without chunks: longer ones are not mapped.
MapPolicy PolicyOfPlainFile(StringList open_options);

// The same for a file of chunks: so much of its map may stay resident, or, of the configuration
// option, of the maps of all such files together (the process's limit is set). 0: it is not mapped.
MapPolicy PolicyOfChunkedFile(StringList open_options);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_FILES_MEMORY_OPTION_H_
