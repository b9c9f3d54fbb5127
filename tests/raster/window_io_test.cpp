#include "driver/raster/window_io.h"

#include <gtest/gtest.h>

#include <numeric>

#include "tests/support/memory_array.h"
#include "tests/support/status_matchers.h"

namespace ndarray {
namespace {

using testing::FailsWith;
using testing::IsOk;
using testing::MemoryArray;

constexpr int kBands = 5;
constexpr int kHeight = 6;
constexpr int kWidth = 7;

class WindowIoTest : public ::testing::TestWithParam<const char*> {
 protected:
  WindowIoTest()
      : array_(std::make_shared<MemoryArray>(ScalarType::kUInt16, Shape())),
        io_(array_, *ChooseAxes(Shape(), {}, GetParam()), 2) {
    const Axes& axes = io_.axes();
    const Box all = io_.WindowBox(0, 0, kWidth, kHeight, 0, kBands);
    std::vector<uint16_t> values(kBands * kHeight * kWidth);
    AxisVector strides(3);
    strides[axes.band] = 2 * kHeight * kWidth;
    strides[axes.y] = 2 * kWidth;
    strides[axes.x] = 2;
    std::iota(values.begin(), values.end(), uint16_t{0});
    EXPECT_THAT(array_->Write(0, all, {values.data(), strides}), IsOk());
  }

  static AxisVector Shape() { return *ShapeForAxes(GetParam(), kBands, kHeight, kWidth); }

  static uint16_t Value(int64_t band, int y, int x) {
    return static_cast<uint16_t>((band * kHeight + y) * kWidth + x);
  }

  static std::vector<BandSource> Bands(const std::vector<int64_t>& indexes) {
    std::vector<BandSource> bands;
    for (const int64_t index : indexes) bands.push_back({0, index, {GDT_UInt16}});
    return bands;
  }

  Status Read(const std::vector<int64_t>& indexes, GDALDataType type, void* data) {
    const GSpacing size = PixelBytes(type);
    const WindowRequest request{GF_Read, 1, 2, 4, 3, data, type, size, size * 4, size * 4 * 3};
    const std::vector<BandSource> bands = Bands(indexes);
    return io_.Transfer(request, bands.data(), static_cast<int>(bands.size()), {});
  }

  template <typename T>
  void ExpectWindow(const std::vector<int64_t>& indexes, const std::vector<T>& data) {
    size_t i = 0;
    for (const int64_t band : indexes) {
      for (int y = 2; y < 5; ++y) {
        for (int x = 1; x < 5; ++x) EXPECT_EQ(data[i++], static_cast<T>(Value(band, y, x)));
      }
    }
  }

  std::shared_ptr<MemoryArray> array_;
  WindowIo io_;
};

TEST_P(WindowIoTest, ReadsBandsInAnyOrder) {
  for (const std::vector<int64_t>& bands : std::vector<std::vector<int64_t>>{
           {0, 1, 2, 3, 4}, {4, 3, 2, 1, 0}, {2}, {1, 1, 0}, {0, 2, 4}, {3, 4, 0, 1}, {2, 1, 2}}) {
    std::vector<uint16_t> data(bands.size() * 12);
    EXPECT_THAT(Read(bands, GDT_UInt16, data.data()), IsOk());
    ExpectWindow(bands, data);
  }
}

TEST_P(WindowIoTest, ReadsNeighbouringBandsAtOnce) {
  std::vector<uint16_t> data(kBands * 12);
  ASSERT_THAT(Read({0, 1, 2, 3, 4}, GDT_UInt16, data.data()), IsOk());
  ASSERT_THAT(Read({4, 3, 2, 1, 0}, GDT_UInt16, data.data()), IsOk());
  EXPECT_EQ(array_->reads().size(), 2u);
  ASSERT_THAT(Read({0, 1, 3, 4, 0}, GDT_UInt16, data.data()), IsOk());
  EXPECT_EQ(array_->reads().size(), 5u);
}

TEST_P(WindowIoTest, ConvertsToOtherTypes) {
  std::vector<double> doubles(36);
  EXPECT_THAT(Read({4, 0, 1}, GDT_Float64, doubles.data()), IsOk());
  ExpectWindow({4, 0, 1}, doubles);
  std::vector<uint8_t> bytes(12);  // values up to 209 fit
  EXPECT_THAT(Read({4}, GDT_Byte, bytes.data()), IsOk());
  ExpectWindow({4}, bytes);
}

TEST_P(WindowIoTest, WritesWhatItReads) {
  std::vector<float> values(36);
  std::iota(values.begin(), values.end(), 1000.0f);
  const WindowRequest request{GF_Write, 1, 2, 4, 3, values.data(), GDT_Float32, 4, 16, 48};
  const std::vector<BandSource> bands = Bands({2, 0, 1});
  ASSERT_THAT(io_.Transfer(request, bands.data(), 3, {}), IsOk());
  std::vector<float> back(36);
  ASSERT_THAT(Read({2, 0, 1}, GDT_Float32, back.data()), IsOk());
  EXPECT_EQ(back, values);
}

TEST_P(WindowIoTest, ReportsFailuresOfTheArray) {
  array_->FailWith(Status(StatusCode::kIo, "broken"));
  std::vector<double> data(12);
  EXPECT_THAT(Read({1}, GDT_UInt16, data.data()), FailsWith(StatusCode::kIo, "broken"));
  EXPECT_THAT(Read({1}, GDT_Float64, data.data()), FailsWith(StatusCode::kIo, "broken"));
}

TEST_P(WindowIoTest, StopsWhenProgressSaysSo) {
  std::vector<uint16_t> data(kBands * kHeight * kWidth);
  const WindowRequest request{GF_Read,     0,          0, kWidth,     kHeight,
                              data.data(), GDT_UInt16, 2, 2 * kWidth, 2 * kWidth * kHeight};
  const std::vector<BandSource> bands = Bands({0, 1, 2, 3, 4});
  double last = 0;
  const auto stop = [&last](double done) {
    last = done;
    return false;
  };
  EXPECT_THAT(io_.Transfer(request, bands.data(), kBands, stop),
              FailsWith(StatusCode::kCancelled, "memory.npy: interrupted"));
  EXPECT_GT(last, 0.0);
}

INSTANTIATE_TEST_SUITE_P(AllOrders, WindowIoTest,
                         ::testing::Values("BYX", "BXY", "YBX", "YXB", "XBY", "XYB"),
                         [](const auto& param) { return std::string(param.param); });

// One 32-bit field at a time: boxes hold more than int can count.
TEST(WindowBox, DoesNotOverflowAtTheLastPixel) {
  const auto array =
      MemoryArray::WithoutElements(ScalarType::kUInt8, AxisVector{INT32_MAX, INT32_MAX});
  const WindowIo io(array, *ChooseAxes({INT32_MAX, INT32_MAX}, {}, ""), 1);
  const Box box = io.WindowBox(INT32_MAX - 1, INT32_MAX - 1, 1, 1, 0, 1);
  EXPECT_EQ(box.stop, (AxisVector{INT32_MAX, INT32_MAX}));
}

}  // namespace
}  // namespace ndarray
