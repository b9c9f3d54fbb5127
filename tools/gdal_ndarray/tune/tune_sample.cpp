#include "tools/gdal_ndarray/tune/tune_sample.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

namespace ndarray::tools {
namespace {

constexpr double kMaxBytes = 256 << 20;

// The multiple of `side` nearest to `length`, one at least, but not more than `max`.
int UpTo(double length, int side, int max) {
  return static_cast<int>(std::min<double>(std::max(std::round(length / side), 1.0) * side, max));
}

}  // namespace

Sample::Sample(GDALDataset& source, GDALDataType pixel_type, const Reading& access,
               double target_bytes, double deadline)
    : image{source.GetRasterXSize(), source.GetRasterYSize(), source.GetRasterCount()},
      type(pixel_type),
      extent(image),
      window_bytes(access.WindowOf(image).pixels() * GDALGetDataTypeSizeBytes(type)) {
  // Some windows must fit, or windows of the sample are no windows of the image.
  const double wanted_bytes = std::clamp(6 * window_bytes, target_bytes, 3 * target_bytes);
  const double pixels = wanted_bytes / GDALGetDataTypeSizeBytes(type) / image.bands;
  // Nearly all of it in squares is no easier than all.
  const bool whole = pixels >= 0.8 * image.width * image.height;
  if (!whole) {
    // Many small squares stand for an image better than few large ones, but blocks should fit in.
    while (side > 256 && pixels / side / side < 48) side /= 2;
    while (side > 16 && pixels / side / side < 4) side /= 2;
    const double width = access.kind == Reading::kRows
                             ? pixels / std::max(2 * Reading::kLines, side)
                             : std::max(std::sqrt(pixels), pixels / image.height);
    extent.width = UpTo(width, side, image.width);
    extent.height = UpTo(pixels / extent.width, side, image.height);
  }
  window_scale = access.WindowOf(image).pixels() / access.WindowOf(extent).pixels();
  if (bytes() > kMaxBytes) {
    throw Failure("bands: found " + std::to_string(image.bands) + ", too many to try");
  }
  GDALDriver* const driver = GetGDALDriverManager()->GetDriverByName("MEM");
  if (driver == nullptr) throw Failure("GDAL has no driver MEM");
  ForgetGdalErrors();
  dataset.reset(driver->Create("", extent.width, extent.height, extent.bands, type, nullptr));
  if (dataset == nullptr) ThrowGdalFailure("cannot make a raster in memory");
  Fill(source, whole, deadline);
  std::mt19937_64 random(20);
  while (turns.size() < kTurns) turns.push_back(access.Places(extent, kMaxWindows, random));
}

void Sample::Fill(GDALDataset& source, bool whole, double deadline) {
  const int columns = (extent.width + side - 1) / side;
  const int64_t count = int64_t{columns} * ((extent.height + side - 1) / side);
  int64_t step = static_cast<int64_t>(0.618 * static_cast<double>(count)) + 1;
  while (std::gcd(step, count) > 1) ++step;
  const auto square = [&](int64_t turn) {
    const int x = static_cast<int>(turn * step % count % columns) * side;
    const int y = static_cast<int>(turn * step % count / columns) * side;
    const int width = std::min({side, extent.width - x, image.width});
    return Window{x, y, width, std::min({side, extent.height - y, image.height}), 0, image.bands};
  };
  const auto place = [&](double turn, int length, int size) {
    const int cells = std::max(length / side, 1);
    return std::min(static_cast<int>((turn - std::floor(turn)) * cells) * side, length - size);
  };
  for (int64_t i = 0; i < count; ++i) {
    const Window to = square(i);
    Window from = to;
    if (i > 0 && Now() > deadline) {
      from = square(i % squares);
      if (from.width < to.width || from.height < to.height) from = square(0);
      Copy(*dataset, from, to);
      continue;
    }
    if (!whole) {
      // As the golden section does on a line, the plastic number scatters evenly in the plane.
      from.x = place(0.5 + 0.7548776662466927 * static_cast<double>(i), image.width, to.width);
      from.y = place(0.5 + 0.5698402909980532 * static_cast<double>(i), image.height, to.height);
    }
    Copy(source, from, to);
    ++squares;
    pixels_read += static_cast<double>(to.width) * to.height;
  }
}

void Sample::Copy(GDALDataset& source, const Window& from, const Window& to) {
  const std::unique_ptr<std::byte[]> pixels(
      new std::byte[static_cast<size_t>(to.width) * static_cast<size_t>(to.height) *
                    static_cast<size_t>(image.bands * GDALGetDataTypeSizeBytes(type))]);
  GDALRasterIOExtraArg extra;
  INIT_RASTERIO_EXTRA_ARG(extra);
  extra.pfnProgress = WatchForInterrupt;
  if (source.RasterIO(GF_Read, from.x, from.y, to.width, to.height, pixels.get(), to.width,
                      to.height, type, image.bands, nullptr, 0, 0, 0, &extra) != CE_None ||
      dataset->RasterIO(GF_Write, to.x, to.y, to.width, to.height, pixels.get(), to.width,
                        to.height, type, image.bands, nullptr, 0, 0, 0) != CE_None) {
    ThrowGdalFailure("cannot read", {source.GetDescription()});
  }
  StopIfInterrupted();
}

}  // namespace ndarray::tools
