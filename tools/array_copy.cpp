#include "tools/array_copy.h"

#include <algorithm>
#include <functional>
#include <future>
#include <memory>
#include <numeric>
#include <system_error>

#ifdef NDARRAY_HAS_B2ND
#include "driver/store/b2nd_writer.h"
#endif
#include "driver/raster/overwrite.h"
#include "driver/raster/vsi_file.h"
#include "driver/store/box.h"
#include "driver/store/npy_array.h"
#include "tools/command.h"

namespace ndarray::tools {
namespace {

constexpr double kPieceBytes = 64 << 20;
constexpr double kMostWanted = 256 << 20;         // of what is decoded together
constexpr double kMostNeeded = int64_t{4} << 30;  // where it must be

int64_t RoundUp(int64_t value, int64_t step) { return (value + step - 1) / step * step; }

double BytesOf(const AxisVector& shape, int64_t element_bytes) {
  auto bytes = static_cast<double>(element_bytes);
  for (const int64_t count : shape) bytes *= static_cast<double>(count);
  return bytes;
}

// Whole multiples of `step`, and of `unit` where their common multiple is not much more.
AxisVector LeastPiece(const AxisVector& shape, const AxisVector& step, const AxisVector& unit) {
  AxisVector piece = step;
  for (int axis = 0; axis < shape.size(); ++axis) {
    const int64_t larger = RoundUp(std::max(step[axis], unit[axis]), step[axis]);
    const int64_t steps = unit[axis] / std::gcd(step[axis], unit[axis]);
    piece[axis] = steps / 4 <= larger / step[axis] ? steps * step[axis] : larger;
    piece[axis] = std::min(piece[axis], RoundUp(shape[axis], step[axis]));
  }
  return piece;
}

// The shape of what is read at a time: whole multiples of `step`, so that no chunk is in two
// pieces. It grows along the last axis first, and along another where it covers those after it: a
// piece lies in a .npy in as few runs as can be.
AxisVector PieceOf(const ElementSource& source, const AxisVector& shape, const AxisVector& step,
                   int64_t element_bytes) {
  AxisVector piece = LeastPiece(shape, step, source.unit);
  if (BytesOf(piece, element_bytes) > (source.keep_units_whole ? kMostNeeded : kMostWanted)) {
    if (source.keep_units_whole) {
      throw Failure(source.path + ": " + ShapeString(piece) +
                    " elements, which are decoded together, take more than 4 GiB");
    }
    piece = step;
  }
  double bytes = BytesOf(piece, element_bytes);
  for (int axis = shape.size() - 1; axis >= 0 && bytes < kPieceBytes; --axis) {
    const auto times = static_cast<int64_t>(kPieceBytes / bytes);
    bytes /= static_cast<double>(piece[axis]);
    piece[axis] =
        piece[axis] > shape[axis] / times ? RoundUp(shape[axis], step[axis]) : piece[axis] * times;
    bytes *= static_cast<double>(piece[axis]);
    if (piece[axis] < shape[axis]) break;
  }
  return piece;
}

// A box of elements, dense.
struct Piece {
  Box box;
  std::unique_ptr<std::byte[]> elements;
  size_t room_bytes = 0;

