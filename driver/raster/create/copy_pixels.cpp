#include "driver/raster/create/copy_pixels.h"

#include <algorithm>
#include <future>
#include <numeric>
#include <optional>
#include <system_error>

#include "driver/store/box.h"
#include "driver/store/buffer.h"
#include "driver/store/checked_math.h"

namespace ndarray {
namespace {

constexpr double kMaxPieceBytes = 32 << 20;
// Smaller images are split into several pieces, too, so that reading and writing overlap.
constexpr double kMinPieceBytes = 1 << 20;
constexpr double kPiecesOfAnImage = 8;
constexpr double kMaxUnitBytes = 64 << 20;               // of what is decoded together
constexpr double kMaxWholeUnitBytes = int64_t{4} << 30;  // where it must be

double BytesOf(const AxisVector& shape, int64_t element_bytes) {
  auto bytes = static_cast<double>(element_bytes);
  for (const int64_t count : shape) bytes *= static_cast<double>(count);
  return bytes;
}

// Whole multiples of what is written as one, and of `unit` where their common multiple is not much
// more.
AxisVector MinPiece(const WriterInfo& info, const AxisVector& unit) {
  AxisVector piece = info.piece_shape;
  for (int axis = 0; axis < unit.size(); ++axis) {
    const int64_t step = info.piece_shape[axis];
    const int64_t larger = RoundUp(std::max(step, unit[axis]), step);
    const int64_t steps = unit[axis] / std::gcd(step, unit[axis]);
    piece[axis] = steps / 4 <= larger / step ? steps * step : larger;
    piece[axis] = std::min(piece[axis], RoundUp(info.shape[axis], step));
  }
  return piece;
}

// How many bytes to read at a time.
double BytesAtATime(const WriterInfo& info) {
  const double at_once =
      static_cast<double>(2 * info.pieces_at_once) * BytesOf(info.piece_shape, info.element_bytes);
  const double share = BytesOf(info.shape, info.element_bytes) / kPiecesOfAnImage;
  return std::min(std::max({kMinPieceBytes, share, at_once}), kMaxPieceBytes);
}

// It grows along the last axis of the order first, and along another where it covers those after
// it.
Result<AxisVector> PieceOf(const PixelSource& source, const WriterInfo& info,
                           const AxisVector& order) {
  // A writer that only appends must have pieces follow one another as they do in the file.
  const bool by_units = source.keep_units_whole || !info.appends_only;
  AxisVector piece = MinPiece(info, by_units ? source.unit : AxisVector());
  if (BytesOf(piece, info.element_bytes) >
      (source.keep_units_whole ? kMaxWholeUnitBytes : kMaxUnitBytes)) {
    if (source.keep_units_whole) {
      return Status(StatusCode::kNotSupported,
                    source.path + ": " + ShapeString(piece) +
                        " elements, which are decoded together, take more than 4 GiB");
    }
    piece = info.piece_shape;
  }
  const double max_bytes = BytesAtATime(info);
  double bytes = BytesOf(piece, info.element_bytes);
  for (int i = order.size() - 1; i >= 0 && bytes < max_bytes; --i) {
    const auto axis = static_cast<int>(order[i]);
    const auto times = static_cast<int64_t>(max_bytes / bytes);
    bytes /= static_cast<double>(piece[axis]);
    piece[axis] = piece[axis] > info.shape[axis] / times
                      ? RoundUp(info.shape[axis], info.piece_shape[axis])
                      : piece[axis] * times;
    bytes *= static_cast<double>(piece[axis]);
    if (piece[axis] < info.shape[axis]) break;
  }
  return piece;
}

// Steps to the next position in a grid along the last axis of the order first; false after the
// last.
bool AdvanceInOrder(const AxisVector& grid, const AxisVector& order, AxisVector& position) {
  for (int i = order.size() - 1; i >= 0; --i) {
    const auto axis = static_cast<int>(order[i]);
    if (++position[axis] < grid[axis]) return true;
    position[axis] = 0;
  }
  return false;
}

// The memory of one piece.
struct PieceBuffer {
  Box box;
  Buffer elements{0};

  StridedView Reserve(int64_t element_bytes) {
    const auto bytes = static_cast<size_t>(ElementsIn(box) * element_bytes);
    if (elements.size_bytes() < bytes) {
      elements = Buffer(0);  // before there is another
      elements = Buffer(bytes);
    }
    return {elements.data(), CStrides(Counts(box), element_bytes)};
  }
};

// Elsewhere, if there is another thread to be had.
std::future<Status> Start(ArrayWriter& writer, const Box& box, const StridedView& elements) {
  const auto write = [&writer, &box, elements] {
    return writer.Write(box, {elements.data, elements.strides_bytes});
  };
  try {
    return std::async(std::launch::async, write);
  } catch (const std::system_error&) {
    return std::async(std::launch::deferred, write);
  }
}

}  // namespace

Status CopyPixels(const PixelSource& source, ArrayWriter& writer, const std::string& path,
                  const ProgressFn& progress) {
  const WriterInfo& info = writer.info();
  AxisVector order = source.order;
  if (order.empty() || info.appends_only) {
    order = AxisVector(info.shape.size());
    std::iota(order.begin(), order.end(), 0);
  }
  const Result<AxisVector> shape = PieceOf(source, info, order);
  if (!shape.ok()) return shape.status();
  AxisVector grid(shape->size());
  for (int axis = 0; axis < grid.size(); ++axis) {
    grid[axis] = DivideUp(info.shape[axis], (*shape)[axis]);
  }
  const double all = BytesOf(info.shape, 1);
  double done = 0;
  PieceBuffer pieces[2];
  std::future<Status> writing;  // ends before the pieces do
  int current = 0;
  AxisVector position(grid.size(), 0);
  do {
    PieceBuffer& piece = pieces[current];
    piece.box = {position, position};
    for (int axis = 0; axis < grid.size(); ++axis) {
      piece.box.start[axis] *= (*shape)[axis];
      piece.box.stop[axis] = std::min(piece.box.start[axis] + (*shape)[axis], info.shape[axis]);
    }
    const StridedView elements = piece.Reserve(info.element_bytes);
    const Status read = source.read(piece.box, elements);
    Status written = writing.valid() ? writing.get() : Status();
    if (!written.ok()) return written;
    if (!read.ok()) return read;
    writing = Start(writer, piece.box, elements);
    current = 1 - current;
    done += static_cast<double>(ElementsIn(piece.box));
    Status status = ReportProgress(progress, done / all);
    if (!status.ok()) return status.At(path);
  } while (AdvanceInOrder(grid, order, position));
  return writing.get();
}

}  // namespace ndarray
