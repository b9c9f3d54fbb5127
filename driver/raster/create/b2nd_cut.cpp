#include "driver/raster/create/b2nd_cut.h"

#include <cpl_string.h>

#include <algorithm>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "driver/raster/create/option_words.h"
#include "driver/store/checked_math.h"

namespace ndarray {
namespace {

constexpr int64_t kBlockSide = 128;
constexpr int64_t kChunkSide = 1024;
constexpr int64_t kMaxBlockBytes = int64_t{512} << 10;  // by default: all bands may be many
constexpr int64_t kMaxChunkBytes = int64_t{64} << 20;   // by default
// Sizes of chunks and blocks that were enlarged. Two blocks of 32 KB take ZSTD half as long again
// as one of 64 KB, and 6 % more space.
constexpr int64_t kGrownBlockBytes = int64_t{64} << 10;
constexpr int64_t kGrownChunkBytes = int64_t{2} << 20;
constexpr int64_t kManyChunks = int64_t{1} << 16;

int64_t CeilDiv(int64_t value, int64_t divisor) { return (value - 1) / divisor + 1; }

bool IsAnyGiven(StringList options, std::initializer_list<const char*> names) {
  return std::any_of(names.begin(), names.end(),
                     [&](const char* name) { return CSLFetchNameValue(options, name) != nullptr; });
}

class Cutter {
 public:
  Cutter(const NewArray& array, StringList options, int64_t side_of_bytes)
      : array_(array),
        options_(options),
        bands_last_(array.axes.back() == 'B'),
        pixel_bytes_(array.element_bytes() * (bands_last_ ? array.bands : 1)),
        usual_block_side_(array.element_bytes() == 1 ? side_of_bytes : kBlockSide) {
    for (const char letter : {'X', 'Y', 'B'}) {
      const size_t axis = array.axes.find(letter);
      if (axis != std::string::npos) growth_order_.push_back(static_cast<int>(axis));
    }
    for (int axis = array.shape.size() - 1; axis >= 0; --axis) {
      if (Letter(axis) == kPlanes) growth_order_.push_back(axis);
    }
  }

  Result<B2ndCut> Cut() {
    Status status = CutBlock();
    if (status.ok()) status = CutChunk();
    if (!status.ok()) return status;
    return cut_;
  }

 private:
  char Letter(int axis) const { return array_.axes[static_cast<size_t>(axis)]; }

  static bool IsSide(char letter) { return letter == 'X' || letter == 'Y'; }

  // What one of the options says of x or y.
  Result<int64_t> SideOption(const char* what, char letter, int64_t otherwise) const {
    const std::string name = std::string(what) + letter + "SIZE";
    return NumberOption(options_, name.c_str(), 1, INT32_MAX, otherwise);
  }

  Status CutBlock() {
    int64_t side = usual_block_side_;
    while (side > 16 && side * side * pixel_bytes_ > kMaxBlockBytes) side /= 2;
    min_chunk_side_ = side;
    for (int axis = 0; axis < array_.shape.size(); ++axis) {
      const char letter = Letter(axis);
      cut_.block.push_back(letter == 'B' && bands_last_ ? array_.bands : 1);
      if (!IsSide(letter)) continue;
      Result<int64_t> count =
          SideOption("BLOCK", letter, std::min<int64_t>(side, array_.shape[axis]));
      if (!count.ok()) return count.status();
      cut_.block[axis] = *count;
    }
    const bool sides_grow =
        !IsAnyGiven(options_, {"BLOCKXSIZE", "BLOCKYSIZE", "CHUNKXSIZE", "CHUNKYSIZE"});
    Grow(usual_block_side_, kGrownBlockBytes, sides_grow, cut_.block);
    if (sides_grow) {
      for (int axis = 0; axis < array_.shape.size(); ++axis) {
        cut_.block[axis] = std::min(cut_.block[axis], array_.shape[axis]);
      }
    }
    return {};
  }

