// A small image that stands for a large one: pieces from all over it, put together in memory.
//
// Pieces are squares at multiples of their side, one from each cell of a grid over the image, in an
// order in which any number of them stands for the whole; blocks of up to a piece have the content
// that blocks of the whole image have. An image that is small enough is its own sample.
#ifndef GDAL_NDARRAY_TOOLS_TUNE_SAMPLE_H_
#define GDAL_NDARRAY_TOOLS_TUNE_SAMPLE_H_

#include <chrono>
#include <cstddef>
#include <memory>
#include <vector>

#include "tools/command.h"
#include "tools/reading.h"

namespace ndarray::tools {

using Clock = std::chrono::steady_clock;

// No sample takes much more memory than this.
constexpr double kMostSampleBytes = 256 << 20;

class Sample {
 public:
  // Reads about `target_bytes` of the source, or what can be read until `deadline`, but one piece
  // at least. Pixels become `type`. Throws a Failure if the source cannot be read, or a single
  // piece is too large.
  Sample(GDALDataset& source, GDALDataType type, const Reading& access, double target_bytes,
         Clock::time_point deadline);

  GDALDataset& dataset() const { return *dataset_; }
  const Extent& extent() const { return extent_; }
  bool whole() const { return whole_; }
  int pieces() const { return pieces_; }
  int side() const { return side_; }
  double bytes() const { return extent_.pixels() * pixel_bytes_; }

 private:
  struct Place {
    int x, y;
  };

  bool ReadWhole(GDALDataset& source, Clock::time_point deadline);
  void ReadPieces(GDALDataset& source, const Reading& access, double pixels,
                  Clock::time_point deadline);
  void ChooseSide(double pixels);
  void ChooseExtent(const Reading& access, double pixels);
  std::vector<Place> ChoosePlaces(size_t count) const;
  void Allocate(const Extent& extent);
  void Read(GDALDataset& source, const Window& from, int to_x, int to_y);
  void MakeDataset();

  const Extent image_;
  const GDALDataType type_;
  const int pixel_bytes_;
  Extent extent_;
  Extent room_;  // of `pixels_`: bands, lines, pixels
  std::unique_ptr<std::byte[]> pixels_;
  DatasetPointer dataset_;
  bool whole_ = false;
  int pieces_ = 0;
  int side_ = 512;
};

}  // namespace ndarray::tools

#endif  // GDAL_NDARRAY_TOOLS_TUNE_SAMPLE_H_
