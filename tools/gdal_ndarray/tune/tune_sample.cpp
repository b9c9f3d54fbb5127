#include <algorithm>
#include <cmath>
#include <random>

#include "driver/raster/formats/array_format.h"
#include "tools/gdal_ndarray/source.h"
#include "tools/gdal_ndarray/tune/tune.h"

namespace ndarray::tools {
namespace {

constexpr double kMaxBytes = 256 << 20;

// The multiple of `side` nearest to `length`, one at least, but not more than `max`.
int UpTo(double length, int side, int max) {
  return static_cast<int>(std::min<double>(std::max(std::round(length / side), 1.0) * side, max));
}

// The square that a fraction of `length` is in.
int SquareAt(double fraction, int length, int side) {
  return static_cast<int>((fraction - std::floor(fraction)) * std::max(length / side, 1)) * side;
}

GDALDataType TypeInFile(GDALDataset& source) {
  RequireBands(source, source.GetDescription());
  ForgetGdalErrors();
  return Value(PlanCopy(source.GetDescription(), kB2ndFormat.driver, source, false, nullptr))
      .type.gdal;
}

}  // namespace

std::unique_ptr<std::byte[]> ReadWindow(GDALDataset& dataset, const Window& window,
                                        GDALDataType type) {
  int band = window.first_band + 1;
  std::unique_ptr<std::byte[]> pixels(
      new std::byte[static_cast<size_t>(window.width) * static_cast<size_t>(window.height) *
                    static_cast<size_t>(window.bands * GDALGetDataTypeSizeBytes(type))]);
  if (dataset.RasterIO(GF_Read, window.x, window.y, window.width, window.height, pixels.get(),
                       window.width, window.height, type, window.bands,
                       window.bands == 1 ? &band : nullptr, 0, 0, 0) != CE_None) {
    ThrowGdalFailure("cannot read", {dataset.GetDescription()});
  }
  return pixels;
}

Sample::Sample(GDALDataset& dataset_to_copy, const Reading& how, double target_bytes,
               double deadline)
    : source(dataset_to_copy),
      access(how),
      image{source.GetRasterXSize(), source.GetRasterYSize(), source.GetRasterCount()},
      type(TypeInFile(source)),
      extent(image),
      window_bytes(access.WindowOf(image).pixels() * GDALGetDataTypeSizeBytes(type)) {
  // Some windows must fit, or windows of the sample are no windows of the image.
  const double wanted_bytes = std::clamp(6 * window_bytes, target_bytes, 3 * target_bytes);
  const double pixels = wanted_bytes / GDALGetDataTypeSizeBytes(type) / image.bands;
  // Nearly all of it in squares is no easier than all.
  const bool whole = pixels >= 0.8 * image.width * image.height;
  if (!whole) {
    // Many small squares stand for an image better than few large ones, but blocks should fit in.
    while (side > 16 && pixels / side / side < (side > 256 ? 48 : 4)) side /= 2;
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
  ForgetGdalErrors();
  GDALDriver* const driver = GetGDALDriverManager()->GetDriverByName("MEM");
  if (driver == nullptr) throw Failure("GDAL has no driver MEM");
  dataset.reset(driver->Create("", extent.width, extent.height, extent.bands, type, nullptr));
  if (dataset == nullptr) ThrowGdalFailure("cannot make a raster in memory");
  Fill(whole, deadline);
  std::mt19937_64 random(20);
  while (turns.size() < kTurns) turns.push_back(access.Places(extent, kMaxWindows, random));
}

void Sample::Fill(bool whole, double deadline) {
  std::vector<Window> places;  // in the sample; the first is a full square
  for (int y = 0; y < extent.height; y += side) {
    for (int x = 0; x < extent.width; x += side) {
      places.push_back({x, y, std::min(side, extent.width - x), std::min(side, extent.height - y),
                        0, image.bands});
    }
  }
  std::shuffle(places.begin() + 1, places.end(), std::mt19937_64(21));
  for (size_t i = 0; i < places.size(); ++i) {
    const Window& to = places[i];
    Window from = to;
    const bool late = i > 0 && Now() > deadline;
    if (late) {
      const Window& again = places[i % squares];
      const bool fits = again.width >= to.width && again.height >= to.height;
      from.x = fits ? again.x : places[0].x;
      from.y = fits ? again.y : places[0].y;
    } else {
      if (!whole) {
        // As the golden section does on a line, the plastic number scatters evenly in the plane.
        const auto turn = static_cast<double>(i);
        from.x = SquareAt(0.5 + 0.7548776662466927 * turn, image.width, side);
        from.y = SquareAt(0.5 + 0.5698402909980532 * turn, image.height, side);
      }
      ++squares;
      pixels_read += static_cast<double>(to.width) * to.height;
    }
    const std::unique_ptr<std::byte[]> pixels = ReadWindow(late ? *dataset : source, from, type);
    if (dataset->RasterIO(GF_Write, to.x, to.y, to.width, to.height, pixels.get(), to.width,
                          to.height, type, image.bands, nullptr, 0, 0, 0) != CE_None) {
      ThrowGdalFailure("cannot keep a sample in memory");
    }
    StopIfInterrupted();
  }
}

}  // namespace ndarray::tools
