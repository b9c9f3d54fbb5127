#include "driver/raster/multidim/element_type.h"

#include <cpl_conv.h>
#include <cpl_string.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <set>
#include <utility>

#include "driver/raster/gdal_types.h"
#include "driver/raster/nodata.h"

namespace ndarray {
namespace {

ElementPart PartOf(const Field& field) {
  const BandType band = ToBandType(field.dtype.type);
  ElementPart part{band.gdal, field.dtype.type, band.promoted || band.signed_byte, 0};
  if (band.signed_byte) part.gdal = GDT_Int16;
  return part;
}

bool IsLong(GDALDataType type) { return type == GDT_Int64 || type == GDT_UInt64; }

template <typename T>
std::vector<std::byte> BytesOf(const T& value) {
  const auto* const bytes = reinterpret_cast<const std::byte*>(&value);
  return {bytes, bytes + sizeof(value)};
}

std::vector<std::byte> LongOfText(GDALDataType type, const std::string& text) {
  char* end = nullptr;
  errno = 0;
  std::vector<std::byte> bytes;
  if (type == GDT_Int64) {
    bytes = BytesOf(static_cast<int64_t>(std::strtoll(text.c_str(), &end, 10)));
  } else {
    if (text.find('-') != std::string::npos) return {};
    bytes = BytesOf(static_cast<uint64_t>(std::strtoull(text.c_str(), &end, 10)));
  }
  if (errno != 0 || end == text.c_str()) return {};
  const bool is_whole =
      *end == '\0' || (*end == '.' && std::strspn(end + 1, "0") == strlen(end + 1));
  return is_whole ? bytes : std::vector<std::byte>();
}

}  // namespace

ElementPlan PlanElement(const ArrayInfo& info) {
  if (!info.is_record) {
    const ElementPart part = PartOf(info.fields[0]);
    return {GDALExtendedDataType::Create(part.gdal), {part}, part.is_widened};
  }
  std::vector<ElementPart> parts;
  std::vector<std::unique_ptr<GDALEDTComponent>> components;
  std::set<std::string> names;
  size_t size = 0;
  bool is_widened = false;
  for (size_t i = 0; i < info.fields.size(); ++i) {
    ElementPart part = PartOf(info.fields[i]);
    part.offset_bytes = size;
    std::string name = info.fields[i].name;
    if (name.empty() || !names.insert(name).second) name = "f" + std::to_string(i);
    components.push_back(
        std::make_unique<GDALEDTComponent>(name, size, GDALExtendedDataType::Create(part.gdal)));
    size += static_cast<size_t>(PixelBytes(part.gdal));
    is_widened = is_widened || part.is_widened;
    parts.push_back(part);
  }
  return {GDALExtendedDataType::Create("record", size, std::move(components)), std::move(parts),
          is_widened};
}

void Widen(ScalarType stored, const std::byte* from, std::byte* to) {
  if (stored == ScalarType::kInt8) {
    const int16_t wide = static_cast<int8_t>(*from);
    std::memcpy(to, &wide, sizeof(wide));
    return;
  }
  float wide = 0;
  HalfToFloat(from, &wide, 1);
  std::memcpy(to, &wide, sizeof(wide));
}

void Narrow(ScalarType stored, const std::byte* from, std::byte* to) {
  if (stored == ScalarType::kInt8) {
    int16_t wide = 0;
    std::memcpy(&wide, from, sizeof(wide));
    *to = static_cast<std::byte>(static_cast<int8_t>(wide < -128 ? -128 : wide > 127 ? 127 : wide));
    return;
  }
  float wide = 0;
  std::memcpy(&wide, from, sizeof(wide));
  FloatToHalf(&wide, to, 1);
}

std::vector<std::byte> NoDataOfText(const ElementPlan& element, const std::string& text) {
  if (element.type.GetClass() != GEDTC_NUMERIC) return {};
  const GDALDataType type = element.type.GetNumericDataType();
  if (IsLong(type)) return LongOfText(type, text);
  BandType band = ToBandType(element.parts[0].stored);
  if (band.signed_byte) band = {GDT_Int16};
  const double value = AsPixelValue(band, CPLAtofM(text.c_str()));
  std::vector<std::byte> bytes(static_cast<size_t>(PixelBytes(type)));
  GDALCopyWords(&value, GDT_Float64, 0, bytes.data(), type, 0, 1);
  double back = 0;
  GDALCopyWords(bytes.data(), type, 0, &back, GDT_Float64, 0, 1);
  const bool same = back == value || (std::isnan(back) && std::isnan(value));
  return same ? bytes : std::vector<std::byte>();
}

std::string TextOfNoData(const ElementPlan& element, const void* value) {
  const GDALDataType type = element.type.GetNumericDataType();
  if (type == GDT_Int64) {
    int64_t number = 0;
    std::memcpy(&number, value, sizeof(number));
    return std::to_string(number);
  }
  if (type == GDT_UInt64) {
    uint64_t number = 0;
    std::memcpy(&number, value, sizeof(number));
    return std::to_string(number);
  }
  double number = 0;
  GDALCopyWords(value, type, 0, &number, GDT_Float64, 0, 1);
  return std::isnan(number) ? "nan" : CPLSPrintf("%.17g", number);
}

}  // namespace ndarray
