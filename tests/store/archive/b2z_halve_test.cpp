#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <complex>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "driver/store/archive/halve.h"
#include "driver/store/box.h"
#include "driver/store/dtype/half.h"

namespace ndarray {
namespace {

using ::testing::ElementsAre;

// Lines of one band.
template <typename T>
std::vector<T> Halved(ScalarType type, Resampling resampling, int64_t width,
                      const std::vector<T>& pixels, const T* nodata = nullptr,
                      const std::vector<uint8_t>& mask = {}) {
  Halving halving;
  halving.type = type;
  halving.resampling = resampling;
  halving.x = 1;
  halving.y = 0;
  if (nodata != nullptr) {
    halving.nodata = {std::string(reinterpret_cast<const char*>(nodata), sizeof(T))};
  }
  const AxisVector shape = {static_cast<int64_t>(pixels.size()) / width, width};
  const Box fine{{0, 0}, shape};
  const Box coarse = HalvedBox(halving, fine);
  std::vector<T> to(static_cast<size_t>(ElementsIn(coarse)));
  ConstStridedView mask_view;
  if (!mask.empty()) mask_view = {mask.data(), CStrides(shape, 1)};
  Halve(halving, fine, {pixels.data(), CStrides(shape, sizeof(T))}, mask_view, coarse,
        {to.data(), CStrides(Counts(coarse), sizeof(T))});
  return to;
}

TEST(HalveTest, RoundsMeansOfIntegersHalvesUp) {
  EXPECT_THAT(Halved<uint8_t>(ScalarType::kUInt8, Resampling::kAverage, 4,
                              {255, 255, 0, 1, 255, 254, 1, 0}),
              ElementsAre(255, 1));
  EXPECT_THAT(Halved<int16_t>(ScalarType::kInt16, Resampling::kAverage, 4,
                              {-1, -1, -3, -3, -2, -2, -3, -2}),
              ElementsAre(-1, -3));
  EXPECT_THAT(
      Halved<uint16_t>(ScalarType::kUInt16, Resampling::kAverage, 2, {65535, 65535, 65535, 65534}),
      ElementsAre(65535));
  EXPECT_THAT(Halved<int8_t>(ScalarType::kInt8, Resampling::kAverage, 2, {-128, -128, -128, -128}),
              ElementsAre(-128));
}

TEST(HalveTest, MeansOf64BitIntegersAreExact) {
  constexpr uint64_t kMax = UINT64_MAX;
  EXPECT_THAT(
      Halved<uint64_t>(ScalarType::kUInt64, Resampling::kAverage, 2, {kMax, kMax, kMax, kMax - 4}),
      ElementsAre(kMax - 1));
  constexpr int64_t kMin = INT64_MIN;
  EXPECT_THAT(
      Halved<int64_t>(ScalarType::kInt64, Resampling::kAverage, 2, {kMin, kMin, kMin, kMin + 2}),
      ElementsAre(kMin + 1));
}

TEST(HalveTest, PixelsAtTheEndAreMadeOfWhatIsThere) {
  EXPECT_THAT(
      Halved<uint16_t>(ScalarType::kUInt16, Resampling::kAverage, 3, {1, 3, 10, 5, 7, 20, 2, 5, 9}),
      ElementsAre(4, 15, 4, 9));
  EXPECT_THAT(Halved<uint16_t>(ScalarType::kUInt16, Resampling::kAverage, 1, {1, 2, 9}),
              ElementsAre(2, 9));
}

TEST(HalveTest, LeavesOutNoDataAndKeepsItWhereAllIs) {
  const int16_t nodata = -9999;
  EXPECT_THAT(
      Halved<int16_t>(ScalarType::kInt16, Resampling::kAverage, 6,
                      {-9999, 10, -9999, -9999, 4, 4, -9999, 21, -9999, -9999, 4, 4}, &nodata),
      ElementsAre(16, -9999, 4));
}

TEST(HalveTest, MeanThatWouldBeNoDataIsTheNumberBesideIt) {
  const int16_t zero = 0;
  EXPECT_THAT(Halved<int16_t>(ScalarType::kInt16, Resampling::kAverage, 2, {-5, 5, -5, 5}, &zero),
              ElementsAre(1));
  const float nothing = 0;
  EXPECT_THAT(
      Halved<float>(ScalarType::kFloat32, Resampling::kAverage, 2, {-5, 5, -5, 5}, &nothing),
      ElementsAre(std::numeric_limits<float>::denorm_min()));
}

TEST(HalveTest, LeavesOutWhatTheMaskDoes) {
  EXPECT_THAT(Halved<uint8_t>(ScalarType::kUInt8, Resampling::kAverage, 4,
                              {10, 99, 7, 8, 20, 99, 9, 9}, nullptr, {1, 0, 0, 0, 255, 0, 0, 0}),
              ElementsAre(15, 7));
}

TEST(HalveTest, MeansOfFloatsLeaveOutNaN) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float max = std::numeric_limits<float>::max();
  const std::vector<float> halved =
      Halved<float>(ScalarType::kFloat32, Resampling::kAverage, 6,
                    {nan, 1, nan, nan, max, max, 2, 6, nan, nan, max, max});
  EXPECT_EQ(halved[0], 3);
  EXPECT_TRUE(halved[1] != halved[1]);
  EXPECT_EQ(halved[2], max);
  const double large = std::numeric_limits<double>::max();
  EXPECT_THAT(
      Halved<double>(ScalarType::kFloat64, Resampling::kAverage, 2, {large, large, large, large}),
      ElementsAre(large));
}

TEST(HalveTest, HalvesAndComplexNumbersHaveMeans) {
  std::vector<uint16_t> halves;
  for (const float value : {1.0F, 2.0F, 4.0F, 9.0F}) halves.push_back(FloatToHalf(value));
  EXPECT_EQ(HalfToFloat(Halved<uint16_t>(ScalarType::kFloat16, Resampling::kAverage, 2, halves)[0]),
            4.0F);
  using Complex = std::complex<float>;
  EXPECT_THAT(Halved<Complex>(ScalarType::kComplex64, Resampling::kAverage, 2,
                              {{1, 0}, {1, 2}, {1, 4}, {1, -2}}),
              ElementsAre(Complex(1, 1)));
}

TEST(HalveTest, ModeIsTheMostFrequentAndOfEqualsTheFirst) {
  EXPECT_THAT(Halved<uint8_t>(ScalarType::kUInt8, Resampling::kMode, 4, {1, 2, 4, 5, 2, 3, 6, 7}),
              ElementsAre(2, 4));
  const uint8_t nodata = 2;
  EXPECT_THAT(Halved<uint8_t>(ScalarType::kUInt8, Resampling::kMode, 2, {2, 2, 2, 3}, &nodata),
              ElementsAre(3));
}

TEST(HalveTest, NearestIsTheFirst) {
  EXPECT_THAT(
      Halved<uint16_t>(ScalarType::kUInt16, Resampling::kNearest, 3, {1, 3, 10, 5, 7, 20, 2, 5, 9}),
      ElementsAre(1, 10, 2, 9));
}

TEST(HalveTest, MaskIsValidWhereAnyOfTheFourIs) {
  EXPECT_THAT(
      Halved<uint8_t>(ScalarType::kUInt8, Resampling::kAnyValid, 4, {0, 0, 0, 255, 0, 0, 0, 0}),
      ElementsAre(0, 255));
}

// As bands last, and a part of what the box becomes.
TEST(HalveTest, WorksOnAnyStridesAndOnPartsOfTheResult) {
  Halving halving;
  halving.type = ScalarType::kUInt8;
  halving.x = 1;
  halving.y = 0;
  halving.band = 2;
  halving.nodata = {"", std::string(1, '\7')};
  const std::vector<uint8_t> pixels = {1, 7, 3, 7, 5, 7, 7, 7, 1, 7, 3, 7, 5, 7, 7, 9};
  const Box fine{{2, 4, 0}, {4, 8, 2}};
  const Box coarse{{1, 3, 0}, {2, 4, 2}};
  std::vector<uint8_t> to(2);
  Halve(halving, fine, {pixels.data(), CStrides(Counts(fine), 1)}, {}, coarse,
        {to.data(), CStrides(Counts(coarse), 1)});
  EXPECT_THAT(to, ElementsAre(6, 9));
}

}  // namespace
}  // namespace ndarray
