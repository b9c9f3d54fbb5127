// Creation options of a new file: the user's own, and what follows from how it will be read.
#ifndef GDAL_NDARRAY_TOOLS_CONVERT_OPTIONS_H_
#define GDAL_NDARRAY_TOOLS_CONVERT_OPTIONS_H_

#include <cpl_string.h>

#include <string>
#include <vector>

#include "driver/raster/gdal_compat.h"
#ifdef NDARRAY_HAS_B2ND
#include "driver/raster/b2nd_options.h"
#endif
#include "tools/reading.h"

namespace ndarray::tools {

// The driver that writes files of the path's extension. Throws WrongUsage for another extension, a
// Failure where this program was built without the driver.
GDALDriver& DriverFor(const std::string& path);

// NAME=VALUE each. Throws WrongUsage for other words, and for names the driver has no option of.
CPLStringList ParseCreationOptions(GDALDriver& driver, const std::vector<std::string>& words);

// Of NUM_THREADS among creation options. Throws WrongUsage for what is no number of threads.
int ThreadsFrom(const CPLStringList& options);

struct ImageSize {
  int64_t width = 0, height = 0;
  int64_t bands = 1;  // of one pixel
  int64_t element_bytes = 1;
};

// Adds what suits the way to read and is not given: INTERLEAVE where `choose_interleave`, and for
// .b2nd blocks and chunks.
void AddAccessOptions(const Reading& access, const ImageSize& image, bool is_b2nd,
                      bool choose_interleave, CPLStringList& options);

#ifdef NDARRAY_HAS_B2ND
// PlanB2nd; throws WrongUsage for options that say what cannot be.
B2ndPlan PlanNewB2nd(const NewArray& array, StringList options);
#endif

}  // namespace ndarray::tools

#endif  // GDAL_NDARRAY_TOOLS_CONVERT_OPTIONS_H_
