#include "tools/gdal_ndarray/verify/compare.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "driver/store/box.h"
#include "driver/store/strided_copy.h"
#include "tests/support/status_matchers.h"

namespace ndarray::tools {
namespace {

using ::ndarray::testing::IsOk;

constexpr int kWidth = 10, kHeight = 7;

// A reader of an image of kHeight lines.
template <typename T>
PieceReader ReaderOf(const std::vector<T>& image) {
  return [&image](const Box& box, void* to) {
    T* next = static_cast<T*>(to);
    for (int64_t y = box.start[0]; y < box.stop[0]; ++y) {
      for (int64_t x = box.start[1]; x < box.stop[1]; ++x) {
        *next++ = image[static_cast<size_t>(y * kWidth + x)];
      }
    }
    return Status();
  };
}

template <typename T>
Comparison Compared(ScalarType type, const std::vector<T>& here, const std::vector<T>& there,
                    size_t listed = 10) {
  const Pieces pieces = {{kHeight, kWidth}, {3, 4}, {1, 2}};
  Result<Comparison> result = Compare(pieces, type, ReaderOf(here), ReaderOf(there), listed, {});
  EXPECT_THAT(result.status(), IsOk());
  return result.ok() ? *result : Comparison();
}

TEST(Compare, FindsNothingBetweenEqualImages) {
  const std::vector<float> image(kWidth * kHeight, std::numeric_limits<float>::quiet_NaN());
  const Comparison found = Compared(ScalarType::kFloat32, image, image);
  EXPECT_EQ(found.values, kWidth * kHeight);
  EXPECT_EQ(found.different, 0);
}

TEST(Compare, ListsTheFirstDifferencesInCOrderWithTheirBounds) {
  const std::vector<uint16_t> here(kWidth * kHeight, 7);
  std::vector<uint16_t> there = here;
  there[5 * kWidth + 2] = 9;
  there[1 * kWidth + 8] = 65535;
  there[6 * kWidth + 3] = 1;
  const Comparison found = Compared(ScalarType::kUInt16, here, there, 2);
  EXPECT_EQ(found.different, 3);
  EXPECT_EQ(SliceText(found.bounds), "[1:7, 2:9]");
  ASSERT_EQ(found.first.size(), 2u);
  EXPECT_EQ(found.first[0].at, AxisVector({1, 8}));
  EXPECT_EQ(found.first[0].here, "7");
  EXPECT_EQ(found.first[0].there, "65535");
  EXPECT_EQ(found.first[1].at, AxisVector({5, 2}));
}

TEST(Compare, CountsWhatCannotBeReadHereByTheSmallestPieces) {
  const std::vector<uint8_t> image(kWidth * kHeight, 1);
  const PieceReader here = [&image](const Box& box, void* to) {
    const bool has_corner = box.start[0] == 0 && box.start[1] == 0;
    return has_corner ? Status(StatusCode::kCorrupt, "no corner") : ReaderOf(image)(box, to);
  };
  const Pieces pieces = {{kHeight, kWidth}, {3, 4}, {1, 2}};
  const Result<Comparison> found =
      Compare(pieces, ScalarType::kUInt8, here, ReaderOf(image), 10, {});
  ASSERT_THAT(found.status(), IsOk());
  EXPECT_EQ(found->unread, 2);
  EXPECT_EQ(found->values, kWidth * kHeight - 2);
  EXPECT_THAT(found->why_unread, ::testing::HasSubstr("no corner"));
}

TEST(Compare, FailsWhereTheOtherCannotBeRead) {
  const std::vector<uint8_t> image(kWidth * kHeight, 1);
  const PieceReader there = [](const Box&, void*) { return Status(StatusCode::kIo, "gone"); };
  const Pieces pieces = {{kHeight, kWidth}, {3, 4}, {1, 2}};
  EXPECT_FALSE(Compare(pieces, ScalarType::kUInt8, ReaderOf(image), there, 10, {}).ok());
}

TEST(PieceShape, IsWholeUnitsOfBoundedMemory) {
  const AxisVector piece = PieceShape({100000, 100000}, {128, 256}, 4);
  EXPECT_EQ(piece[0] % 128, 0);
  EXPECT_EQ(piece[1] % 256, 0);
  EXPECT_LE(piece[0] * piece[1] * 4, int64_t{1} << 30);
}

}  // namespace
}  // namespace ndarray::tools
