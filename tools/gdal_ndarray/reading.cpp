#include "tools/gdal_ndarray/reading.h"

#include <algorithm>
#include <charconv>

#include "tools/gdal_ndarray/command.h"

namespace ndarray::tools {
namespace {

int Below(int64_t bound, std::mt19937_64& random) {
  return static_cast<int>(random() % static_cast<uint64_t>(std::max<int64_t>(bound, 1)));
}

}  // namespace

ImageSize Reading::WindowOf(const ImageSize& image) const {
  switch (kind) {
    case kWindow:
      return {std::min(side, image.width), std::min(side, image.height), image.bands};
    case kRows:
      return {image.width, std::min(kLines, image.height), image.bands};
    case kBands:
      return {image.width, image.height, 1};
    case kWhole:
      break;
  }
  return image;
}

std::vector<Window> Reading::Places(const ImageSize& image, size_t max_count,
                                    std::mt19937_64& random) const {
  const ImageSize window = WindowOf(image);
  // A grid of windows that leaves room to move it, so that windows lie on blocks as they come.
  const int columns = std::max((image.width - window.width) / window.width, 1);
  const int lines = std::max((image.height - window.height) / window.height, 1);
  const int left = Below(image.width - columns * window.width + 1, random);
  const int top = Below(image.height - lines * window.height + 1, random);
  const int64_t all = int64_t{columns} * lines;
  const auto count = std::clamp<size_t>(static_cast<size_t>(all) / 2, 1, max_count);
  std::vector<int64_t> cells;
  while (cells.size() < count) {
    const auto cell = static_cast<int64_t>(random() % static_cast<uint64_t>(all));
    if (std::find(cells.begin(), cells.end(), cell) == cells.end()) cells.push_back(cell);
  }
  std::vector<Window> places;
  for (const int64_t cell : cells) {
    const int band = Below(image.bands / window.bands, random) * window.bands;
    places.push_back({left + static_cast<int>(cell % columns) * window.width,
                      top + static_cast<int>(cell / columns) * window.height, window.width,
                      window.height, band, window.bands});
  }
  return places;
}

std::string Reading::Describe() const {
  switch (kind) {
    case kWindow:
      return "windows of " + std::to_string(side) + " x " + std::to_string(side);
    case kRows:
      return std::to_string(kLines) + " whole lines at a time";
    case kBands:
      return "whole bands, one at a time";
    case kWhole:
      break;
  }
  return "all at once";
}

Reading ParseReading(const std::string& text) {
  Reading access;
  if (text == "window") return access;
  if (text == "rows") return access.kind = Reading::kRows, access;
  if (text == "bands") return access.kind = Reading::kBands, access;
  if (text == "whole") return access.kind = Reading::kWhole, access;
  const std::string start = "window=";
  if (text.compare(0, start.size(), start) == 0) {
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data() + start.size(), end, access.side);
    if (error == std::errc() && stop == end && access.side > 0) return access;
  }
  throw WrongUsage("--access: found " + text + ", wanted window=PIXELS, rows, bands or whole");
}

}  // namespace ndarray::tools
