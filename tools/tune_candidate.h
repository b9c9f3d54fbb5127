// Candidates: creation options of the driver B2ND, a sample written with them, and how long windows
// of it take.
#ifndef GDAL_NDARRAY_TOOLS_TUNE_CANDIDATE_H_
#define GDAL_NDARRAY_TOOLS_TUNE_CANDIDATE_H_

#include <cpl_string.h>

#include <string>
#include <string_view>
#include <vector>

#include "tools/tune_sample.h"

namespace ndarray::tools {

// As GDAL has them: codec, level, filter, interleaving, blocks and chunks, in this order.
using Options = CPLStringList;

// "-co COMPRESS=ZSTD -co ...", for gdal_translate -of B2ND and gdal_ndarray convert.
std::string OptionsLine(const Options& options);

// The type that pixels of a copy have. Throws a Failure if the driver cannot hold the source.
GDALDataType TypeInFile(GDALDataset& source);

// What is worth trying: codecs, levels, filters and interleavings in default shapes, first what a
// copy of the source has without options, then the quick ones; and the `best` in blocks and chunks
// of other shapes. Some of these are there more than once.
std::vector<Options> CodecsToTry(GDALDataset& source, const Reading& access,
                                 const std::vector<Options>& best);
std::vector<Options> ShapesToTry(GDALDataset& source, const Reading& access,
                                 const std::vector<Options>& best);

// Times in seconds, sizes in bytes.
struct Candidate {
  static constexpr double kDiskBytesPerS = 500e6;  // of SATA drives, and the disks of clouds
  static constexpr double kReadsPerWrite = 10;     // of a pixel, while a file is kept

  // Writes the file; false if that was not done by the deadline, and then there is none. Of several
  // times the quickest counts. Throws a Failure.
  bool Write(const Sample& sample, Clock::time_point deadline);

  // Opens the file anew, reads a window untimed, and then times the windows of a turn, each into
  // memory of its own, until `deadline`, but one at least. Other programs only slow reading down,
  // so the time of a place is that of the quieter of its turns. REQUIRES: there is a file
  void Read(const Sample& sample, size_t turn, Clock::time_point deadline);

  // Removes the file; the figures stay.
  void Remove();

  // The time of a window from a disk instead of the page cache, and its share of the time of
  // writing its pixels.
  double balanced() const {
    return p50 +
           window_bytes * (1 / ratio / kDiskBytesPerS + 1 / write_bytes_per_s / kReadsPerWrite);
  }

  // The recommendation is one of those that were in the last stage.
  bool is_final() const { return stage == "final"; }

  Options options;
  std::string path;
  std::string_view stage;  // the last one that it was in
  bool on_front = false;   // no other has a higher ratio and a lower p50
  double file_bytes = 0;   // 0: there is no file

  double ratio = 0;                        // of the array's bytes to those of its chunks
  double write_bytes_per_s = 0;            // of pixels
  double p50 = 0, p99 = 0;                 // of a window of the whole image
  double window_bytes = 0;                 // of its pixels
  double block_bytes = 0, memory = 0;      // decoded; what reading needs beside the window
  std::vector<std::vector<double>> times;  // of each place
};

}  // namespace ndarray::tools

#endif  // GDAL_NDARRAY_TOOLS_TUNE_CANDIDATE_H_
