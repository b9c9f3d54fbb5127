// A new array on its way into a file: the one way in which whole arrays are written, whatever their
// format.
//
// An array is written once, piece by piece. Pieces that are never written read as zeros. Boxes are
// in elements and in array axes, half-open. Elements in memory are in native byte order; records
// are as they are in the file, gaps included. Errors carry the path. For one thread.
#ifndef GDAL_NDARRAY_STORE_ARRAY_WRITER_H_
#define GDAL_NDARRAY_STORE_ARRAY_WRITER_H_

#include <cstdint>
#include <utility>

#include "driver/store/array.h"
#include "driver/store/progress.h"
#include "driver/store/status.h"

namespace ndarray {

// What a new file is made for: all its elements are about to be written, so that the space they
// take is wanted now; or nothing is yet, and zeros take none where the file system can help it.
enum class Contents { kElements, kZeros };

struct WriterInfo {
  AxisVector shape;
  AxisVector piece_shape;      // what is written as one: a whole chunk, or a single element
  int64_t element_bytes = 1;   // of the whole element, where that is a record
  int64_t pieces_at_once = 1;  // so many make work for all threads
  double finish_share = 0;     // of the work of writing all of it, that of Finish
  bool appends_only = false;   // boxes must follow one another as their elements do in C order
};

class ArrayWriter {
 public:
  virtual ~ArrayWriter() = default;

  virtual const WriterInfo& info() const = 0;

  // Writes a box of whole pieces, cut off where the array ends. `from` is the element at box.start.
  // Each piece at most once. REQUIRES: box starts at a multiple of the piece's shape, and ends at
  // one or where the array does
  virtual Status Write(const Box& box, const ConstStridedView& from) = 0;

  // Completes the file, in which nothing has been written before that counts. What remains is the
  // OutputFile's Commit().
  virtual Status Finish() = 0;

  // Has Finish report how far it is, where it has a share of the work; it may be cancelled then.
  void ReportFinish(ProgressFn progress) { finish_progress_ = std::move(progress); }

 protected:
  const ProgressFn& finish_progress() const { return finish_progress_; }

 private:
  ProgressFn finish_progress_;
};

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_ARRAY_WRITER_H_
