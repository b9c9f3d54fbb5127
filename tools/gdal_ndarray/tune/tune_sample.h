// A small image that stands for a large one: squares from all over it, put together in memory.
//
// The squares lie at multiples of their side, as blocks of the image do. They are read in an order
// in which any number of them is from all over the image; when time is up, those that were read are
// repeated in place of the others. An image that is small enough is its own sample.
#ifndef GDAL_NDARRAY_TOOLS_TUNE_TUNE_SAMPLE_H_
#define GDAL_NDARRAY_TOOLS_TUNE_TUNE_SAMPLE_H_

#include <chrono>
#include <vector>

#include "tools/gdal_ndarray/command.h"
#include "tools/gdal_ndarray/reading.h"

namespace ndarray::tools {

// Seconds, of a clock that only goes on; deadlines are times of it.
inline double Now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

struct Sample {
  static constexpr size_t kTurns = 4, kMaxWindows = 12;

  // About `target_bytes` of the source, or up to three times as much, where windows are large; at
  // most 256 MB. Reads until `deadline`, one square at least; pixels become `pixel_type`. Throws a
  // Failure if the source cannot be read, or has too many bands.
  Sample(GDALDataset& source, GDALDataType pixel_type, const Reading& access, double target_bytes,
         double deadline);

  double bytes() const { return extent.pixels() * GDALGetDataTypeSizeBytes(type); }
  bool is_whole() const { return pixels_read == static_cast<double>(image.width) * image.height; }

  const ImageSize image;  // the one it stands for
  const GDALDataType type;
  ImageSize extent;
  DatasetPointer dataset;
  int squares = 0, side = 512;             // those that were read
  double pixels_read = 0;                  // of each band
  double window_bytes, window_scale;       // of a window of the image; to one of the sample
  std::vector<std::vector<Window>> turns;  // where to read: kTurns times up to kMaxWindows places

 private:
  void Fill(GDALDataset& source, bool whole, double deadline);
  void Copy(GDALDataset& source, const Window& from, const Window& to);
};

}  // namespace ndarray::tools

#endif  // GDAL_NDARRAY_TOOLS_TUNE_TUNE_SAMPLE_H_
