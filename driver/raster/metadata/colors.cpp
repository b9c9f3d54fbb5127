#include "driver/raster/metadata/colors.h"

#include "driver/raster/reserved_names.h"

namespace ndarray {
namespace {

constexpr int kMaxColors = 4;
constexpr const char* kColorItem = "COLORINTERP";

GDALColorInterp PictureColor(int number) {
  return static_cast<GDALColorInterp>(GCI_RedBand + number - 1);  // red, green, blue, alpha
}

bool IsByte(const BandType& type) { return type.gdal == GDT_Byte && !type.signed_byte; }

}  // namespace

GDALColorInterp ColorByShape(const std::string& axes, int bands, const BandType& type, int number) {
  if (axes != "YXB") return GCI_Undefined;
  if (bands == 3 && type.gdal == GDT_UInt16) return PictureColor(number);
  return ColorOfNewBand(bands, type, number);
}

GDALColorInterp ColorOfNewBand(int bands, const BandType& type, int number) {
  return IsByte(type) && (bands == 3 || bands == 4) ? PictureColor(number) : GCI_Undefined;
}

CPLErr KeepColor(GDALRasterBand& band, GDALColorInterp color) {
  return band.SetMetadataItem(kColorItem, GDALGetColorInterpretationName(color), kMetadataDomain);
}

std::optional<GDALColorInterp> KeptColor(GDALRasterBand& band) {
  const char* const name = band.GetMetadataItem(kColorItem, kMetadataDomain);
  if (name == nullptr) return std::nullopt;
  return GDALGetColorInterpretationByName(name);
}

void ColorNewBands(GDALDataset& dataset, const BandType& type) {
  const int bands = dataset.GetRasterCount();
  if (bands > kMaxColors) return;
  for (int number = 1; number <= bands; ++number) {
    GDALRasterBand& band = *dataset.GetRasterBand(number);
    const GDALColorInterp color = ColorOfNewBand(bands, type, number);
    if (band.GetColorInterpretation() != color) band.SetColorInterpretation(color);
  }
}

}  // namespace ndarray
