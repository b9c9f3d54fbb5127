// One configuration of the driver B2ND on trial: a sample written with it, and windows read from
// it.
#ifndef GDAL_NDARRAY_TOOLS_TUNE_TRIAL_H_
#define GDAL_NDARRAY_TOOLS_TUNE_TRIAL_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tools/tune_sample.h"

namespace ndarray::tools {

struct Configuration {
  std::string compress;
  int level = 0;  // 0: the codec has none
  std::string filter;
  std::string interleave;  // empty where there is one band
  int block_x = 0, block_y = 0, chunk_x = 0, chunk_y = 0;

  // Creation options and their values.
  std::vector<std::pair<std::string, std::string>> Options() const;

  // How many choices differ: codec, level, filter, interleaving, blocks, chunks.
  int DifferencesFrom(const Configuration& other) const;
};

// A folder of its own, removed with all that is in it.
class TemporaryFolder {
 public:
  TemporaryFolder();  // throws a Failure
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// What SATA drives and the disks of clouds give.
constexpr double kDiskBytesPerS = 500e6;

// Times in seconds, sizes in bytes.
struct Figures {
  double ratio = 0;              // of the array's bytes to those of its compressed chunks
  double write_bytes_per_s = 0;  // of pixels
  double p50 = 0, p99 = 0;       // of a window of the whole image
  double memory = 0;             // that reading needs beside the window
  double window_bytes = 0;       // of pixels

  // The time of a window that is on a disk instead of in the page cache.
  double disk_p50() const { return p50 + window_bytes / ratio / kDiskBytesPerS; }
};

class Trial {
 public:
  Trial(Configuration configuration, std::string path)
      : configuration_(std::move(configuration)), path_(std::move(path)) {}

  const Configuration& configuration() const { return configuration_; }

  // Writes the sample; false if that was not done by the deadline, and then no file is left. What
  // was measured in another sample is forgotten. Throws a Failure.
  bool Write(const Sample& sample, Clock::time_point deadline);

  // Removes the file; what was measured stays.
  void Remove();
  bool has_file() const { return file_bytes_ > 0; }
  double file_bytes() const { return file_bytes_; }
  double write_bytes_per_s() const { return figures_.write_bytes_per_s; }

  // Opens the file anew, reads a window elsewhere, and then times the windows, each into memory of
  // its own, until `deadline`, but one at least. They are the places `first_place`, `first_place` +
  // 1, ... of this sample: those that are read again and again are timed the better. REQUIRES:
  // has_file()
  void ReadWindows(const std::vector<Window>& windows, size_t first_place,
                   Clock::time_point deadline);

  // Forgets how long windows took.
  void Forget();
  bool measured() const { return !seconds_.empty(); }

  // Of a window that is `scale` times as large as those that were read. Other programs only slow
  // reading down, so the time of a place is that of the quieter of its turns. REQUIRES: measured()
  Figures Result(double scale) const;

 private:
  const Configuration configuration_;
  const std::string path_;
  double file_bytes_ = 0;
  Figures figures_;
  double cache_bytes_ = 0;
  std::vector<std::vector<double>> seconds_;  // of each turn, by place
};

}  // namespace ndarray::tools

#endif  // GDAL_NDARRAY_TOOLS_TUNE_TRIAL_H_
