#include "driver/raster/nodata.h"

#include <gtest/gtest.h>

#include <cfloat>
#include <cmath>
#include <cstring>
#include <limits>

namespace ndarray {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

double AsPixel(ScalarType type, double value) { return AsPixelValue(ToBandType(type), value); }

template <typename T>
T Element(ScalarType type, double value) {
  const std::vector<std::byte> element = NoDataElement(ToBandType(type), &value, GDT_Float64);
  T result{};
  EXPECT_GE(element.size(), sizeof(T));
  std::memcpy(&result, element.data(), sizeof(T));
  return result;
}

TEST(Nodata, FloatsRoundToTheNearestOnesUpToTheLargest) {
  for (const ScalarType type : {ScalarType::kFloat32, ScalarType::kComplex64}) {
    EXPECT_EQ(AsPixel(type, -3.4028235e+38), -FLT_MAX);
    EXPECT_EQ(AsPixel(type, std::nextafter(0x1.ffffffp127, 0)), FLT_MAX);
    EXPECT_EQ(AsPixel(type, 0x1.ffffffp127), kInfinity);  // halfway
    EXPECT_EQ(AsPixel(type, -1e300), -kInfinity);
    EXPECT_EQ(AsPixel(type, kInfinity), kInfinity);
    EXPECT_EQ(AsPixel(type, 0.1), static_cast<double>(0.1f));
    EXPECT_TRUE(std::isnan(AsPixel(type, kNan)));
  }
  EXPECT_EQ(AsPixel(ScalarType::kFloat64, -3.4028235e+38), -3.4028235e+38);
}

TEST(Nodata, HalvesRoundUpToTheLargest) {
  EXPECT_EQ(AsPixel(ScalarType::kFloat16, -65500), -65504);
  EXPECT_EQ(AsPixel(ScalarType::kFloat16, -65519.99), -65504);
  EXPECT_EQ(AsPixel(ScalarType::kFloat16, -65520), -kInfinity);
  EXPECT_EQ(AsPixel(ScalarType::kFloat16, 0.1), 0.0999755859375);
  EXPECT_TRUE(std::isnan(AsPixel(ScalarType::kFloat16, kNan)));
}

TEST(Nodata, IntegersRoundWithinTheirRange) {
  EXPECT_EQ(AsPixel(ScalarType::kUInt8, 254.6), 255);
  EXPECT_EQ(AsPixel(ScalarType::kUInt8, 255.6), 255.6);
  EXPECT_EQ(AsPixel(ScalarType::kInt8, -6.8), -7);
  EXPECT_EQ(AsPixel(ScalarType::kInt8, 200), 200);
  EXPECT_EQ(AsPixel(ScalarType::kInt16, -9999.5), -10000);
  EXPECT_EQ(AsPixel(ScalarType::kInt32, -kInfinity), -kInfinity);
  EXPECT_TRUE(std::isnan(AsPixel(ScalarType::kUInt32, kNan)));
}

TEST(Nodata, ElementsHaveTheRoundedValue) {
  EXPECT_EQ(Element<float>(ScalarType::kFloat32, -3.4028235e+38), -FLT_MAX);
  EXPECT_EQ(Element<int16_t>(ScalarType::kInt16, -9999.5), -10000);
  EXPECT_EQ(Element<int8_t>(ScalarType::kInt8, -7), -7);
  EXPECT_EQ(Element<uint16_t>(ScalarType::kFloat16, -65500), 0xFBFF);
  EXPECT_TRUE(std::isnan(Element<float>(ScalarType::kFloat32, kNan)));
}

TEST(Nodata, ElementsOfWhatNoPixelCanHaveAreZero) {
  EXPECT_EQ(Element<uint8_t>(ScalarType::kUInt8, -9999), 0);
  EXPECT_EQ(Element<int8_t>(ScalarType::kInt8, 200), 0);
  EXPECT_EQ(Element<uint16_t>(ScalarType::kUInt16, kNan), 0);
}

TEST(Nodata, ElementsOf64BitsAreExact) {
  const int64_t value = -(int64_t{1} << 62) - 1;
  const std::vector<std::byte> element =
      NoDataElement(ToBandType(ScalarType::kInt64), &value, GDT_Int64);
  ASSERT_EQ(element.size(), sizeof(value));
  EXPECT_EQ(std::memcmp(element.data(), &value, sizeof(value)), 0);
}

TEST(Nodata, BytesOfInt8) {
  EXPECT_EQ(AsByteOfInt8(-7), 249);
  EXPECT_EQ(AsByteOfInt8(-128), 128);
  EXPECT_EQ(AsByteOfInt8(127), 127);
  EXPECT_TRUE(std::isnan(AsByteOfInt8(200)));
}

}  // namespace
}  // namespace ndarray
