#include "driver/raster/window_io.h"

#include <algorithm>
#include <climits>
#include <vector>

#include "driver/store/thread_pool.h"

namespace ndarray {
namespace {

// Between two calls of a progress callback.
constexpr int64_t kBytesPerStep = int64_t{32} << 20;
// The temporary of a conversion; large enough to keep all threads busy, small enough to stay
// cached.
constexpr int64_t kConversionBytes = int64_t{4} << 20;
constexpr int64_t kMinBytesPerThread = int64_t{256} << 10;

// Converts `count` pixels between any two types and spacings.
void CopyPixels(const void* from, GDALDataType from_type, GSpacing from_space, void* to,
                GDALDataType to_type, GSpacing to_space, int64_t count) {
  const auto fits = [](GSpacing space) { return space >= INT_MIN && space <= INT_MAX; };
  if (fits(from_space) && fits(to_space)) {
    GDALCopyWords64(from, from_type, static_cast<int>(from_space), to, to_type,
                    static_cast<int>(to_space), count);
    return;
  }
  for (int64_t i = 0; i < count; ++i) {
    GDALCopyWords64(static_cast<const char*>(from) + i * from_space, from_type, 0,
                    static_cast<char*>(to) + i * to_space, to_type, 0, 1);
  }
}

// Pixels of half precision where GDAL has no such type: by way of single precision, in pieces.
template <typename Step>
void InPieces(int64_t count, const Step& step) {
  constexpr int64_t kPiece = 1024;
  float piece[kPiece];
  for (int64_t i = 0; i < count; i += kPiece) step(piece, i, std::min(kPiece, count - i));
}

void LineToBuffer(const BandType& type, const char* line, char* buffer, GDALDataType buffer_type,
                  GSpacing space, int64_t count) {
  if (!type.promoted) {
    return CopyPixels(line, type.gdal, PixelBytes(type.gdal), buffer, buffer_type, space, count);
  }
  InPieces(count, [&](float* piece, int64_t start, int64_t n) {
    HalfToFloat(line + 2 * start, piece, static_cast<size_t>(n));
    CopyPixels(piece, GDT_Float32, sizeof(float), buffer + start * space, buffer_type, space, n);
  });
}

void BufferToLine(const BandType& type, char* line, const char* buffer, GDALDataType buffer_type,
                  GSpacing space, int64_t count) {
  if (!type.promoted) {
    return CopyPixels(buffer, buffer_type, space, line, type.gdal, PixelBytes(type.gdal), count);
  }
  InPieces(count, [&](float* piece, int64_t start, int64_t n) {
    CopyPixels(buffer + start * space, buffer_type, space, piece, GDT_Float32, sizeof(float), n);
    FloatToHalf(piece, line + 2 * start, static_cast<size_t>(n));
  });
}

WindowRequest Lines(const WindowRequest& request, int64_t first, int64_t count) {
  WindowRequest part = request;
  part.y += static_cast<int>(first);
  part.height = static_cast<int>(count);
  part.data = static_cast<char*>(request.data) + first * request.line_space;
  return part;
}

}  // namespace

WindowIo::WindowIo(std::shared_ptr<Array> array, Axes axes, int max_threads)
    : array_(std::move(array)), axes_(std::move(axes)), max_threads_(max_threads) {}

Box WindowIo::WindowBox(int x, int y, int width, int height, int64_t first_band,
                        int64_t last_band) const {
  const int rank = array_->info().shape.size();
  Box box{AxisVector(rank), AxisVector(rank)};
  const auto set = [&box](int axis, int64_t start, int64_t stop) {
    if (axis < 0) return;
    box.start[axis] = start;
    box.stop[axis] = stop;
  };
  for (int axis = 0; axis < axes_.index.size(); ++axis) {
    set(axis, axes_.index[axis], axes_.index[axis] + 1);
  }
  set(axes_.band, first_band, last_band);
  set(axes_.y, y, int64_t{y} + height);
  set(axes_.x, x, int64_t{x} + width);
  return box;
}

Status WindowIo::MoveDirectly(const WindowRequest& request, const Run& run) const {
  const Box box = WindowBox(request.x, request.y, request.width, request.height, run.first.index,
                            run.first.index + run.count);
  AxisVector strides(box.start.size(), 0);
  if (axes_.band >= 0) strides[axes_.band] = request.band_space;
  if (axes_.y >= 0) strides[axes_.y] = request.line_space;
  strides[axes_.x] = request.pixel_space;
  return request.direction == GF_Read
             ? array_->Read(run.first.field, box, {request.data, strides})
             : array_->Write(run.first.field, box, {request.data, strides});
}

// About kConversionBytes, in whole granules where they fit, so that nothing is read twice.
WindowIo::Piece WindowIo::ConversionPiece(const WindowRequest& request, const Run& run) const {
  const ArrayInfo& info = array_->info();
  const auto element_bytes = static_cast<int64_t>(info.fields[run.first.field].dtype.size_bytes());
  const int64_t budget = kConversionBytes / element_bytes;
  Piece piece{std::min(run.count, axes_.Count(info.granule, axes_.band)),
              std::min<int64_t>(request.height, axes_.Count(info.granule, axes_.y)),
              std::min<int64_t>(request.width, axes_.Count(info.granule, axes_.x))};
  const auto halve = [](int64_t& side) { side = (side + 1) / 2; };
  while (piece.bands * piece.lines * piece.width > budget) {
    halve(piece.bands > 1 ? piece.bands : piece.lines >= piece.width ? piece.lines : piece.width);
  }
  const auto grow = [budget](int64_t& side, int64_t others, int64_t most) {
    side = std::min(most, std::max<int64_t>(budget / others / side, 1) * side);
  };
  grow(piece.width, piece.bands * piece.lines, request.width);
  grow(piece.lines, piece.bands * piece.width, request.height);
  grow(piece.bands, piece.lines * piece.width, run.count);
  return piece;
}

Status WindowIo::MoveConverted(const WindowRequest& request, const Run& run) const {
  const Piece most = ConversionPiece(request, run);
  const auto element_bytes =
      static_cast<int64_t>(array_->info().fields[run.first.field].dtype.size_bytes());
  std::vector<char> temporary(
      static_cast<size_t>(most.bands * most.lines * most.width * element_bytes));
  for (int64_t band = 0; band < run.count; band += most.bands) {
    Run bands = run;
    bands.first.index += band;
    bands.count = std::min(most.bands, run.count - band);
    for (int64_t y = 0; y < request.height; y += most.lines) {
      for (int64_t x = 0; x < request.width; x += most.width) {
        WindowRequest piece = request;
        piece.x += static_cast<int>(x);
        piece.y += static_cast<int>(y);
        piece.width = static_cast<int>(std::min(most.width, request.width - x));
        piece.height = static_cast<int>(std::min(most.lines, request.height - y));
        piece.data = static_cast<char*>(request.data) + band * request.band_space +
                     y * request.line_space + x * request.pixel_space;
        Status status = ConvertPiece(piece, bands, temporary.data());
        if (!status.ok()) return status;
      }
    }
  }
  return {};
}

// A piece that fits the temporary.
Status WindowIo::ConvertPiece(const WindowRequest& request, const Run& run, char* temporary) const {
  const BandType& type = run.first.type;
  const auto element_bytes =
      static_cast<int64_t>(array_->info().fields[run.first.field].dtype.size_bytes());
  WindowRequest packed = request;
  packed.data = temporary;
  packed.pixel_space = element_bytes;
  packed.line_space = element_bytes * request.width;
  packed.band_space = packed.line_space * request.height;

  const int64_t tasks = run.count * request.height;
  const int64_t threads =
      std::min<int64_t>(max_threads_, tasks * packed.line_space / kMinBytesPerThread);
  const auto convert = [&](int64_t task) {
    const int64_t band = task / request.height;
    const int64_t line = task % request.height;
    char* const stored = temporary + band * packed.band_space + line * packed.line_space;
    char* const buffer =
        static_cast<char*>(request.data) + band * request.band_space + line * request.line_space;
    if (request.direction == GF_Read) {
      LineToBuffer(type, stored, buffer, request.type, request.pixel_space, request.width);
    } else {
      BufferToLine(type, stored, buffer, request.type, request.pixel_space, request.width);
    }
  };
  if (request.direction == GF_Write) ParallelFor(tasks, static_cast<int>(threads), convert);
  Status status = MoveDirectly(packed, run);
  if (status.ok() && request.direction == GF_Read) {
    ParallelFor(tasks, static_cast<int>(threads), convert);
  }
  return status;
}

Status WindowIo::TransferRun(const WindowRequest& request, const Run& run) const {
  const bool direct = request.type == run.first.type.gdal && !run.first.type.promoted;
  return direct ? MoveDirectly(request, run) : MoveConverted(request, run);
}

WindowIo::Result WindowIo::Transfer(const WindowRequest& request, const BandSource* bands,
                                    int count, const Progress& progress) const {
  int64_t lines_per_step = request.height;
  if (progress) {
    const int64_t line_bytes = PixelBytes(request.type) * request.width * count;
    const int64_t granule = axes_.Count(array_->info().granule, axes_.y);
    const int64_t lines = std::max<int64_t>(kBytesPerStep / line_bytes / granule, 1) * granule;
    lines_per_step = std::min<int64_t>(lines, request.height);
  }
  for (int64_t first = 0; first < request.height; first += lines_per_step) {
    const WindowRequest part =
        Lines(request, first, std::min(lines_per_step, request.height - first));
    for (int band = 0; band < count;) {
      // The longest run of neighbours from here on, in one direction.
      const BandSource& start = bands[band];
      int length = 1;
      int64_t direction = 0;
      while (band + length < count && bands[band + length].field == start.field) {
        const int64_t step = bands[band + length].index - bands[band + length - 1].index;
        if ((step != 1 && step != -1) || (direction != 0 && step != direction)) break;
        direction = step;
        ++length;
      }
      WindowRequest run_request = part;
      run_request.data = static_cast<char*>(part.data) + band * part.band_space;
      Run run{start, length};
      if (direction < 0) {  // the same run seen from its other end
        run.first = bands[band + length - 1];
        run_request.data = static_cast<char*>(run_request.data) + (length - 1) * part.band_space;
        run_request.band_space = -part.band_space;
      }
      Status status = TransferRun(run_request, run);
      if (!status.ok()) return {Outcome::kFailed, status};
      band += length;
    }
    if (progress && !progress(static_cast<double>(first + part.height) / request.height)) {
      return {Outcome::kInterrupted, {}};
    }
  }
  return {Outcome::kDone, {}};
}

}  // namespace ndarray
