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
#include <memory>
#include <string>
#include <vector>

#include "tools/tune_trial.h"

namespace ndarray::tools {

enum class Objective {
  kSpeed,     // the least p50
  kSize,      // the highest ratio
  kBalanced,  // the least disk_p50
};

// Differences in the objective below this are none: timing is no better.
constexpr double kNearTie = 0.03;

struct Task {
  Access access;
  Objective objective = Objective::kBalanced;
  double budget_s = 30;
  std::function<void(double)> progress;  // the share of the budget that is used
};

// One configuration that was tried. Figures of those that were not in the last stage are brought to
// its scale: what the default did there, by what it did in the sample that both were in.
struct Candidate {
  Configuration configuration;
  Figures figures;
  bool is_default = false;
  bool is_final = false;   // was in the last stage
  bool on_front = false;   // no other has a higher ratio and a lower p50
  bool is_chosen = false;  // the recommendation
};

struct Findings {
  Extent image;
  GDALDataType type = GDT_Unknown;
  double sample_bytes = 0;   // of the larger sample
  double sample_share = 1;   // of the image's pixels
  int pieces = 0, side = 0;  // of the sample; no pieces: the whole image
  int not_tried = 0;         // for want of time
  double seconds = 0;
  std::vector<Candidate> candidates;  // the best first

  const Candidate& chosen() const;
  const Candidate& standard() const;
};

// The lower the better; a difference of 0.1 is about a tenth.
double Score(const Figures& figures, Objective objective);

// Throws a Failure. The recommendation among near ties is the default, else what differs least from
// it, else what is better by the other objective.
Findings Tune(GDALDataset& source, const Task& task);

}  // namespace ndarray::tools

#endif  // GDAL_NDARRAY_TOOLS_TUNE_SEARCH_H_
