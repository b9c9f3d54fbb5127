#include "tools/tune_sample.h"

#include <cpl_conv.h>
#include <cpl_string.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

namespace ndarray::tools {
namespace {

constexpr int kLeastSide = 16;
constexpr uint64_t kSeed = 20;

// The multiple of `side` nearest to `length`, one at least, but not more than `most`.
int UpTo(double length, int side, int most) {
  const double rounded = std::max(std::round(length / side), 1.0) * side;
  return rounded < most ? static_cast<int>(rounded) : most;
}

// Orders what lies from `start` on so that the first of them, however many, are from all over.
template <typename T>
void Scatter(std::vector<T>& list, size_t start) {
  const std::vector<T> ordered(list.begin() + static_cast<std::ptrdiff_t>(start), list.end());
  const size_t count = ordered.size();
  size_t step = static_cast<size_t>(0.618 * static_cast<double>(count)) + 1;  // the golden section
  while (std::gcd(step, count) > 1) ++step;
  for (size_t i = 0; i < count; ++i) list[start + i] = ordered[i * step % count];
}

}  // namespace

Sample::Sample(GDALDataset& source, GDALDataType type, const Reading& access, double target_bytes,
               Clock::time_point deadline)
    : image_{source.GetRasterXSize(), source.GetRasterYSize(), source.GetRasterCount()},
      type_(type),
      pixel_bytes_(GDALGetDataTypeSizeBytes(type)) {
  // Some windows must fit, or windows of the sample are no windows of the image.
  const double windows = 6 * access.WindowOf(image_).pixels() * pixel_bytes_;
  const double bytes =
      std::min({std::max(target_bytes, windows), 4 * target_bytes, kMostSampleBytes});
  double pixels = bytes / pixel_bytes_ / image_.bands;  // of all bands together
  // Nearly all of it in pieces is no easier than all.
  if (pixels >= 0.8 * image_.width * image_.height) {
    const Clock::time_point start = Clock::now();
    if (!ReadWhole(source, deadline)) {
      // Too slow a source: what was read of it is not from all over the image.
      pixels = static_cast<double>(image_.width) * extent_.height / 2;
      ReadPieces(source, access, pixels, deadline + (deadline - start) / 2);
    }
  } else {
    ReadPieces(source, access, pixels, deadline);
  }
  MakeDataset();
}

void Sample::Allocate(const Extent& extent) {
  room_ = extent_ = extent;
  pixels_.reset();  // not two of them at a time
  // Touched as it is filled.
  pixels_.reset(
      new std::byte[static_cast<size_t>(extent.pixels()) * static_cast<size_t>(pixel_bytes_)]);
}

void Sample::Read(GDALDataset& source, const Window& from, int to_x, int to_y) {
  GDALRasterIOExtraArg extra;
  INIT_RASTERIO_EXTRA_ARG(extra);
  extra.pfnProgress = WatchForInterrupt;
  const GSpacing line = GSpacing{room_.width} * pixel_bytes_;
  std::byte* const to =
      pixels_.get() + static_cast<GSpacing>(to_y) * line + GSpacing{to_x} * pixel_bytes_;
  if (source.RasterIO(GF_Read, from.x, from.y, from.width, from.height, to, from.width, from.height,
                      type_, image_.bands, nullptr, pixel_bytes_, line, line * room_.height,
                      &extra) != CE_None) {
    ThrowGdalFailure("cannot read", {source.GetDescription()});
  }
  StopIfInterrupted();
}

bool Sample::ReadWhole(GDALDataset& source, Clock::time_point deadline) {
  Allocate(image_);
  const int lines = std::clamp((4 << 20) / image_.width, 1, image_.height);
  for (int y = 0; y < image_.height; y += lines) {
    if (y > 0 && Clock::now() > deadline) {
      extent_.height = y;
      return false;
    }
    Read(source, {0, y, image_.width, std::min(lines, image_.height - y), 0, image_.bands}, 0, y);
  }
  whole_ = true;
  return true;
}

// Many small pieces stand for an image better than few large ones, but blocks should fit in.
void Sample::ChooseSide(double pixels) {
  const auto bytes = [&] {
    return static_cast<double>(side_) * side_ * image_.bands * pixel_bytes_;
  };
  while (side_ > 256 && pixels / side_ / side_ < 48) side_ /= 2;
  while (side_ > kLeastSide && pixels / side_ / side_ < 4) side_ /= 2;
  if (bytes() > kMostSampleBytes) {
    throw Failure("bands: found " + std::to_string(image_.bands) + ", too many to try");
  }
}

void Sample::ChooseExtent(const Reading& access, double pixels) {
  double width = std::sqrt(pixels);
  if (access.kind == Reading::kRows) {
    width = std::min<double>(image_.width, pixels / std::max(2 * Reading::kLines, side_));
  }
  Extent extent{UpTo(width, side_, image_.width), 0, image_.bands};
  extent.height = UpTo(pixels / extent.width, side_, image_.height);
  if (access.kind != Reading::kRows && extent.height == image_.height) {
    extent.width = UpTo(pixels / extent.height, side_, image_.width);
  }
  Allocate(extent);
}

// One place in each cell of a grid over the image, scattered.
std::vector<Sample::Place> Sample::ChoosePlaces(size_t count) const {
  std::mt19937_64 random(kSeed);
  const auto below = [&](int bound) { return static_cast<int>(random() % uint64_t(bound)); };
  const int across = std::max(image_.width / side_, 1);
  const int down = std::max(image_.height / side_, 1);
  const double aspect = static_cast<double>(across) / down;
  const auto wanted = static_cast<double>(count);
  int columns = std::clamp(static_cast<int>(std::lround(std::sqrt(wanted * aspect))), 1, across);
  const int lines = std::clamp(static_cast<int>(std::ceil(wanted / columns)), 1, down);
  columns = std::clamp(static_cast<int>(std::ceil(wanted / lines)), 1, across);
  std::vector<Place> places;
  while (places.size() < count) {
    const size_t start = places.size();
    for (int cell = 0; cell < columns * lines; ++cell) {
      const int column = cell % columns;
      const int line = cell / columns;
      const auto from = [](int at, int cells, int length) {
        return static_cast<int>(int64_t{at} * length / cells);
      };
      const int x = from(column, columns, across);
      const int y = from(line, lines, down);
      places.push_back({(x + below(std::max(from(column + 1, columns, across) - x, 1))) * side_,
                        (y + below(std::max(from(line + 1, lines, down) - y, 1))) * side_});
    }
    Scatter(places, start);
  }
  places.resize(count);
  return places;
}

void Sample::ReadPieces(GDALDataset& source, const Reading& access, double pixels,
                        Clock::time_point deadline) {
  ChooseSide(pixels);
  ChooseExtent(access, pixels);
  const int columns = (extent_.width + side_ - 1) / side_;
  const int lines = (extent_.height + side_ - 1) / side_;
  const auto places = ChoosePlaces(static_cast<size_t>(columns) * static_cast<size_t>(lines));
  for (const Place& place : places) {
    if (pieces_ > 0 && Clock::now() > deadline) break;
    const int to_x = pieces_ % columns * side_;
    const int to_y = pieces_ / columns * side_;
    const int width = std::min({side_, extent_.width - to_x, image_.width});
    const int height = std::min({side_, extent_.height - to_y, image_.height});
    Read(source,
         {std::min(place.x, image_.width - width), std::min(place.y, image_.height - height), width,
          height, 0, image_.bands},
         to_x, to_y);
    ++pieces_;
  }
  // Whole rows of pieces, or a part of the first one.
  if (pieces_ < columns) extent_.width = std::min(extent_.width, pieces_ * side_);
  extent_.height = std::min(extent_.height, std::max(pieces_ / columns, 1) * side_);
  pieces_ = std::min(pieces_, std::max(pieces_ / columns, 1) * columns);
}

void Sample::MakeDataset() {
  GDALDriver* const driver = GetGDALDriverManager()->GetDriverByName("MEM");
  if (driver == nullptr) throw Failure("GDAL has no driver MEM");
  dataset_.reset(driver->Create("", extent_.width, extent_.height, 0, type_, nullptr));
  const GSpacing line = GSpacing{room_.width} * pixel_bytes_;
  for (int band = 0; band < extent_.bands && dataset_ != nullptr; ++band) {
    char pointer[64] = {};
    pointer[CPLPrintPointer(pointer, pixels_.get() + band * line * room_.height, 63)] = '\0';
    CPLStringList options;
    options.SetNameValue("DATAPOINTER", pointer);
    options.SetNameValue("PIXELOFFSET", std::to_string(pixel_bytes_).c_str());
    options.SetNameValue("LINEOFFSET", std::to_string(line).c_str());
    if (dataset_->AddBand(type_, options.List()) != CE_None) dataset_.reset();
  }
  if (dataset_ == nullptr) ThrowGdalFailure("cannot make a raster in memory");
}

}  // namespace ndarray::tools
