// The blocks of an ArrayBand for clients that ask for GDAL's blocks: statistics, histograms,
// resampling. They are as small as those of the file, so that one alone costs little; who walks
// over the file gets its neighbours with it, since together several threads decode them.

#include <algorithm>
#include <cstring>
#include <memory>

#include "driver/raster/dataset/array_band.h"
#include "driver/raster/gdal_error.h"

namespace ndarray {

// Whether a block is wanted for GDAL's cache, by someone who has just read a block of the same
// group or of the one before. Clients that take some blocks out of many get those only.
bool ArrayBand::IsWalkedOver(int block_x, int block_y, const void* data) {
  constexpr GIntBig kMinGroups = 16;  // that the cache has room for: else they go before their use
  if (group_columns_ == 1 && group_lines_ == 1) return false;
  const int64_t group_bytes = int64_t{group_columns_} * group_lines_ * nBlockXSize * nBlockYSize *
                              GDALGetDataTypeSizeBytes(eDataType);
  const int column = block_x / group_columns_;
  const int64_t groups_across = (nBlocksPerRow + group_columns_ - 1) / group_columns_;
  const int64_t group = block_y / group_lines_ * groups_across + column;
  const int64_t last = last_group_.exchange(group);
  const bool follows = last == group || (column > 0 && last == group - 1);
  if (!follows || group_bytes * kMinGroups > GDALGetCacheMax64()) return false;
  GDALRasterBlock* const cached = TryGetLockedBlockRef(block_x, block_y);
  if (cached == nullptr) return false;
  const bool is_for_cache = cached->GetDataRef() == data;
  cached->DropLock();
  return is_for_cache;
}

// The block, and those of its group that the cache has not, into the cache.
CPLErr ArrayBand::ReadGroup(int block_x, int block_y, void* data) {
  const auto pixel_bytes = static_cast<size_t>(GDALGetDataTypeSizeBytes(eDataType));
  const int first_column = block_x / group_columns_ * group_columns_;
  const int first_line = block_y / group_lines_ * group_lines_;
  WindowRequest request{};
  request.direction = GF_Read;
  request.x = first_column * nBlockXSize;
  request.y = first_line * nBlockYSize;
  request.width = std::min(group_columns_ * nBlockXSize, nRasterXSize - request.x);
  request.height = std::min(group_lines_ * nBlockYSize, nRasterYSize - request.y);
  request.type = eDataType;
  request.pixel_space = static_cast<GSpacing>(pixel_bytes);
  const size_t line_bytes = static_cast<size_t>(request.width) * pixel_bytes;
  request.line_space = static_cast<GSpacing>(line_bytes);
  return Guarded(CE_Failure, [&] {
    const std::unique_ptr<char[]> pixels(
        new char[line_bytes * static_cast<size_t>(request.height)]);
    request.data = pixels.get();
    const CPLErr read = Report(dataset().io_.Transfer(request, &source_, 1, nullptr));
    if (read != CE_None) return read;
    const auto fill = [&](int column, int line, void* block) {
      const int x = (column - first_column) * nBlockXSize;
      const int y = (line - first_line) * nBlockYSize;
      const auto width = static_cast<size_t>(std::min(nBlockXSize, request.width - x));
      const int height = std::min(nBlockYSize, request.height - y);
      for (int row = 0; row < height; ++row) {
        std::memcpy(static_cast<char*>(block) + row * (nBlockXSize * request.pixel_space),
                    pixels.get() + (y + row) * request.line_space + x * request.pixel_space,
                    width * pixel_bytes);
      }
    };
    fill(block_x, block_y, data);
    const int end_column = std::min(first_column + group_columns_, nBlocksPerRow);
    const int end_line = std::min(first_line + group_lines_, nBlocksPerColumn);
    for (int line = first_line; line < end_line; ++line) {
      for (int column = first_column; column < end_column; ++column) {
        if (column == block_x && line == block_y) continue;
        // What is there may have been written, and not yet be in the file.
        GDALRasterBlock* block = TryGetLockedBlockRef(column, line);
        if (block == nullptr) {
          block = GetLockedBlockRef(column, line, TRUE);
          if (block == nullptr) return CE_None;  // no room: it is read when it is asked for
          fill(column, line, block->GetDataRef());
        }
        block->DropLock();
      }
    }
    return CE_None;
  });
}

}  // namespace ndarray