  // Sides are longer where there would be very many chunks.
  Status CutChunk() {
    int64_t side = kChunkSide;
    while (side > min_chunk_side_ && side * side * pixel_bytes_ > kMaxChunkBytes) side /= 2;
    Status status = CutChunk(side);
    while (status.ok() && ChunkCount() > kManyChunks &&
           4 * side * side * pixel_bytes_ <= kMaxChunkBytes) {
      side *= 2;
      status = CutChunk(side);
    }
    return status;
  }

  Status CutChunk(int64_t side) {
    cut_.chunk = cut_.block;
    for (int axis = 0; axis < array_.shape.size(); ++axis) {
      const char letter = Letter(axis);
      if (!IsSide(letter)) continue;
      const int64_t block = cut_.block[axis];
      const int64_t blocks =
          std::max<int64_t>(std::min(side / block, CeilDiv(array_.shape[axis], block)), 1);
      Result<int64_t> count = SideOption("CHUNK", letter, blocks * block);
      if (!count.ok()) return count.status();
      if (*count % block != 0) {
        return Mismatch(
            StatusCode::kInvalidArgument, std::string("CHUNK") + letter + "SIZE",
            std::to_string(*count),
            "a multiple of blocks " + std::to_string(block) + (letter == 'X' ? " wide" : " high"));
      }
      cut_.chunk[axis] = *count;
    }
    const int64_t times = std::max<int64_t>(side / kChunkSide, 1);
    Grow(kChunkSide * times, kGrownChunkBytes * times * times,
         !IsAnyGiven(options_, {"CHUNKXSIZE", "CHUNKYSIZE"}), cut_.chunk);
    return {};
  }

  int64_t ChunkCount() const {
    AxisVector grid = array_.shape;
    for (int axis = 0; axis < grid.size(); ++axis) {
      grid[axis] = CeilDiv(grid[axis], cut_.chunk[axis]);
    }
    return CheckedProduct(grid).value_or(INT64_MAX);
  }

  // Grows a box that is less than half as large as a square of that side by whole multiples of
  // itself to at most that many bytes, along each axis only where it covers all axes before. x and
  // y stay as they are unless sides grow.
  void Grow(int64_t usual_side, int64_t max_bytes, bool sides_grow, AxisVector& box) const {
    auto bytes = CheckedProduct(box);
    if (bytes) bytes = CheckedMultiply(*bytes, array_.element_bytes());
    if (!bytes) return;  // which is an error later on
    const int64_t usual_bytes = usual_side * usual_side * array_.element_bytes();
    if (*bytes > std::min(usual_bytes, max_bytes) / 2) return;
    for (const int axis : growth_order_) {
      if (sides_grow || !IsSide(Letter(axis))) {
        const int64_t times =
            std::clamp<int64_t>(max_bytes / *bytes, 1, CeilDiv(array_.shape[axis], box[axis]));
        box[axis] *= times;
        *bytes *= times;
      }
      if (box[axis] < array_.shape[axis]) return;
    }
  }

  const NewArray& array_;
  const StringList options_;
  const bool bands_last_;
  const int64_t pixel_bytes_;  // of what lies together in the array: all bands, where they are last
  const int64_t usual_block_side_;
  int64_t min_chunk_side_ = 0;
  std::vector<int> growth_order_;
  B2ndCut cut_;
};

}  // namespace

Result<B2ndCut> CutB2nd(const NewArray& array, StringList options, int64_t side_of_bytes) {
  if (!array.source_chunk.empty() &&
      !IsAnyGiven(options, {"BLOCKXSIZE", "BLOCKYSIZE", "CHUNKXSIZE", "CHUNKYSIZE"})) {
    return B2ndCut{array.source_chunk, array.source_block};
  }
  return Cutter(array, options, side_of_bytes).Cut();
}

}  // namespace ndarray
