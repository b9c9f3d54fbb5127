#include "driver/store/msgpack.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/frame_bytes.h"
#include "tests/support/status_matchers.h"
#include "tests/support/strided_buffer.h"

namespace ndarray {
namespace {

using nlohmann::json;
using testing::Big;
using testing::FailsWith;
using testing::IsOk;

Result<json> Parse(std::string_view bytes) {
  int64_t max_values = kMaxMsgpackValues;
  return ParseMsgpack(bytes, max_values);
}

std::string Shown(const std::string& bytes) {
  const auto value = Parse(bytes);
  return value.ok() ? Presentable(*value).dump(-1, ' ', false, json::error_handler_t::replace)
                    : "error: " + value.status().message();
}

TEST(Msgpack, ReadsEveryKindOfValue) {
  using namespace std::string_literals;  // NOLINT: bytes of zero
  EXPECT_EQ(Shown("\xc0"s), "null");
  EXPECT_EQ(Shown("\xc2"s), "false");
  EXPECT_EQ(Shown("\xc3"s), "true");
  EXPECT_EQ(Shown("\x7f"s), "127");
  EXPECT_EQ(Shown("\xe0"s), "-32");
  EXPECT_EQ(Shown("\xcc" + Big(255, 1)), "255");
  EXPECT_EQ(Shown("\xcd" + Big(65535, 2)), "65535");
  EXPECT_EQ(Shown("\xce" + Big(4294967295, 4)), "4294967295");
  EXPECT_EQ(Shown("\xcf" + Big(UINT64_MAX, 8)), "18446744073709551615");
  EXPECT_EQ(Shown("\xd0" + Big(0x80, 1)), "-128");
  EXPECT_EQ(Shown("\xd1" + Big(0x8000, 2)), "-32768");
  EXPECT_EQ(Shown("\xd2" + Big(0x80000000, 4)), "-2147483648");
  EXPECT_EQ(Shown("\xd3" + Big(uint64_t{1} << 63, 8)), "-9223372036854775808");
  EXPECT_EQ(Shown("\xca\x3f\x80\x00\x00"s), "1.0");
  EXPECT_EQ(Shown("\xcb\x3f\xe0" + std::string(6, '\0')), "0.5");
  EXPECT_EQ(Shown("\xa3"
                  "abc"s),
            "\"abc\"");
  EXPECT_EQ(Shown("\xd9\x03"
                  "abc"s),
            "\"abc\"");
  EXPECT_EQ(Shown("\xda" + Big(3, 2) + "abc"), "\"abc\"");
  EXPECT_EQ(Shown("\xdb" + Big(3, 4) + "abc"), "\"abc\"");
  EXPECT_EQ(Shown("\xc4\x02"
                  "ab"s),
            "\"(2 bytes)\"");
  EXPECT_EQ(Shown("\xc6" + Big(2, 4) + "ab"), "\"(2 bytes)\"");
  EXPECT_EQ(Shown("\x92\x01\x91\x02"s), "[1,[2]]");
  EXPECT_EQ(Shown("\xdc" + Big(2, 2) + "\x01\x02"), "[1,2]");
  EXPECT_EQ(Shown("\xdd" + Big(1, 4) + "\x01"), "[1]");
  EXPECT_EQ(Shown("\x82\xa1"
                  "a\x01\xa1"
                  "b\x90"s),
            R"({"a":1,"b":[]})");
}

TEST(Msgpack, ShowsTuplesOfPythonBlosc2AsLists) {
  const std::string tuple =
      "\x92\xa9"
      "__tuple__\x01";
  EXPECT_EQ(Shown(tuple), "[1]");
  EXPECT_EQ(Shown("\x91" + tuple), "[[1]]");
}

TEST(Msgpack, ShowsLongTextsByTheirLength) {
  constexpr size_t kLong = (size_t{1} << 20) + 1;
  EXPECT_EQ(Shown("\xdb" + Big(kLong, 4) + std::string(kLong, 'x')), "\"(1048577 bytes)\"");
}

TEST(Msgpack, ShowsTextThatIsNoUtf8) {
  EXPECT_EQ(Shown("\x91\xa2\xff\xfe"), "[\"\xEF\xBF\xBD\xEF\xBF\xBD\"]");
}

TEST(Msgpack, RefusesWhatIsNoSingleValue) {
  for (const std::string& bytes : {
           std::string(),
           std::string("\xc1"),      // never used
           std::string("\x01\x02"),  // two values
           std::string("\x92\x01"),  // one of two
           std::string("\x81\xa1"
                       "a"),             // a key without a value
           std::string("\x81\x01\x01"),  // a key that is no text
           std::string("\xa5"
                       "abc"),
           "\xdb" + Big(0xFFFFFFFF, 4),
           "\xc6" + Big(0x80000000, 4) + "x",
           "\xdd" + Big(0xFFFFFFFF, 4),
           "\xdf" + Big(0xFFFFFFFF, 4),
           std::string("\xcf\x01"),
       }) {
    EXPECT_THAT(Parse(bytes), FailsWith(StatusCode::kCorrupt, "msgpack: found"))
        << ::testing::PrintToString(bytes);
  }
}

TEST(Msgpack, RefusesDeepNesting) {
  const auto nested = [](size_t levels) { return std::string(levels, '\x91') + '\1'; };
  EXPECT_THAT(Parse(nested(64)), IsOk());
  EXPECT_THAT(Parse(nested(65)),
              FailsWith(StatusCode::kNotSupported, "msgpack: found more values or deeper nesting"));
  // Deep enough for a parser that calls itself to leave its stack.
  EXPECT_FALSE(Parse(nested(size_t{4} << 20)).ok());
  std::string maps;
  for (int i = 0; i < 100000; ++i)
    maps +=
        "\x81\xa1"
        "a";
  EXPECT_FALSE(Parse(maps + "\x01").ok());
}

TEST(Msgpack, RefusesMoreValuesThanMetadataHas) {
  constexpr size_t kMany = (size_t{4} << 20) + 1;
  EXPECT_THAT(Parse("\xdd" + Big(kMany, 4) + std::string(kMany, '\1')),
              FailsWith(StatusCode::kNotSupported, "msgpack: found more values"));
}

TEST(Msgpack, TakesValuesFromABudget) {
  int64_t max_values = 7;
  const std::string three = "\x92\x01\x02";
  EXPECT_THAT(ParseMsgpack(three, max_values), IsOk());
  EXPECT_THAT(ParseMsgpack(three, max_values), IsOk());
  EXPECT_EQ(max_values, 1);
  EXPECT_THAT(ParseMsgpack(three, max_values),
              FailsWith(StatusCode::kNotSupported, "wanted 1 values"));
  EXPECT_THAT(ParseMsgpack("\x01", max_values), IsOk());
}

TEST(Msgpack, TakesNoMemoryForClaims) {
  // An array of arrays that each claim 2^32 - 1 values.
  std::string bytes;
  for (int i = 0; i < 60; ++i) bytes += "\xdd" + Big(0xFFFFFFFF, 4);
  EXPECT_FALSE(Parse(bytes).ok());
}

TEST(Msgpack, AnswersAnyBytes) {
  testing::Random random(1);
  for (int i = 0; i < 20000; ++i) {
    const std::string bytes =
        testing::RandomBytes(random, static_cast<size_t>(testing::RandomInt(random, 0, 24)));
    const std::vector<char> exact(bytes.begin(), bytes.end());
    const auto value = Parse({exact.data(), exact.size()});
    if (value.ok()) {
      Presentable(*value);
    } else {
      EXPECT_FALSE(value.status().message().empty());
    }
  }
}

TEST(Msgpack, PresentableValuesKeepNumbersThatJsonLacks) {
  using namespace std::string_literals;  // NOLINT: bytes of zero
  const json value = Presentable(
      *Parse("\x92\xcb\x7f\xf8"s + std::string(6, '\0') + "\xcb\xff\xf0" + std::string(6, '\0')));
  EXPECT_TRUE(std::isnan(value[0].get<double>()));
  EXPECT_EQ(value[1].get<double>(), -std::numeric_limits<double>::infinity());
}

TEST(Msgpack, PresentableTextsAndNamesAreUtf8) {
  const json value = Presentable(*Parse("\x81\xa2z\xff\xa2z\xff"));
  EXPECT_EQ(value.dump(), "{\"z\xEF\xBF\xBD\":\"z\xEF\xBF\xBD\"}");
}

}  // namespace
}  // namespace ndarray
