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

}  // namespace

bool IsPlainRequest(int x, int y, int width, int height, int buffer_width, int buffer_height,
                    const GDALRasterIOExtraArg* extra) {
  if (width != buffer_width || height != buffer_height) return false;
  return extra == nullptr || !extra->bFloatingPointWindowValidity ||
         (extra->dfXOff == x && extra->dfYOff == y && extra->dfXSize == width &&
          extra->dfYSize == height);
}

std::vector<std::byte> ToElement(const BandType& type, const void* value, GDALDataType value_type) {
  std::vector<std::byte> element(static_cast<size_t>(PixelBytes(type.gdal)));
  BufferToLine(type, reinterpret_cast<char*>(element.data()), static_cast<const char*>(value),
               value_type, 0, 1);
  return element;
}

namespace {

// How far to go from `at`: at most `max_step`, and not past a border of read chunks if one is
// within reach, so that the next step does not read the same one again.
int64_t StepTo(int64_t at, int64_t rest, int64_t max_step, int64_t read_chunk) {
  if (rest <= max_step) return rest;
  const int64_t border = (at + max_step) / read_chunk * read_chunk;
  return border > at ? border - at : max_step;
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
    : array_(std::move(array)),
      writable_(array_->writable()),
      axes_(std::move(axes)),
      max_threads_(max_threads) {}

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

ReadTarget WindowIo::Target(const WindowRequest& request, const Run& run, void* data,
                            GSpacing pixel_space, GSpacing line_space, GSpacing band_space) const {
  ReadTarget target;
  target.field = run.first.field;
  target.box = WindowBox(request.x, request.y, request.width, request.height, run.first.index,
                         run.first.index + run.count);
  target.to = {data, AxisVector(target.box.start.size(), 0)};
  if (axes_.band >= 0) target.to.strides_bytes[axes_.band] = band_space;
  if (axes_.y >= 0) target.to.strides_bytes[axes_.y] = line_space;
  target.to.strides_bytes[axes_.x] = pixel_space;
  return target;
}

// The longest runs of neighbours, each in one direction.
std::vector<WindowIo::Run> WindowIo::Runs(const WindowRequest& request, const BandSource* bands,
                                          int count) const {
  std::vector<Run> runs;
  for (int band = 0; band < count;) {
    const BandSource& start = bands[band];
    int length = 1;
    int64_t direction = 0;
    while (band + length < count && bands[band + length].field == start.field) {
      const int64_t step = bands[band + length].index - bands[band + length - 1].index;
      if ((step != 1 && step != -1) || (direction != 0 && step != direction)) break;
      direction = step;
      ++length;
    }
    Run run{start,
            length,
            static_cast<char*>(request.data) + band * request.band_space,
            request.band_space,
            static_cast<int64_t>(array_->info().fields[start.field].dtype.size_bytes()),
            IsConverted(request, start)};
    if (direction < 0) {  // the same run seen from its other end
      run.first = bands[band + length - 1];
      run.data += (length - 1) * request.band_space;
      run.band_space = -request.band_space;
    }
    runs.push_back(run);
    band += length;
  }
  return runs;
}

bool WindowIo::BandsShareGranules() const {
  const ArrayInfo& info = array_->info();
  return info.fields.size() > 1 || axes_.Count(info.read_chunk, axes_.band) > 1;
}

// About kConversionBytes, in whole read chunks where they fit, so that nothing is read twice. Runs
// that are moved together keep all their bands.
WindowIo::PieceSize WindowIo::ConversionPiece(const WindowRequest& request, const Run* runs,
                                              size_t count) const {
  const AxisVector& read_chunk = array_->info().read_chunk;
  int64_t max_bands = 0;
  int64_t element_bytes = 1;
  for (size_t i = 0; i < count; ++i) {
    max_bands += runs[i].count;
    element_bytes = std::max(element_bytes, runs[i].element_bytes);
  }
  const int64_t budget = kConversionBytes / element_bytes;
  const int64_t min_bands = count > 1 ? max_bands : 1;
  PieceSize piece{std::max(min_bands, std::min(max_bands, axes_.Count(read_chunk, axes_.band))),
                  std::min<int64_t>(request.height, axes_.Count(read_chunk, axes_.y)),
                  std::min<int64_t>(request.width, axes_.Count(read_chunk, axes_.x))};
  const auto halve = [](int64_t& side) { side = (side + 1) / 2; };
  while (piece.bands * piece.lines * piece.width > budget) {
    if (piece.bands > min_bands) {
      halve(piece.bands);
    } else if (piece.lines > 1 || piece.width > 1) {
      halve(piece.lines >= piece.width ? piece.lines : piece.width);
    } else {
      break;
    }
  }
  const auto grow = [budget](int64_t& side, int64_t others, int64_t max_side) {
    side = std::min(max_side, std::max<int64_t>(budget / others / side, 1) * side);
  };
  grow(piece.width, piece.bands * piece.lines, request.width);
  grow(piece.lines, piece.bands * piece.width, request.height);
  if (count == 1) grow(piece.bands, piece.lines * piece.width, max_bands);
  return piece;
}

Status WindowIo::MoveGroup(const WindowRequest& request, const Run* runs, size_t count) const {
  std::vector<char> temporary;
  const bool direct =
      std::none_of(runs, runs + count, [](const Run& run) { return run.converted; });
  if (direct) return MovePiece(request, runs, count, temporary);

  const AxisVector& read_chunk = array_->info().read_chunk;
  const PieceSize max_size = ConversionPiece(request, runs, count);
  std::vector<Run> parts(runs, runs + count);
  const int64_t bands = count == 1 ? runs[0].count : 1;
  for (int64_t band = 0; band < bands; band += max_size.bands) {
    if (count == 1) {
      parts[0].first.index = runs[0].first.index + band;
      parts[0].count = std::min(max_size.bands, bands - band);
    }
    int64_t lines = 0;
    for (int64_t y = 0; y < request.height; y += lines) {
      lines = StepTo(request.y + y, request.height - y, max_size.lines,
                     axes_.Count(read_chunk, axes_.y));
      int64_t width = 0;
      for (int64_t x = 0; x < request.width; x += width) {
        width = StepTo(request.x + x, request.width - x, max_size.width,
                       axes_.Count(read_chunk, axes_.x));
        WindowRequest piece = request;
        piece.x += static_cast<int>(x);
        piece.y += static_cast<int>(y);
        piece.width = static_cast<int>(width);
        piece.height = static_cast<int>(lines);
        for (size_t i = 0; i < count; ++i) {
          parts[i].data = runs[i].data + band * runs[i].band_space + y * request.line_space +
                          x * request.pixel_space;
        }
        Status status = MovePiece(piece, parts.data(), count, temporary);
        if (!status.ok()) return status;
      }
    }
  }
  return {};
}

// One whose converted runs fit the temporary together.
Status WindowIo::MovePiece(const WindowRequest& request, const Run* runs, size_t count,
                           std::vector<char>& temporary) const {
  const int64_t plane = int64_t{request.width} * request.height;
  std::vector<ReadTarget> targets;
  std::vector<size_t> starts;
  size_t size = 0;
  for (size_t i = 0; i < count; ++i) {
    starts.push_back(size);
    if (runs[i].converted) {
      size += static_cast<size_t>(runs[i].count * plane * runs[i].element_bytes);
    }
  }
  if (temporary.size() < size) temporary.resize(size);
  for (size_t i = 0; i < count; ++i) {
    const Run& run = runs[i];
    const int64_t bytes = run.element_bytes;
    targets.push_back(run.converted ? Target(request, run, temporary.data() + starts[i], bytes,
                                             bytes * request.width, bytes * plane)
                                    : Target(request, run, run.data, request.pixel_space,
                                             request.line_space, run.band_space));
  }
  const auto convert = [&] {
    for (size_t i = 0; i < count; ++i) {
      if (runs[i].converted) Convert(request, runs[i], temporary.data() + starts[i]);
    }
  };
  if (request.direction == GF_Read) {
    Status status = array_->Read(targets);
    if (status.ok()) convert();
    return status;
  }
  if (writable_ == nullptr) {
    return Mismatch(
               StatusCode::kNotSupported, "write", "an array that is only read, in an archive",
               "a file of its own: gdal_ndarray convert '" + array_->path() + "' NEW makes one")
        .At(array_->path());
  }
  convert();
  for (const ReadTarget& target : targets) {
    Status status =
        writable_->Write(target.field, target.box, {target.to.data, target.to.strides_bytes});
    if (!status.ok()) return status;
  }
  return {};
}

// Between the temporary, which is packed, and the buffer.
void WindowIo::Convert(const WindowRequest& request, const Run& run, char* temporary) const {
  const int64_t line_bytes = run.element_bytes * request.width;
  const int64_t tasks = run.count * request.height;
  const int64_t threads = std::min<int64_t>(max_threads_, tasks * line_bytes / kMinBytesPerThread);
  ParallelFor(tasks, static_cast<int>(threads), [&](int64_t task) {
    const int64_t band = task / request.height;
    const int64_t line = task % request.height;
    char* const stored = temporary + task * line_bytes;
    char* const buffer = run.data + band * run.band_space + line * request.line_space;
    if (request.direction == GF_Read) {
      LineToBuffer(run.first.type, stored, buffer, request.type, request.pixel_space,
                   request.width);
    } else {
      BufferToLine(run.first.type, stored, buffer, request.type, request.pixel_space,
                   request.width);
    }
  });
}

Status WindowIo::Transfer(const WindowRequest& request, const BandSource* bands, int count,
                          const ProgressFn& progress) const {
  // Most windows, of which small ones should cost no more than they must.
  if (count == 1 && request.direction == GF_Read && !progress && !IsConverted(request, *bands)) {
    const Run run{*bands, 1, static_cast<char*>(request.data), 0, 0, false};
    return array_->Read(Target(request, run, run.data, request.pixel_space, request.line_space, 0));
  }
  const int64_t read_chunk = axes_.Count(array_->info().read_chunk, axes_.y);
  int64_t max_lines = request.height;
  if (progress) {
    const int64_t line_bytes = PixelBytes(request.type) * request.width * count;
    max_lines = std::max<int64_t>(kBytesPerStep / line_bytes / read_chunk, 1) * read_chunk;
  }
  int64_t lines = 0;
  for (int64_t first = 0; first < request.height; first += lines) {
    lines = StepTo(request.y + first, request.height - first, max_lines, read_chunk);
    const WindowRequest part = Lines(request, first, lines);
    const std::vector<Run> runs = Runs(part, bands, count);
    const size_t group = BandsShareGranules() ? runs.size() : 1;
    for (size_t i = 0; i < runs.size(); i += group) {
      Status status = MoveGroup(part, &runs[i], group);
      if (!status.ok()) return status;
    }
    Status status = ReportProgress(progress, static_cast<double>(first + lines) / request.height);
    if (!status.ok()) return status.At(array_->path());
  }
  return {};
}

}  // namespace ndarray
