#include "driver/store/json_text.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>

namespace ndarray {
namespace {

using nlohmann::json;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

TEST(JsonText, WritesTheNumbersThatJsonLacksAsPythonDoes) {
  EXPECT_EQ(JsonText(kNan), "NaN");
  EXPECT_EQ(JsonText({1.5, kNan, {{"a", -kInfinity}}, kInfinity}),
            R"([1.5,NaN,{"a":-Infinity},Infinity])");
}

TEST(JsonText, ReadsThemAgain) {
  const json value = ParseJsonText(R"([1.5, NaN, {"a": -Infinity}, Infinity])");
  ASSERT_TRUE(value.is_array());
  EXPECT_EQ(value[0], 1.5);
  EXPECT_TRUE(std::isnan(value[1].get<double>()));
  EXPECT_EQ(value[2]["a"].get<double>(), -kInfinity);
  EXPECT_EQ(value[3].get<double>(), kInfinity);
}

TEST(JsonText, LeavesSuchWordsInTextsAlone) {
  for (const std::string text : {"NaN", "a \"NaN\" b", "-Infinity\\", "\\\"NaN", "[NaN"}) {
    const json value = {{text, {text, kNan}}};
    const json again = ParseJsonText(JsonText(value));
    ASSERT_TRUE(again.contains(text)) << JsonText(value);
    EXPECT_EQ(again[text][0], text);
    EXPECT_TRUE(std::isnan(again[text][1].get<double>()));
  }
}

TEST(JsonText, ReplacesWhatIsNotUtf8) { EXPECT_EQ(JsonText("a\xff"), "\"a\xEF\xBF\xBD\""); }

TEST(JsonText, DiscardsWhatIsNoJson) {
  for (const char* const text : {"", "{", "NaNs", "[1,]", "\"a", "--Infinity", "\"a\\"}) {
    EXPECT_TRUE(ParseJsonText(text).is_discarded()) << text;
  }
}

TEST(JsonText, DiscardsNestingThatNoMetadataHas) {
  const auto nested = [](size_t levels) {
    return std::string(levels, '[') + std::string(levels, ']');
  };
  EXPECT_FALSE(ParseJsonText(nested(64)).is_discarded());
  EXPECT_TRUE(ParseJsonText(nested(65)).is_discarded());
  EXPECT_TRUE(ParseJsonText(nested(1000000)).is_discarded());
}

}  // namespace
}  // namespace ndarray
