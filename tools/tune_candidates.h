// What is worth trying: configurations for an image, the most promising first.
#ifndef GDAL_NDARRAY_TOOLS_TUNE_CANDIDATES_H_
#define GDAL_NDARRAY_TOOLS_TUNE_CANDIDATES_H_

#include <vector>

#include "tools/tune_trial.h"

namespace ndarray::tools {

class Candidates {
 public:
  // Throws a Failure if the driver B2ND cannot hold the source.
  Candidates(GDALDataset& source, const Reading& access);

  // The type that pixels have in the file.
  GDALDataType type() const { return type_; }

  // What a copy of the source has without options, written out.
  const Configuration& standard() const { return standard_; }

  // Codecs, levels, filters and interleavings in default shapes, `standard` first.
  std::vector<Configuration> Codecs() const;

  // The same in blocks of other shapes; and in chunks of other shapes.
  std::vector<Configuration> OtherBlocks(const Configuration& base) const;
  std::vector<Configuration> OtherChunks(const Configuration& base) const;

  // How much longer it takes to write than `standard` does; a guess, rather too high.
  double Effort(const Configuration& configuration) const;

 private:
  // Fills in shapes that fit the image; zeros become those that the driver takes.
  Configuration WithShape(Configuration base, int block_x, int block_y, int chunk_x,
                          int chunk_y) const;
  double BlockBytes(const Configuration& configuration) const;
  // Blocks so few that windows share them, and would be timed from the cache.
  bool AreFew(const Configuration& configuration) const;

  GDALDataset& source_;
  const Extent image_;
  const Reading access_;
  GDALDataType type_ = GDT_Unknown;
  Configuration standard_;
};

}  // namespace ndarray::tools

#endif  // GDAL_NDARRAY_TOOLS_TUNE_CANDIDATES_H_
