#include "driver/raster/mask/all_valid_mask.h"

#include <climits>
#include <cstring>

namespace ndarray {
namespace {

constexpr GByte kValid = 255;

}  // namespace

AllValidMask::AllValidMask(int width, int height, int block_width, int block_height) {
  eDataType = GDT_Byte;
  nRasterXSize = width;
  nRasterYSize = height;
  nBlockXSize = block_width;
  nBlockYSize = block_height;
}

CPLErr AllValidMask::IReadBlock(int, int, void* data) {
  std::memset(data, kValid, static_cast<size_t>(nBlockXSize) * static_cast<size_t>(nBlockYSize));
  return CE_None;
}

CPLErr AllValidMask::IRasterIO(GDALRWFlag direction, int, int, int, int, void* data,
                               int buffer_width, int buffer_height, GDALDataType type,
                               GSpacing pixel_space, GSpacing line_space, GDALRasterIOExtraArg*) {
  if (direction == GF_Write || pixel_space > INT_MAX || pixel_space < INT_MIN) return CE_Failure;
  for (int line = 0; line < buffer_height; ++line) {
    GDALCopyWords64(&kValid, GDT_Byte, 0, static_cast<char*>(data) + line * line_space, type,
                    static_cast<int>(pixel_space), buffer_width);
  }
  return CE_None;
}

}  // namespace ndarray
