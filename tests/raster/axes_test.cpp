#include "driver/raster/axes.h"

#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace ndarray {
namespace {

using testing::FailsWith;

std::string NameFor(const AxisVector& shape) { return ChooseAxes(shape, {}, "")->name; }

TEST(Axes, FollowsTheRuleOfTheShape) {
  EXPECT_EQ(NameFor({7}), "X");
  EXPECT_EQ(NameFor({7, 8}), "YX");
  EXPECT_EQ(NameFor({3, 7, 8}), "BYX");
  EXPECT_EQ(NameFor({7, 8, 4}), "YXB");
  EXPECT_EQ(NameFor({7, 8, 5}), "BYX");
  EXPECT_EQ(NameFor({4, 8, 4}), "BYX");
}

TEST(Axes, RejectsNamesThatDoNotFit) {
  EXPECT_THAT(ChooseAxes({3, 7, 8}, {}, "YX"),
              FailsWith(StatusCode::kInvalidArgument, "3 letters"));
  EXPECT_THAT(ChooseAxes({7, 8}, {}, "YY"), FailsWith(StatusCode::kInvalidArgument, "AXES"));
}

TEST(Axes, ChoosesAmongTheAxesAfterTheIndex) {
  const auto axes = ChooseAxes({2, 3, 40, 50}, {1}, "");
  EXPECT_EQ(axes->name, "BYX");
  EXPECT_EQ(axes->band, 1);
  EXPECT_EQ(axes->y, 2);
  EXPECT_EQ(axes->x, 3);
  EXPECT_EQ(ChooseAxes({2, 3, 40, 50}, {1, 2}, "")->name, "YX");
  EXPECT_EQ(ChooseAxes({2, 3, 40, 50}, {1, 2, 39}, "")->name, "X");
}

TEST(Axes, RejectsIndexesThatAreNone) {
  for (const AxisVector& index : std::vector<AxisVector>{{2}, {-1}, {0, 0, 0, 0}}) {
    EXPECT_THAT(ChooseAxes({2, 3, 4, 5}, index, ""),
                FailsWith(StatusCode::kInvalidArgument, "index"));
  }
  EXPECT_THAT(ChooseAxes({2, 3, 4, 5}, {}, ""),
              FailsWith(StatusCode::kInvalidArgument, "at most 3 axes"));
}

TEST(Axes, RejectsRasterAxesOfTwoGigapixels) {
  EXPECT_THAT(ChooseAxes({int64_t{1} << 31}, {}, ""),
              FailsWith(StatusCode::kNotSupported, "below 2^31"));
  EXPECT_EQ(ChooseAxes({(int64_t{1} << 31) - 1}, {}, "")->name, "X");
}

TEST(Axes, NamesTheInterleaving) {
  const auto interleave = [](const char* name, bool fortran_order) {
    return std::string(ChooseAxes({5, 6, 7}, {}, name)->Interleave(fortran_order));
  };
  EXPECT_EQ(interleave("BYX", false), "BAND");
  EXPECT_EQ(interleave("YXB", false), "PIXEL");
  EXPECT_EQ(interleave("YBX", false), "LINE");
  EXPECT_EQ(interleave("BYX", true), "PIXEL");
  EXPECT_EQ(interleave("YXB", true), "BAND");
}

TEST(ParseIndex, ReadsWhatNumpyWouldTake) {
  EXPECT_EQ(*ParseIndex("[3]"), (AxisVector{3}));
  EXPECT_EQ(*ParseIndex("[0,2]"), (AxisVector{0, 2}));
  EXPECT_EQ(*ParseIndex("[ 0 , 2 ]"), (AxisVector{0, 2}));
  EXPECT_EQ(*ParseIndex("3"), (AxisVector{3}));
  EXPECT_EQ(*ParseIndex("0, 2"), (AxisVector{0, 2}));
}

TEST(ParseIndex, RejectsEverythingElse) {
  std::string many = "[0";
  for (int i = 0; i < kMaxAxes; ++i) many += ",0";
  for (const std::string& text :
       {std::string(""), std::string("[]"), std::string("3]"), std::string("[3"), std::string("["),
        std::string("-1"), std::string("1,"), std::string("1:2"), std::string("[-1]"),
        std::string("[1,]"), std::string("[1 2]"), std::string("[:]"),
        std::string("[99999999999999999999]"), many + "]"}) {
    EXPECT_THAT(ParseIndex(text), FailsWith(StatusCode::kInvalidArgument, "index")) << text;
  }
}

TEST(ShapeForAxes, NeedsAnAxisForEverythingThereIs) {
  EXPECT_EQ(*ShapeForAxes("YXB", 3, 5, 7), (AxisVector{5, 7, 3}));
  EXPECT_EQ(*ShapeForAxes("X", 1, 1, 7), (AxisVector{7}));
  EXPECT_THAT(ShapeForAxes("YX", 3, 5, 7), FailsWith(StatusCode::kInvalidArgument, "a B"));
  EXPECT_THAT(ShapeForAxes("BX", 3, 5, 7), FailsWith(StatusCode::kInvalidArgument, "a Y"));
}

}  // namespace
}  // namespace ndarray
