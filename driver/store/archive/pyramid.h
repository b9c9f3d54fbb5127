// Levels of a raster, each half of the one before (halve.h), built while the raster is written from
// the pieces that are at hand. A piece goes into the chunks of the first level; those that are then
// whole are written, and go into the chunks of the second, and so on. So memory holds but the
// chunks that pieces have begun.
#ifndef GDAL_NDARRAY_STORE_ARCHIVE_PYRAMID_H_
#define GDAL_NDARRAY_STORE_ARCHIVE_PYRAMID_H_

#include <cstddef>
#include <cstdint>
#include <future>
#include <map>
#include <memory>
#include <vector>

#include "driver/store/archive/halve.h"
#include "driver/store/array.h"
#include "driver/store/b2nd/b2nd_writer.h"
#include "driver/store/blosc2/b2nd_layout.h"
#include "driver/store/buffer.h"
#include "driver/store/status.h"

namespace ndarray {

class Pyramid {
 public:
  struct Level {
    B2ndLayout layout;
    B2ndWriter* writer;                // of such an array; must outlive the pyramid
    std::shared_ptr<Array> fine_mask;  // of what it is made of, (lines, pixels) or (bands, lines,
                                       // pixels) of bytes; nullptr: all are valid
  };

  // REQUIRES: chunks have even lines and pixels, or all
  Pyramid(Halving halving, std::vector<Level> levels, int max_threads);

  ~Pyramid();

  // A box of the raster; each element once, boxes as HalvedBox wants them. `from` is not needed any
  // more when it returns, while chunks that are whole may still be compressed by another thread: it
  // then reports what went wrong with those of the call before.
  Status Add(const Box& box, const ConstStridedView& from);

  // Waits for all. REQUIRES: all of the raster was added, unless something has failed
  Status Finish();

 private:
  struct Chunk {
    Box box;
    Buffer elements;
    StridedView view;
    int64_t missing;  // elements
  };
  struct Task;
  using Parts = std::vector<B2ndWriter::Part>;

  // Makes the level's pixels of these parts of the one before; the chunks that are whole now.
  Result<std::vector<Chunk>> Halved(size_t level, const Parts& fine);
  // Writes chunks of a level, and what they become in the levels after it.
  Status WriteChunks(size_t level, const std::vector<Chunk>& chunks);
  Chunk& ChunkAt(size_t level, const AxisVector& position);

  const Halving halving_;
  const std::vector<Level> levels_;
  const int max_threads_;
  std::vector<std::map<int64_t, Chunk>> chunks_;  // of each level, that have begun
  std::future<Status> writing_;                   // chunks of the first level, and those after it
};

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_ARCHIVE_PYRAMID_H_
