#include "tools/gdal_ndarray/picture.h"

#include <cpl_vsi.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "driver/raster/create/overwrite.h"
#include "driver/raster/files/vsi_file.h"
#include "tools/gdal_ndarray/command.h"
#include "tools/gdal_ndarray/report.h"

namespace ndarray::tools {
namespace {

constexpr int64_t kMaxPixels = int64_t{1} << 28;

using Bytes = std::vector<GByte>;

struct Scale {
  double black = 0, white = 255;
};

int FindColor(GDALDataset& dataset, GDALColorInterp color) {
  for (int band = 1; band <= dataset.GetRasterCount(); ++band) {
    if (dataset.GetRasterBand(band)->GetColorInterpretation() == color) return band;
  }
  return 0;
}

std::vector<int> DefaultBands(GDALDataset& dataset) {
  const std::vector<int> colors = {FindColor(dataset, GCI_RedBand),
                                   FindColor(dataset, GCI_GreenBand),
                                   FindColor(dataset, GCI_BlueBand)};
  return std::count(colors.begin(), colors.end(), 0) == 0 ? colors : std::vector<int>{1};
}

// Bytes that are meant to be looked at as they are.
bool IsColor(GDALRasterBand& band) {
  const GDALColorInterp color = band.GetColorInterpretation();
  return band.GetRasterDataType() == GDT_Byte &&
         (color == GCI_RedBand || color == GCI_GreenBand || color == GCI_BlueBand ||
          color == GCI_PaletteIndex);
}

int64_t Count(const PixelSize& size) { return int64_t{size.width} * size.height; }

template <typename T>
std::vector<T> Read(GDALRasterBand& band, const PixelWindow& window, const PixelSize& size,
                    GDALDataType type) {
  std::vector<T> values(static_cast<size_t>(Count(size)));
  GDALRasterIOExtraArg extra;
  INIT_RASTERIO_EXTRA_ARG(extra);
  extra.pfnProgress = WatchForInterrupt;
  ForgetGdalErrors();
  if (band.RasterIO(GF_Read, window.x, window.y, window.width, window.height, values.data(),
                    size.width, size.height, type, 0, 0, &extra) != CE_None) {
    const GDALDataset* const dataset = band.GetDataset();
    ThrowGdalFailure("cannot read the window",
                     {dataset != nullptr ? dataset->GetDescription() : "the image"});
  }
  StopIfInterrupted();
  return values;
}

// A band or its overview, and a window in its pixels.
struct Level {
  GDALRasterBand* band;
  PixelWindow window;
};

// An overview where one has enough pixels.
Level FindLevel(GDALRasterBand& band, PixelWindow window, const PixelSize& size) {
  GDALRasterIOExtraArg extra;
  INIT_RASTERIO_EXTRA_ARG(extra);
  if (size.width == window.width && size.height == window.height) return {&band, window};
  const int overview = GDALBandGetBestOverviewLevel2(
      &band, window.x, window.y, window.width, window.height, size.width, size.height, &extra);
  return {overview < 0 ? &band : band.GetOverview(overview), window};
}

// The mask that belongs to the values. A mask that follows from nodata has no overviews of its own:
// it is the overview's mask, if the overview knows the nodata value.
Bytes ReadMask(GDALRasterBand& band, const PixelWindow& window, const Level& level,
               const PixelSize& size) {
  const int flags = band.GetMaskFlags();
  if (flags == GMF_ALL_VALID) return Bytes(static_cast<size_t>(Count(size)), 255);
  if (flags == GMF_NODATA && level.band->GetMaskFlags() == GMF_NODATA) {
    return Read<GByte>(*level.band->GetMaskBand(), level.window, size, GDT_Byte);
  }
  return Read<GByte>(*band.GetMaskBand(), window, size, GDT_Byte);
}

// 255 where the pixel means something.
Bytes MeaningfulPixels(Bytes valid, const std::vector<double>& values) {
  for (size_t i = 0; i < values.size(); ++i) {
    if (!std::isfinite(values[i])) valid[i] = 0;
  }
  return valid;
}

Scale Stretch(const std::vector<double>& values, const Bytes& valid) {
  std::vector<double> used;
  for (size_t i = 0; i < values.size(); ++i) {
    if (valid[i] != 0) used.push_back(values[i]);
  }
  if (used.empty()) return {0, 0};
  const auto at = [&](double share) {
    const auto nth = used.begin() + static_cast<std::ptrdiff_t>(
                                        share * static_cast<double>(used.size() - 1) + 0.5);
    std::nth_element(used.begin(), nth, used.end());
    return *nth;
  };
  return {at(0.02), at(0.98)};
}

Bytes Apply(const Scale& scale, const std::vector<double>& values) {
  const double step = scale.white > scale.black ? 255 / (scale.white - scale.black) : 0;
  Bytes bytes(values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    const double value = (values[i] - scale.black) * step + 0.5;
    bytes[i] = value > 0 ? static_cast<GByte>(std::min(value, 255.0)) : GByte{0};
  }
  return bytes;
}

// The colours of palette entries, as planes of red, green, blue and alpha.
std::vector<Bytes> ApplyPalette(const GDALColorTable& palette, const std::vector<double>& values) {
  std::vector<Bytes> planes(4, Bytes(values.size()));
  for (size_t i = 0; i < values.size(); ++i) {
    GDALColorEntry entry{};
    const double value = values[i];
    if (value >= 0 && value < palette.GetColorEntryCount()) {
      palette.GetColorEntryAsRGB(static_cast<int>(value), &entry);
    }
    planes[0][i] = static_cast<GByte>(entry.c1);
    planes[1][i] = static_cast<GByte>(entry.c2);
    planes[2][i] = static_cast<GByte>(entry.c3);
    planes[3][i] = static_cast<GByte>(entry.c4);
  }
  return planes;
}

// Writes planes of bytes as they are: grey, or red, green, blue, and alpha after them if there is
// any. The file is complete, or was not touched. Throws Failure.
void WritePng(const std::vector<Bytes>& planes, int width, int height, const std::string& path) {
  GDALDriver* const memory = GetGDALDriverManager()->GetDriverByName("MEM");
  GDALDriver* const png = GetGDALDriverManager()->GetDriverByName("PNG");
  if (memory == nullptr || png == nullptr) throw Failure("this GDAL has no PNG driver");
  ForgetGdalErrors();
  const DatasetPointer image(
      memory->Create("", width, height, static_cast<int>(planes.size()), GDT_Byte, nullptr));
  if (image == nullptr) ThrowGdalFailure("out of memory");
  for (size_t i = 0; i < planes.size(); ++i) {
    GDALRasterBand& band = *image->GetRasterBand(static_cast<int>(i) + 1);
    if (band.RasterIO(GF_Write, 0, 0, width, height, const_cast<GByte*>(planes[i].data()), width,
                      height, GDT_Byte, 0, 0, nullptr) != CE_None) {
      ThrowGdalFailure("out of memory");
    }
  }
  const std::string encoded = "/vsimem/gdal_ndarray.png";
  DatasetPointer written(
      png->CreateCopy(encoded.c_str(), image.get(), FALSE, nullptr, WatchForInterrupt, nullptr));
  if (written == nullptr) ThrowGdalFailure(path + ": cannot write");
  written.reset();
  vsi_l_offset size = 0;
  const std::unique_ptr<GByte, decltype(&VSIFree)> bytes(
      VSIGetMemFileBuffer(encoded.c_str(), &size, TRUE), VSIFree);
  const std::unique_ptr<OutputFile> file = Value(CreateOutputFile(path));
  Check(file->WriteAt(0, bytes.get(), static_cast<size_t>(size)));
  Check(CommitOver(*file));
}

}  // namespace

std::string WritePicture(GDALDataset& dataset, const PixelWindow& window, const PixelSize& size,
                         std::vector<int> bands, const std::string& path) {
  if (Count(size) > kMaxPixels) {
    throw Failure("a picture of " + std::to_string(size.width) + " x " +
                  std::to_string(size.height) +
                  " pixels: wanted at most 2^28 of them; --size 2000 makes a smaller one");
  }
  if (bands.empty()) bands = DefaultBands(dataset);
  if (bands.size() != 1 && bands.size() != 3) {
    throw WrongUsage("--bands: found " + std::to_string(bands.size()) +
                     ", wanted 1 (grey) or 3 (red, green, blue) for a picture");
  }
  std::vector<Bytes> planes;
  std::string lines;
  Bytes alpha(static_cast<size_t>(Count(size)), 255);
  for (const int number : bands) {
    GDALRasterBand& band = *dataset.GetRasterBand(number);
    const Level level = FindLevel(band, window, size);
    const auto values = Read<double>(*level.band, level.window, size, GDT_Float64);
    const Bytes valid = MeaningfulPixels(ReadMask(band, window, level, size), values);
    for (size_t i = 0; i < alpha.size(); ++i) alpha[i] = std::min(alpha[i], valid[i]);
    const std::string name = "band " + std::to_string(number) + ": ";
    if (bands.size() == 1 && band.GetColorTable() != nullptr) {
      planes = ApplyPalette(*band.GetColorTable(), values);
      for (size_t i = 0; i < alpha.size(); ++i) alpha[i] = std::min(alpha[i], planes[3][i]);
      planes.pop_back();
      lines += name + "colours of its palette\n";
      continue;
    }
    const Scale scale = IsColor(band) ? Scale() : Stretch(values, valid);
    planes.push_back(Apply(scale, values));
    lines +=
        name + "black " + NumberText(scale.black) + ", white " + NumberText(scale.white) + "\n";
  }
  if (std::any_of(alpha.begin(), alpha.end(), [](GByte byte) { return byte != 255; })) {
    planes.push_back(std::move(alpha));
  }
  WritePng(planes, size.width, size.height, path);
  return lines;
}

}  // namespace ndarray::tools
