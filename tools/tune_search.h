// Finds the configuration of the driver B2ND that suits an image, a way to read it and an
// objective.
//
// Three stages, each with its share of the time: codecs, levels and filters in blocks of the
// default shape; shapes for the best of these; and the best of all against each other and the
// default, with the rest of the time. The first two use a small sample, the last a larger one. In
// each stage all files are written first, and then read in turns, round after round, so that what
// else the machine does hits all alike.
#ifndef GDAL_NDARRAY_TOOLS_TUNE_SEARCH_H_
#define GDAL_NDARRAY_TOOLS_TUNE_SEARCH_H_

#include <functional>

#include "tools/tune_findings.h"

namespace ndarray::tools {

struct Task {
  Reading access;
  Objective objective = Objective::kBalanced;
  double budget_s = 30;
  std::function<void(double)> progress;  // the share of the budget that is used
};

// Throws a Failure: the source cannot be read, or the driver B2ND cannot hold it; the temporary
// folder cannot be written to; interrupted.
Findings Tune(GDALDataset& source, const Task& task);

}  // namespace ndarray::tools

#endif  // GDAL_NDARRAY_TOOLS_TUNE_SEARCH_H_
