#include "driver/raster/create/pixel_facts.h"

#include <algorithm>
#include <cstddef>

#include "driver/raster/nodata.h"

namespace ndarray {
namespace {

template <typename T>
std::string Element(const BandType& type, T value, GDALDataType value_type) {
  const std::vector<std::byte> bytes = NoDataElement(type, &value, value_type);
  const bool zeros =
      std::all_of(bytes.begin(), bytes.end(), [](std::byte byte) { return byte == std::byte{0}; });
  if (zeros && value != 0) return "";
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string NoDataOf(GDALRasterBand& band, const BandType& type) {
  int has_value = FALSE;
  if (band.GetRasterDataType() == GDT_Int64) {
    const int64_t value = band.GetNoDataValueAsInt64(&has_value);
    return has_value != FALSE ? Element(type, value, GDT_Int64) : "";
  }
  if (band.GetRasterDataType() == GDT_UInt64) {
    const uint64_t value = band.GetNoDataValueAsUInt64(&has_value);
    return has_value != FALSE ? Element(type, value, GDT_UInt64) : "";
  }
  const double value = band.GetNoDataValue(&has_value);
  return has_value != FALSE ? Element(type, value, GDT_Float64) : "";
}

}  // namespace

bool HoldsNames(GDALRasterBand& band) {
  if (band.GetColorTable() != nullptr || band.GetColorInterpretation() == GCI_PaletteIndex ||
      band.GetCategoryNames() != nullptr) {
    return true;
  }
  const GDALRasterAttributeTableH table = GDALGetDefaultRAT(GDALRasterBand::ToHandle(&band));
  return table != nullptr && GDALRATGetTableType(table) == GRTT_THEMATIC &&
         GDALDataTypeIsInteger(band.GetRasterDataType());
}

std::vector<std::string> NoDataElements(GDALDataset& source, const BandType& type) {
  std::vector<std::string> elements;
  bool any = false;
  for (int band = 1; band <= source.GetRasterCount(); ++band) {
    elements.push_back(NoDataOf(*source.GetRasterBand(band), type));
    any = any || !elements.back().empty();
  }
  if (!any) elements.clear();
  return elements;
}

}  // namespace ndarray
