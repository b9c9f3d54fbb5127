// Creation options of a new file: the user's own, and what follows from how it will be read.
#ifndef GDAL_NDARRAY_TOOLS_CONVERT_CONVERT_OPTIONS_H_
#define GDAL_NDARRAY_TOOLS_CONVERT_CONVERT_OPTIONS_H_

#include <cpl_string.h>

#include <string>
#include <vector>

#include "driver/raster/formats/array_format.h"
#include "driver/raster/gdal_compat.h"
#include "tools/gdal_ndarray/reading.h"

namespace ndarray::tools {

// The format of files of the path's extension. Throws WrongUsage where this program has none.
const ArrayFormat& FormatFor(const std::string& path);

// NAME=VALUE each. Throws WrongUsage for other words, and for names the driver has no option of.
CPLStringList ParseCreationOptions(const ArrayFormat& format,
                                   const std::vector<std::string>& words);

// What NUM_THREADS says among creation options. Throws WrongUsage for what is no number of threads.
int ThreadsFrom(const CPLStringList& options);

// Adds what suits the way to read and is not given: INTERLEAVE where `choose_interleave`, blocks
// and chunks where the format has them.
void AddAccessOptions(const Reading& access, const ImageSize& image, int64_t element_bytes,
                      const ArrayFormat& format, bool choose_interleave, CPLStringList& options);

// ArrayFormat::plan; throws WrongUsage for options that say what cannot be.
WriterStarter PlanNew(const ArrayFormat& format, const NewArray& array, StringList options);

}  // namespace ndarray::tools

#endif  // GDAL_NDARRAY_TOOLS_CONVERT_CONVERT_OPTIONS_H_