  void Reserve(size_t bytes) {
    if (bytes <= room_bytes) return;
    elements.reset();
    elements.reset(new std::byte[bytes]);  // not cleared
    room_bytes = bytes;
  }
};

using Sink = std::function<Status(const Piece&)>;

// Elsewhere, if there is another thread to be had.
std::future<Status> Start(const Sink& sink, const Piece& piece) {
  const auto write = [&sink, &piece] { return sink(piece); };
  try {
    return std::async(std::launch::async, write);
  } catch (const std::system_error&) {
    return std::async(std::launch::deferred, write);
  }
}

// Reads piece after piece, in C order, while the one before is written.
void CopyPieces(const ElementSource& source, const AxisVector& shape, const AxisVector& piece_shape,
                int64_t element_bytes, int max_threads, const Sink& sink,
                GDALProgressFunc progress) {
  Box grid{AxisVector(shape.size(), 0), AxisVector(shape.size())};
  for (int axis = 0; axis < shape.size(); ++axis) {
    grid.stop[axis] = (shape[axis] - 1) / piece_shape[axis] + 1;
  }
  const double all = BytesOf(shape, 1);
  double done = 0;
  Piece pieces[2];
  std::future<Status> writing;  // ends before the pieces do
  int current = 0;
  AxisVector place = grid.start;
  do {
    Piece& piece = pieces[current];
    piece.box = {place, place};
    for (int axis = 0; axis < shape.size(); ++axis) {
      piece.box.start[axis] *= piece_shape[axis];
      piece.box.stop[axis] = std::min(piece.box.start[axis] + piece_shape[axis], shape[axis]);
    }
    const int64_t count = ElementsIn(piece.box);
    piece.Reserve(static_cast<size_t>(count * element_bytes));
    Check(source.read(piece.box, piece.elements.get(), max_threads));
    if (writing.valid()) Check(writing.get());
    writing = Start(sink, piece);
    current = 1 - current;
    done += static_cast<double>(count);
    if (!progress(done / all, "", nullptr)) StopIfInterrupted();
  } while (Advance(grid, place));
  Check(writing.get());
}

// The axes before it have one element each in a run of the file, those after it all they have.
int FirstAxisOfRuns(const Box& box, const AxisVector& shape) {
  int axis = shape.size() - 1;
  while (axis > 0 && box.count(axis) == shape[axis]) --axis;
  return axis;
}

// Writes the runs of a piece that lie together in an array in C order.
Status WriteRuns(const Piece& piece, const AxisVector& shape, int64_t element_bytes,
                 uint64_t data_offset, OutputFile& file) {
  const Box whole{AxisVector(shape.size(), 0), shape};
  const AxisVector strides = DenseStrides(whole, element_bytes);
  const int axis = FirstAxisOfRuns(piece.box, shape);
  Box starts = piece.box;
  for (int i = axis; i < shape.size(); ++i) starts.stop[i] = starts.start[i] + 1;
  const auto run = static_cast<size_t>(piece.box.count(axis) * strides[axis]);
  const std::byte* from = piece.elements.get();
  AxisVector place = starts.start;
  do {
    uint64_t offset = data_offset;
    for (int i = 0; i < shape.size(); ++i) offset += static_cast<uint64_t>(place[i] * strides[i]);
    Status status = file.WriteAt(offset, from, run);
    if (!status.ok()) return status;
    from += run;
  } while (Advance(starts, place));
  return {};
}

// They describe the old pixels: they go with them, and not before.
void Commit(OutputFile& file) {
  StopIfInterrupted();
  Check(CommitOver(file));
}

}  // namespace

AxisVector DenseStrides(const Box& box, int64_t element_bytes) {
  AxisVector strides(box.start.size());
  for (int axis = strides.size() - 1; axis >= 0; --axis) {
    strides[axis] = element_bytes;
    element_bytes *= box.count(axis);
  }
  return strides;
}

void WriteNpy(const ElementSource& source, const NewElements& array, GDALProgressFunc progress) {
  const std::unique_ptr<OutputFile> file = Value(CreateOutputFile(array.path));
  const uint64_t data_offset = Value(StartNpyFile(*file, array.element, array.shape, true));
  const int64_t element_bytes = array.element.element_bytes;
  const AxisVector step(array.shape.size(), 1);
  ElementSource from = source;
  // Pieces must then follow one another as they do in the file.
  if (!file->CanRewrite() && !source.keep_units_whole) from.unit = step;
  const auto write = [&](const Piece& piece) {
    return WriteRuns(piece, array.shape, element_bytes, data_offset, *file);
  };
  CopyPieces(from, array.shape, PieceOf(from, array.shape, step, element_bytes), element_bytes,
             array.max_threads, write, progress);
  Commit(*file);
}

#ifdef NDARRAY_HAS_B2ND
namespace {

std::vector<B2ndWriter::Chunk> ChunksIn(const Piece& piece, const B2ndLayout& layout) {
  const AxisVector strides = DenseStrides(piece.box, layout.element.element_bytes);
  const Box chunks = ChunksOf(layout, piece.box);
  std::vector<B2ndWriter::Chunk> found;
  found.reserve(static_cast<size_t>(ElementsIn(chunks)));
  const ConstStridedView first{piece.elements.get(), strides};
  AxisVector place = chunks.start;
  do {
    found.push_back(
        {GridNumber(layout.chunk_grid, place), Shifted(first, piece.box, ChunkBox(layout, place))});
  } while (Advance(chunks, place));
  return found;
}

}  // namespace

void WriteB2nd(const ElementSource& source, const std::string& path, const B2ndPlan& plan,
               const std::vector<Attribute>& attributes, GDALProgressFunc progress) {
  const std::unique_ptr<OutputFile> file = Value(CreateOutputFile(path));
  const std::unique_ptr<B2ndWriter> writer =
      Value(B2ndWriter::Start(*file, plan.layout, plan.compression, attributes, plan.max_threads));
  const B2ndLayout& layout = writer->layout();
  const int64_t element_bytes = layout.element.element_bytes;
  const AxisVector piece = PieceOf(source, layout.shape, layout.chunk_shape, element_bytes);
  const auto write = [&](const Piece& found) {
    return writer->WriteChunks(ChunksIn(found, layout));
  };
  CopyPieces(source, layout.shape, piece, element_bytes, plan.max_threads, write, progress);
  Check(writer->Finish());
  Commit(*file);
}
#endif

}  // namespace ndarray::tools
