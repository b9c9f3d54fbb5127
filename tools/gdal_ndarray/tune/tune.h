// What tune tries, finds and shows: creation options of the driver B2ND, a sample of an image that
// is written with them, and the time that windows of it take. Times in seconds, sizes in bytes.
#ifndef GDAL_NDARRAY_TOOLS_TUNE_TUNE_H_
#define GDAL_NDARRAY_TOOLS_TUNE_TUNE_H_

#include <chrono>
#include <list>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "driver/raster/create/new_array.h"
#include "driver/store/blosc2/b2nd_layout.h"
#include "tools/gdal_ndarray/command.h"
#include "tools/gdal_ndarray/reading.h"

namespace ndarray::tools {

// A clock that only goes on; deadlines are times of it.
inline double Now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// The pixels of a window in memory of their own, by band. Throws a Failure.
std::unique_ptr<std::byte[]> ReadWindow(GDALDataset& dataset, const Window& window,
                                        GDALDataType type);

// A small image that stands for a large one: squares from all over it, put together in memory.
//
// The squares lie at multiples of their side, as blocks of the image do. They are read in an order
// in which any number of them is from all over the image; when time is up, those that were read are
// repeated in place of the others. An image that is small enough is its own sample.
struct Sample {
  static constexpr size_t kTurns = 4, kMaxWindows = 12;

  // About `target_bytes` of the source, or up to three times as much, where windows are large; at
  // most 256 MB. Reads until `deadline`, one square at least. Throws a Failure if the source cannot
  // be read, has too many bands, or pixels of which the driver makes no copy.
  Sample(GDALDataset& source, const Reading& access, double target_bytes, double deadline);

  double bytes() const { return extent.pixels() * GDALGetDataTypeSizeBytes(type); }
  bool is_whole() const { return pixels_read == static_cast<double>(image.width) * image.height; }

  GDALDataset& source;
  const Reading access;
  const ImageSize image;    // the source's
  const GDALDataType type;  // of pixels of a copy
  ImageSize extent;
  DatasetPointer dataset;
  size_t squares = 0;                      // that were read
  int side = 512;                          // of a square
  double pixels_read = 0;                  // of each band
  double window_bytes, window_scale;       // of a window of the image; to one of the sample
  std::vector<std::vector<Window>> turns;  // where to read: kTurns times up to kMaxWindows places

 private:
  void Fill(bool whole, double deadline);
};

// Names and values of creation options, in the order in which they are shown.
using Options = nlohmann::ordered_json;

// "-co COMPRESS=ZSTD -co ...", for gdal_translate -of B2ND and gdal_ndarray convert.
std::string OptionsLine(const Options& options);

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

  // A side of its blocks and chunks, 'X' or 'Y'.
  int64_t block(char axis) const { return layout.block_shape[AxisOf(axis)]; }
  int64_t chunk(char axis) const { return layout.chunk_shape[AxisOf(axis)]; }
  int AxisOf(char axis) const { return static_cast<int>(array.axes.find(axis)); }

  Options options;        // without shapes that the driver chooses anyway
  NewArray array;         // a copy of the whole image
  B2ndLayout layout;      // of that
  std::string path;       // of the sample
  bool is_final = false;  // it was in the last stage, as the recommendation is
  bool on_front = false;  // no other has a higher ratio and a lower p50
  double file_bytes = 0;  // 0: there is no file

  double ratio = 0;                        // of the array's bytes to those of its chunks
  double write_bytes_per_s = 0;            // of pixels
  double p50 = 0, p99 = 0;                 // of a window of the whole image
  double window_bytes = 0;                 // of its pixels
  std::vector<std::vector<double>> times;  // of each place
};

// What is worth trying, some of it more than once: codecs, levels, filters and interleavings in
// default shapes, first what a copy has without options, then what is quick to write; and the
// `best` in blocks and chunks of other shapes. Not written yet.
using Candidates = std::vector<Candidate>;
Candidates CodecsToTry(const Sample& sample, const Candidates& best);
Candidates ShapesToTry(const Sample& sample, const Candidates& best);

struct Task {
  Reading access;
  std::string objective;  // speed, size or balanced
  double budget_s = 30;
};

struct Findings {
  std::unique_ptr<const Sample> sample;
  int not_tried = 0;                // for want of time
  double seconds = 0;               // that it took
  std::list<Candidate> candidates;  // the best first
  const Candidate* default_candidate = nullptr;
  const Candidate* chosen = nullptr;  // the recommendation
};

// Prints all as JSON, or what is best or was measured well as a table.
void PrintFindings(const std::string& source, const Task& task, const Findings& findings,
                   bool as_json);

}  // namespace ndarray::tools

#endif  // GDAL_NDARRAY_TOOLS_TUNE_TUNE_H_
