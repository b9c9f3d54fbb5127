#include "driver/raster/nodata.h"

#include <cfloat>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

#include "driver/raster/window_io.h"

namespace ndarray {
namespace {

// Halfway to the number that would follow the largest one: from here on numbers round to infinity.
constexpr double kFloatOverflow = 0x1.ffffffp127;
constexpr double kHalfOverflow = 65520;
constexpr double kHalfMax = 65504;

// GDAL's conversion, and C++'s, know no rounding beyond the largest number.
double IntoRange(double value, double max, double overflow) {
  if (!(std::abs(value) > max)) return value;
  return std::copysign(std::abs(value) < overflow ? max : std::numeric_limits<double>::infinity(),
                       value);
}

double RoundToFloat(double value) {
  return static_cast<double>(static_cast<float>(IntoRange(value, FLT_MAX, kFloatOverflow)));
}

double RoundToHalf(double value) {
  const auto from = static_cast<float>(IntoRange(value, kHalfMax, kHalfOverflow));
  uint16_t half = 0;
  float to = 0;
  FloatToHalf(&from, &half, 1);
  HalfToFloat(&half, &to, 1);
  return static_cast<double>(to);
}

bool IsHalf(const BandType& type) {
#if NDARRAY_HAS_FLOAT16
  return type.gdal == GDT_Float16;
#else
  return type.promoted;
#endif
}

bool IsInt8(double value) { return value >= INT8_MIN && value <= INT8_MAX; }

// REQUIRES: an integer type. Rounds as GDAL rounds pixels: half a unit away from zero.
double RoundToInteger(const BandType& type, double value) {
  if (!std::isfinite(value)) return value;
  const double rounded = std::round(value);
  if (type.signed_byte) return IsInt8(rounded) ? rounded : value;
  int clamped = 0;
  int changed = 0;
  GDALAdjustValueToDataType(type.gdal, rounded, &clamped, &changed);
  return clamped != 0 ? value : rounded;
}

bool IsExact(const BandType& type, const void* value, GDALDataType value_type,
             const std::vector<std::byte>& element) {
  std::vector<std::byte> back(static_cast<size_t>(PixelBytes(value_type)));
  GDALCopyWords(element.data(), type.gdal, 0, back.data(), value_type, 0, 1);
  return std::memcmp(back.data(), value, back.size()) == 0;
}

}  // namespace

double AsPixelValue(const BandType& type, double value) {
  if (IsHalf(type)) return RoundToHalf(value);
  if (GDALDataTypeIsInteger(type.gdal) != 0) return RoundToInteger(type, value);
  return type.gdal == GDT_Float32 || type.gdal == GDT_CFloat32 ? RoundToFloat(value) : value;
}

std::vector<std::byte> NoDataElement(const BandType& type, const void* value,
                                     GDALDataType value_type) {
  const double zero = 0;
  const std::vector<std::byte> zeros = ToElement(type, &zero, GDT_Float64);
  // 64-bit integers have values that no double has, and are of no use to other types.
  if (value_type == type.gdal) return ToElement(type, value, value_type);
  double number = 0;
  GDALCopyWords(value, value_type, 0, &number, GDT_Float64, 0, 1);
  number = AsPixelValue(type, number);
  if (type.signed_byte) {
    if (!IsInt8(number)) return zeros;
    return {static_cast<std::byte>(static_cast<uint8_t>(AsByteOfInt8(number)))};
  }
  std::vector<std::byte> element = ToElement(type, &number, GDT_Float64);
  if (GDALDataTypeIsInteger(type.gdal) == 0) return element;
  return IsExact(type, &number, GDT_Float64, element) ? element : zeros;
}

double AsByteOfInt8(double value) {
  if (!IsInt8(value)) return std::numeric_limits<double>::quiet_NaN();
  return value < 0 ? value + 256 : value;
}

}  // namespace ndarray
