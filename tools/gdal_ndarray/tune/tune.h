// What tune tries, finds and shows. Candidates are creation options of the driver B2ND, with a
// sample of an image that is written with them, and the time that windows of it take.
#ifndef GDAL_NDARRAY_TOOLS_TUNE_TUNE_H_
#define GDAL_NDARRAY_TOOLS_TUNE_TUNE_H_

#include <cpl_string.h>

#include <list>
#include <memory>
#include <string>
#include <vector>

#include "tools/gdal_ndarray/tune/tune_sample.h"

namespace ndarray::tools {

// As GDAL has them: codec, level, filter, interleaving, blocks and chunks, in this order.
using Options = CPLStringList;

// "-co COMPRESS=ZSTD -co ...", for gdal_translate -of B2ND and gdal_ndarray convert.
std::string OptionsLine(const Options& options);

// The type that pixels of a copy have. Throws a Failure if the driver cannot hold the source.
GDALDataType TypeInFile(GDALDataset& source);

// What is worth trying, some of it more than once: codecs, levels, filters and interleavings in
// default shapes, first what a copy has without options, then what is quick to write; and the
// `best` in blocks and chunks of other shapes.
using OptionsList = std::vector<Options>;
OptionsList CodecsToTry(GDALDataset& source, const Reading& access, const OptionsList& best);
OptionsList ShapesToTry(GDALDataset& source, const Reading& access, const OptionsList& best);

// Times in seconds, sizes in bytes.
struct Candidate {
  static constexpr double kDiskBytesPerS = 500e6;  // of SATA drives, and the disks of clouds
  static constexpr double kReadsPerWrite = 10;     // of a pixel, while a file is kept

  // Writes the file; false if it was not done by the deadline, and then there is no file. The
  // quickest of several times counts. Throws a Failure.
  bool Write(const Sample& sample, double deadline);

  // Opens the file anew, reads a window untimed, and then times the windows of a turn, each into
  // memory of its own, until `deadline`, but one at least. Other programs only slow reading down,
  // so the time of a place is that of the quieter of its turns. REQUIRES: there is a file
  void Read(const Sample& sample, size_t turn, double deadline);

  // The time of a window from a disk instead of the page cache, and its share of the time of
  // writing its pixels.
  double balanced() const {
    return p50 +
           window_bytes * (1 / ratio / kDiskBytesPerS + 1 / write_bytes_per_s / kReadsPerWrite);
  }

  Options options;
  std::string path;
  const char* stage = "";  // the last one that it was in
  bool is_final = false;   // it was in the last stage, as the recommendation is
  bool on_front = false;   // no other has a higher ratio and a lower p50
  double file_bytes = 0;   // 0: there is no file

  double ratio = 0;                        // of the array's bytes to those of its chunks
  double write_bytes_per_s = 0;            // of pixels
  double p50 = 0, p99 = 0;                 // of a window of the whole image
  double window_bytes = 0;                 // of its pixels
  double memory = 0, cache_bytes = 0;      // of decoded blocks: one a thread, and those kept
  std::vector<std::vector<double>> times;  // of each place
};

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

// Print to stdout. The table leaves out most of what is neither good nor measured well.
void PrintTable(const std::string& source, const Task& task, const Findings& findings);
void PrintJson(const std::string& source, const Task& task, const Findings& findings);

// Writes an SVG: ratio to the right, time of a window upwards, both logarithmic; the front joined.
// The file is complete, or was not touched. Throws a Failure.
void PlotFindings(const std::string& path, const Findings& findings);

}  // namespace ndarray::tools

#endif  // GDAL_NDARRAY_TOOLS_TUNE_TUNE_H_
