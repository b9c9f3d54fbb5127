#include "driver/raster/gdal_types.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <sstream>

namespace ndarray {
namespace {

TEST(GdalTypes, EveryCreatableTypeComesBackAsItself) {
  std::istringstream names(CreationDataTypes());
  int count = 0;
  for (std::string name; names >> name; ++count) {
    const GDALDataType type = GDALGetDataTypeByName(name.c_str());
    ASSERT_NE(type, GDT_Unknown) << name;
    const auto scalar = ToScalarType(type, false);
    ASSERT_TRUE(scalar.has_value()) << name;
    const BandType band = ToBandType(*scalar);
    EXPECT_EQ(band.gdal, type) << name;
    EXPECT_FALSE(band.promoted) << name;
    EXPECT_EQ(static_cast<size_t>(PixelBytes(type)), SizeBytes(*scalar)) << name;
  }
  EXPECT_GE(count, 11);
}

TEST(GdalTypes, TypesNumpyHasNotAreAbsent) {
  EXPECT_FALSE(ToScalarType(GDT_CInt16, false).has_value());
  EXPECT_FALSE(ToScalarType(GDT_CInt32, false).has_value());
}

TEST(HalfPrecision, EveryValueSurvivesTheWayThere) {
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    const auto half = static_cast<uint16_t>(bits);
    float value = 0;
    HalfToFloat(&half, &value, 1);
    uint16_t back = 0;
    FloatToHalf(&value, &back, 1);
    if (std::isnan(value)) {
      EXPECT_EQ(back & 0x7C00, 0x7C00) << bits;
      EXPECT_NE(back & 0x3FF, 0) << bits;
    } else {
      EXPECT_EQ(back, half) << bits;
    }
  }
}

TEST(HalfPrecision, RoundsToTheNearestAndTiesToEven) {
  const auto half = [](float value) {
    uint16_t result = 0;
    FloatToHalf(&value, &result, 1);
    return result;
  };
  EXPECT_EQ(half(1.0f + 0x1p-11f), 0x3C00);             // halfway between 1 and the next: even
  EXPECT_EQ(half(1.0f + 0x1p-11f + 0x1p-20f), 0x3C01);  // just above halfway
  EXPECT_EQ(half(1.0f + 0x3p-11f), 0x3C02);
  EXPECT_EQ(half(65519.0f), 0x7BFF);
  EXPECT_EQ(half(65520.0f), 0x7C00);
  EXPECT_EQ(half(0x1p-25f), 0x0000);
  EXPECT_EQ(half(0x1.8p-25f), 0x0001);
  EXPECT_EQ(half(-0.0f), 0x8000);
}

}  // namespace
}  // namespace ndarray
