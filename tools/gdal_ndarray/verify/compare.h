// Compares two arrays of values piece by piece: in parallel, with little memory.
#ifndef GDAL_NDARRAY_TOOLS_VERIFY_COMPARE_H_
#define GDAL_NDARRAY_TOOLS_VERIFY_COMPARE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "driver/store/array.h"
#include "driver/store/dtype/dtype.h"
#include "driver/store/progress.h"
#include "driver/store/status.h"

namespace ndarray::tools {

// Reads the elements of a box to dense memory, C order, native bytes. Called from many threads.
using PieceReader = std::function<Status(const Box& box, void* to)>;

struct Difference {
  AxisVector at;
  std::string here, there;  // the values
};

struct Comparison {
  int64_t values = 0;             // that were compared
  int64_t different = 0;          // of these
  Box bounds;                     // of all that are different
  std::vector<Difference> first;  // in C order
  int64_t unread = 0;             // values that cannot be read here
  std::string why_unread;         // of one of them
};

// The shape of pieces of whole multiples of `unit` (as far as the memory of one piece allows it).
AxisVector PieceShape(const AxisVector& shape, const AxisVector& unit, int64_t element_bytes);

struct Pieces {
  AxisVector shape;      // of the whole
  AxisVector piece;      // what is read at a time
  AxisVector min_piece;  // the same of a piece that cannot be read here: some of it may be
};

// NaN equals NaN. At most `max_listed` differences are listed. Fails where `there` cannot be read,
// and when it is stopped.
Result<Comparison> Compare(const Pieces& pieces, ScalarType type, const PieceReader& here,
                           const PieceReader& there, size_t max_listed, const ProgressFn& progress);

}  // namespace ndarray::tools

#endif  // GDAL_NDARRAY_TOOLS_VERIFY_COMPARE_H_
