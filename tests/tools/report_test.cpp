#include "tools/gdal_ndarray/report.h"

#include <gtest/gtest.h>

namespace ndarray::tools {
namespace {

TEST(BytesText, HasThreeDigitsAndPowersOfAThousand) {
  EXPECT_EQ(BytesText(0), "0 bytes");
  EXPECT_EQ(BytesText(999), "999 bytes");
  EXPECT_EQ(BytesText(537000000), "537 MB");
  EXPECT_EQ(BytesText(18446744073709551615u).substr(0, 2), "18");
}

TEST(NumberJson, KeepsNumbersExactAndAllElseAsText) {
  EXPECT_EQ(NumberJson("18446744073709551615").dump(), "18446744073709551615");
  EXPECT_EQ(NumberJson("0.1").dump(), "0.1");
  EXPECT_EQ(NumberJson("nan").dump(), "\"nan\"");
  EXPECT_EQ(NumberJson("1+2j").dump(), "\"1+2j\"");
}

TEST(Report, ShowsTheSameFactsAsTextAndAsJson) {
  Report report;
  report.Add("size", "Size", 3, "3 lines");
  report.AddValue("hidden", true);
  EXPECT_EQ(Report::Json::parse(report.AsJson()), (Report::Json{{"size", 3}, {"hidden", true}}));
  EXPECT_NE(report.AsText().find("3 lines"), std::string::npos);
  EXPECT_EQ(report.AsText().find("hidden"), std::string::npos);
}

}  // namespace
}  // namespace ndarray::tools
