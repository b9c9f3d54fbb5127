// Finds the creation options of the driver B2ND that suit an image, a way to read it and an
// objective; and shows what was found.
//
// A sample of the image is written with the options of each candidate, stage by stage. In each
// stage all files are written first, and then read in turns, round after round, so that what else
// the machine does hits all alike. The best go on into the next stage.
#ifndef GDAL_NDARRAY_TOOLS_TUNE_H_
#define GDAL_NDARRAY_TOOLS_TUNE_H_

#include <list>
#include <memory>
#include <string>

#include "tools/tune_candidate.h"

namespace ndarray::tools {

struct Task {
  Reading access;
  std::string objective;  // speed, size or balanced
  double budget_s = 30;
  bool shows_progress = false;
};

struct Findings {
  std::unique_ptr<const Sample> sample;
  int not_tried = 0;                // for want of time
  double seconds = 0;               // that it took
  std::list<Candidate> candidates;  // the best first
  const Candidate* default_candidate = nullptr;
  const Candidate* chosen = nullptr;  // the recommendation
};

// Throws a Failure: the source cannot be read, or the driver B2ND cannot hold it; the temporary
// folder cannot be written to; interrupted.
Findings Tune(GDALDataset& source, const Task& task);

// On stdout. The table does without most of those that are neither on the front, nor in the last
// stage, nor among the best.
void PrintTable(const std::string& source, const Task& task, const Findings& findings);
void PrintJson(const std::string& source, const Task& task, const Findings& findings);

// Writes an SVG: ratio to the right, time of a window upwards, both logarithmic; the front joined.
// The file is complete, or was not touched. Throws a Failure.
void PlotFindings(const std::string& path, const Findings& findings);

}  // namespace ndarray::tools

#endif  // GDAL_NDARRAY_TOOLS_TUNE_H_
