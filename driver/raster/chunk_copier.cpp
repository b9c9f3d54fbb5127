#include "driver/raster/chunk_copier.h"

#include <algorithm>
#include <future>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace ndarray {
namespace {

// Read from the source at a time; two such pieces are in memory, and one more of compressed chunks.
constexpr int64_t kPieceBytes = int64_t{32} << 20;

// Some chunks that lie side by side, and the memory for their elements.
struct Piece {
  int first_band = 0, bands = 0;
  int x = 0, y = 0, width = 0, height = 0;
  std::vector<char> elements;
};

class ChunkCopier {
 public:
  ChunkCopier(const NewArray& array, const PieceReader& read, B2ndWriter& writer)
      : array_(array), read_(read), writer_(writer), layout_(writer.layout()) {
    const auto axis = [&](char letter) {
      const size_t at = array.axes.find(letter);
      return at == std::string::npos ? -1 : static_cast<int>(at);
    };
    band_axis_ = axis('B');
    y_axis_ = axis('Y');
    x_axis_ = axis('X');
  }

  CopyResult Copy(const Progress& progress) {
    const auto [x_step, y_step, band_step] = PieceShape();
    const double all = static_cast<double>(array_.bands) * array_.height * array_.width;
    double done = 0;
    Piece pieces[2];
    std::future<Status> compressing;
    int current = 0;
    // Files are written chunk row by chunk row, all bands of one before the next where the source
    // has them together.
    for (int64_t y = 0; y < array_.height; y += y_step) {
      for (int64_t band = 0; band < array_.bands; band += band_step) {
        for (int64_t x = 0; x < array_.width; x += x_step) {
          Piece& piece = pieces[current];
          piece.first_band = static_cast<int>(band);
          piece.bands = static_cast<int>(std::min(band_step, array_.bands - band));
          piece.x = static_cast<int>(x);
          piece.y = static_cast<int>(y);
          piece.width = static_cast<int>(std::min<int64_t>(x_step, array_.width - x));
          piece.height = static_cast<int>(std::min<int64_t>(y_step, array_.height - y));
          const CPLErr read = Read(piece);
          Status written = Finished(compressing);
          if (!written.ok()) return {Outcome::kWriteFailed, std::move(written)};
          if (read != CE_None) return {Outcome::kReadFailed, {}};
          compressing = Start(piece);
          current = 1 - current;
          done += static_cast<double>(piece.bands) * piece.height * piece.width;
          if (!progress(done / all)) {
            static_cast<void>(Finished(compressing));
            return {Outcome::kInterrupted, {}};
          }
        }
      }
    }
    Status written = Finished(compressing);
    if (!written.ok()) return {Outcome::kWriteFailed, std::move(written)};
    return {Outcome::kDone, {}};
  }

 private:
  using Outcome = CopyResult::Outcome;

  static int64_t Along(int axis, const AxisVector& shape) { return axis < 0 ? 1 : shape[axis]; }

  static Status Finished(std::future<Status>& compressing) {
    return compressing.valid() ? compressing.get() : Status();
  }

  struct Steps {
    int64_t x, y, bands;
  };

  // Whole chunks: as many side by side as fit; where that is all of them, lines of them and bands,
  // so that each thread has some, and the next piece is read meanwhile.
  Steps PieceShape() const {
    constexpr int64_t kChunksPerThread = 2;
    Steps steps{layout_.chunk_shape[x_axis_], Along(y_axis_, layout_.chunk_shape),
                Along(band_axis_, layout_.chunk_shape)};
    int64_t bytes = steps.x * steps.y * steps.bands * layout_.element.element_bytes;
    const int64_t few_bytes =
        std::min(kPieceBytes, bytes * kChunksPerThread * std::max(array_.max_threads, 1));
    const auto grow = [&](int64_t& step, int64_t length, int64_t max_bytes) {
      const int64_t times = std::clamp<int64_t>(max_bytes / bytes, 1, (length + step - 1) / step);
      step *= times;
      bytes *= times;
      return step >= length;
    };
    if (grow(steps.x, array_.width, kPieceBytes) && grow(steps.y, array_.height, few_bytes)) {
      grow(steps.bands, array_.bands, few_bytes);
    }
    return steps;
  }

  // Strides in bytes of a piece's elements, which lie as the array's axes.
  AxisVector Strides(const Piece& piece) const {
    AxisVector strides(layout_.shape.size());
    int64_t stride = layout_.element.element_bytes;
    for (int axis = strides.size() - 1; axis >= 0; --axis) {
      strides[axis] = stride;
      stride *= axis == band_axis_ ? piece.bands : axis == y_axis_ ? piece.height : piece.width;
    }
    return strides;
  }

  CPLErr Read(Piece& piece) {
    const auto size_bytes = static_cast<size_t>(int64_t{piece.bands} * piece.height * piece.width *
                                                layout_.element.element_bytes);
    if (piece.elements.size() < size_bytes) piece.elements.resize(size_bytes);
    const AxisVector strides = Strides(piece);
    return read_({piece.first_band, piece.bands, piece.x, piece.y, piece.width, piece.height,
                  piece.elements.data(), strides[x_axis_],
                  y_axis_ < 0 ? strides[x_axis_] * piece.width : strides[y_axis_],
                  band_axis_ < 0 ? 0 : strides[band_axis_]});
  }

  // Elsewhere, if there is another thread to be had.
  std::future<Status> Start(const Piece& piece) {
    const auto compress = [this, &piece] { return Compress(piece); };
    try {
      return std::async(std::launch::async, compress);
    } catch (const std::system_error&) {
      return std::async(std::launch::deferred, compress);
    }
  }

  Status Compress(const Piece& piece) {
    const AxisVector strides = Strides(piece);
    const int64_t width = layout_.chunk_shape[x_axis_];
    const int64_t height = Along(y_axis_, layout_.chunk_shape);
    const int64_t depth = Along(band_axis_, layout_.chunk_shape);
    std::vector<B2ndWriter::Chunk> chunks;
    for (int64_t y = 0; y < piece.height; y += height) {
      for (int64_t band = 0; band < piece.bands; band += depth) {
        for (int64_t x = 0; x < piece.width; x += width) {
          AxisVector place(layout_.shape.size());
          int64_t offset = x * strides[x_axis_];
          place[x_axis_] = (piece.x + x) / width;
          if (y_axis_ >= 0) {
            place[y_axis_] = (piece.y + y) / height;
            offset += y * strides[y_axis_];
          }
          if (band_axis_ >= 0) {
            place[band_axis_] = (piece.first_band + band) / depth;
            offset += band * strides[band_axis_];
          }
          chunks.push_back(
              {GridNumber(layout_.chunk_grid, place), {piece.elements.data() + offset, strides}});
        }
      }
    }
    return writer_.WriteChunks(chunks);
  }

  const NewArray& array_;
  const PieceReader& read_;
  B2ndWriter& writer_;
  const B2ndLayout& layout_;
  int band_axis_, y_axis_, x_axis_;
};

}  // namespace

CopyResult CopyChunks(const NewArray& array, const PieceReader& read, B2ndWriter& writer,
                      const Progress& progress) {
  return ChunkCopier(array, read, writer).Copy(progress);
}

}  // namespace ndarray
