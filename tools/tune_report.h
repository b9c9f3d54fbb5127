// What tune tells: a table for people, JSON for programs.
#ifndef GDAL_NDARRAY_TOOLS_TUNE_REPORT_H_
#define GDAL_NDARRAY_TOOLS_TUNE_REPORT_H_

#include <string>

#include "tools/tune_search.h"

namespace ndarray::tools {

// "-co COMPRESS=ZSTD -co ...", for gdal_translate -of B2ND and gdal_ndarray convert.
std::string OptionsLine(const Configuration& configuration);

// "speed", "size", "balanced".
const char* ObjectiveName(Objective objective);

// On stdout. The table does without most of those that are neither on the front, nor in the last
// stage, nor among the best.
void PrintTable(const std::string& source, const Task& task, const Findings& findings);
void PrintJson(const std::string& source, const Task& task, const Findings& findings);

}  // namespace ndarray::tools

#endif  // GDAL_NDARRAY_TOOLS_TUNE_REPORT_H_
