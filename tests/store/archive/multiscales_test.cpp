#include "driver/store/archive/multiscales.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace ndarray {
namespace {

using nlohmann::json;
using Names = std::vector<std::string>;

// Assets of one letter are arrays.
Result<Names> Levels(const char* text) {
  return PyramidLevels(json::parse(text), [](const std::string& asset) {
    return asset.size() == 1 ? "/" + asset : std::string();
  });
}

Names Right(const char* text) {
  const Result<Names> levels = Levels(text);
  EXPECT_TRUE(levels.ok()) << levels.status().message();
  return levels.ok() ? *levels : Names();
}

std::string Wrong(const char* text) {
  const Result<Names> levels = Levels(text);
  EXPECT_FALSE(levels.ok()) << text;
  return levels.status().message();
}

TEST(Multiscales, StartWithTheFinest) {
  EXPECT_EQ(Right(R"({"layout": [{"asset": "0"}]})"), Names({"/0"}));
  EXPECT_EQ(Right(R"({"layout": [{"asset": "2", "derived_from": "1"}, {"asset": "0"},
                                 {"asset": "1", "derived_from": "0", "transform": 7}]})"),
            Names({"/0", "/2", "/1"}));
  EXPECT_EQ(Right(R"({"layout": [{"asset": "0", "derived_from": null}, {"asset": "1"}]})"),
            Names({"/0", "/1"}));
}

TEST(Multiscales, AreRefusedWhereTheyContradictThemselves) {
  for (const char* const text : {"[]", "7", "{}", R"({"layout": {}})", R"({"layout": []})"}) {
    EXPECT_EQ(Wrong(text), "layout: found another value, wanted a list of 1 to 64 levels");
  }
  EXPECT_EQ(Wrong(R"({"layout": [{"asset": "0"}, 7]})"),
            "level 1: found another value, wanted one with an asset");
  EXPECT_EQ(Wrong(R"({"layout": [{"asset": 0}]})"),
            "level 0: found another value, wanted one with an asset");
  EXPECT_EQ(Wrong(R"({"layout": [{"asset": "../0"}]})"),
            "asset '../0': found none, wanted an array of the group");
  EXPECT_EQ(Wrong(R"({"layout": [{"asset": "0"}, {"asset": "0"}]})"),
            "asset '0': found one that is named before, wanted each once");
  EXPECT_EQ(Wrong(R"({"layout": [{"asset": "0"}, {"asset": "1", "derived_from": "2"}]})"),
            "derived_from of asset '1': found '2', wanted a finer asset");
  EXPECT_EQ(Wrong(R"({"layout": [{"asset": "0", "derived_from": "1"},
                                 {"asset": "1", "derived_from": "0"}]})"),
            "derived_from of asset '0': found a cycle, wanted a finer asset");
  EXPECT_EQ(Wrong(R"({"layout": [{"asset": "0"}, {"asset": "1"},
                                 {"asset": "2", "derived_from": "1"}]})"),
            "levels derived from none: found 2, wanted one");
}

}  // namespace
}  // namespace ndarray
