// What tune has found out: the figures of all configurations that were tried, and which is best.
#ifndef GDAL_NDARRAY_TOOLS_TUNE_FINDINGS_H_
#define GDAL_NDARRAY_TOOLS_TUNE_FINDINGS_H_

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

// The lower the better; a difference of 0.1 is about a tenth.
double Score(const Figures& figures, Objective objective);

// One configuration that was tried. Figures of those that were not in the last stage are brought to
// its scale: what the default did there, by what it did in the sample that both were in.
struct Candidate {
  Configuration configuration;
  Figures figures;
  bool is_default = false;
  bool is_final = false;     // was in the last stage
  bool on_front = false;     // no other has a higher ratio and a lower p50
  bool is_eligible = false;  // did best before the last stage, or is the default
  bool is_chosen = false;    // the recommendation
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

  // Puts the best first, marks the front and chooses: among near ties of those that are eligible
  // the default, else what differs least from it, else what is better balanced. REQUIRES: one
  // candidate is the default
  void Rank(Objective objective);

  // REQUIRES: Rank was called
  const Candidate& chosen() const;
  const Candidate& standard() const;
};

}  // namespace ndarray::tools

#endif  // GDAL_NDARRAY_TOOLS_TUNE_FINDINGS_H_
