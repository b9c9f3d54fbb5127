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

}  // namespace
}  // namespace ndarray
