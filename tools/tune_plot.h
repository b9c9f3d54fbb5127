// A picture of what tune found: ratio (to the right) and time of a window (upwards, logarithmic).
#ifndef GDAL_NDARRAY_TOOLS_TUNE_PLOT_H_
#define GDAL_NDARRAY_TOOLS_TUNE_PLOT_H_

#include <string>

#include "tools/tune_findings.h"

namespace ndarray::tools {

// Writes a PNG. Points on the front are joined; the recommended one is a large green disc, the
// default one a blue ring. Throws a Failure.
void PlotFindings(const std::string& path, const Findings& findings);

}  // namespace ndarray::tools

#endif  // GDAL_NDARRAY_TOOLS_TUNE_PLOT_H_
