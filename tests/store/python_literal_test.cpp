#include "driver/store/dtype/python_literal.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/status_matchers.h"

namespace ndarray {
namespace {

using testing::FailsWith;
using testing::IsOk;

// Parses text that outlives the result.
template <typename T>
const T* Parse(const std::string& text) {
  static Result<PyValue> value = Status(StatusCode::kCorrupt, "nothing parsed yet");
  static std::string kept;
  kept = text;
  value = ParsePythonLiteral(kept);
  return value.ok() ? value->As<T>() : nullptr;
}

std::string StringOf(const std::string& text) {
  const auto* value = Parse<std::string>(text);
  return value == nullptr ? "(no string)" : *value;
}

int64_t IntegerOf(const std::string& text) {
  const auto* value = Parse<int64_t>(text);
  return value == nullptr ? -999 : *value;
}

void ExpectCorrupt(const std::string& text, const std::string& wanted) {
  EXPECT_THAT(ParsePythonLiteral(text), FailsWith(StatusCode::kCorrupt, wanted)) << text;
}

TEST(PythonLiteral, ReadsConstants) {
  EXPECT_NE(Parse<PyNone>("None"), nullptr);
  ASSERT_NE(Parse<bool>("True"), nullptr);
  EXPECT_TRUE(*Parse<bool>("True"));
  EXPECT_FALSE(*Parse<bool>(" False\n"));
  ExpectCorrupt("none", "a Python literal");
  ExpectCorrupt("Nonesense", "the end of the literal");
}

TEST(PythonLiteral, ReadsIntegersOf64Bits) {
  EXPECT_EQ(IntegerOf("0"), 0);
  EXPECT_EQ(IntegerOf("-17"), -17);
  EXPECT_EQ(IntegerOf("12L"), 12);
  EXPECT_EQ(IntegerOf("9223372036854775807"), INT64_MAX);
  EXPECT_EQ(IntegerOf("-9223372036854775808"), INT64_MIN);
  ExpectCorrupt("9223372036854775808", "an integer below 2^63");
  ExpectCorrupt("-9223372036854775809", "an integer below 2^63");
  ExpectCorrupt("-", "an integer below 2^63");
  ExpectCorrupt("--1", "an integer below 2^63");
  ExpectCorrupt("1.5", "the end of the literal");
  ExpectCorrupt("1e5", "the end of the literal");
}

TEST(PythonLiteral, ReadsStrings) {
  EXPECT_EQ(StringOf("''"), "");
  EXPECT_EQ(StringOf("'a b'"), "a b");
  EXPECT_EQ(StringOf("\"it's\""), "it's");
  EXPECT_EQ(StringOf("u'a'"), "a");
  EXPECT_EQ(StringOf("b\"a\""), "a");
  EXPECT_EQ(StringOf("'{[('"), "{[(");
  ExpectCorrupt("'a", "a closing quote");
  ExpectCorrupt("'a\"", "a closing quote");
  ExpectCorrupt("'a\nb'", "a closing quote");
  ExpectCorrupt("u", "a Python literal");
  ExpectCorrupt("f'a'", "a Python literal");
  ExpectCorrupt("rrr'a'", "a Python literal");
}

TEST(PythonLiteral, ReadsStringsOfEveryForm) {
  EXPECT_EQ(StringOf("'a' \"b\"\n'''c'''"), "abc");
  EXPECT_EQ(StringOf("'''a\n'b'''"), "a\n'b");
  EXPECT_EQ(StringOf("''"), "");
  EXPECT_EQ(StringOf(R"(r'\x\'' R"\n" bR'' Br"")"), R"(\x\'\n)");
  EXPECT_EQ(StringOf(R"('\q\8')"), R"(\q\8)");  // kept, as Python does
  EXPECT_EQ(StringOf(R"('\101\0\60')"), std::string("A\0000", 3));
  EXPECT_EQ(StringOf("'a\\\nb'"), "ab");
  ExpectCorrupt("'''a''", "a closing quote");
  ExpectCorrupt("r'\\", "an escaped character");
  ExpectCorrupt("'a' '", "a closing quote");
}

TEST(PythonLiteral, ReadsIntegersOfEveryForm) {
  EXPECT_EQ(IntegerOf("+1"), 1);
  EXPECT_EQ(IntegerOf("- 1"), -1);
  EXPECT_EQ(IntegerOf("0x1F"), 31);
  EXPECT_EQ(IntegerOf("0O17"), 15);
  EXPECT_EQ(IntegerOf("-0b101"), -5);
  EXPECT_EQ(IntegerOf("1_000"), 1000);
  EXPECT_EQ(IntegerOf("12 L"), 12);
  EXPECT_EQ(IntegerOf("0x7fffffffffffffff"), INT64_MAX);
  for (const std::string text : {"0x", "0xg", "0b2", "0o8", "_1", "1_", "1__0",
                                 "0x8000000000000000", "0xffffffffffffffffff", "-", "+-1"}) {
    ExpectCorrupt(text, "wanted");
  }
}

TEST(PythonLiteral, ReadsNumPysOwnIntegersBoolsAndStrings) {
  EXPECT_EQ(IntegerOf("np.int64(3)"), 3);
  EXPECT_EQ(IntegerOf("numpy.intp( -3 )"), -3);
  EXPECT_EQ(StringOf("np.str_('a')"), "a");
  EXPECT_TRUE(*Parse<bool>("np.True_"));
  EXPECT_FALSE(*Parse<bool>("numpy.bool_(False)"));
  for (const std::string text :
       {"np.", "np.(3)", "np.int64", "np.int64(", "np.int64(3", "np.int64()", "np.int64('3')",
        "np.int64(3.5)", "np.float64(3)", "np.str_(3)", "np.bool_(1)", "np.system('x')",
        "os.int64(3)", "np.int64(3, 4)", "numpy.uint8 (3)", "np.ndarray((3,))", "np.True",
        "numpy.int64.x(3)"}) {
    ExpectCorrupt(text, "wanted");
  }
  std::string nested = "3";
  for (int i = 0; i < 40; ++i) nested = "np.int64(" + nested + ")";
  ExpectCorrupt(nested, "32 levels");
}

TEST(PythonLiteral, SkipsCommentsAndJoinsLines) {
  EXPECT_EQ(IntegerOf(" # first\n 3 # last"), 3);
  EXPECT_EQ(IntegerOf("\\\n3\\\r\n"), 3);
  EXPECT_EQ(StringOf("'#' # no part of it\n'b'"), "#b");
  EXPECT_EQ(Parse<PyTuple>("(1, # one\n2)#")->items.size(), 2u);
  ExpectCorrupt("# only\n", "the end");
  ExpectCorrupt("3 \\ ", "the end of the literal");
}

TEST(PythonLiteral, ReadsEscapes) {
  EXPECT_EQ(StringOf(R"('\\\'\"\n\r\t\a\b\f\v')"), "\\'\"\n\r\t\a\b\f\v");
  EXPECT_EQ(StringOf(R"('\x41\x00\xff')"), std::string("A\0\xC3\xBF", 4));
  EXPECT_EQ(StringOf(R"('\u00e9\u07ff\u0800\uffff')"), "\xC3\xA9\xDF\xBF\xE0\xA0\x80\xEF\xBF\xBF");
  EXPECT_EQ(StringOf(R"('\U00010000\U0010ffff')"), "\xF0\x90\x80\x80\xF4\x8F\xBF\xBF");
}

TEST(PythonLiteral, RejectsBrokenEscapes) {
  ExpectCorrupt("'\\", "an escaped character");
  ExpectCorrupt(R"('\N{DIGIT ONE}')", "a known escape");
  for (const std::string escape : {"\\x", "\\x4", "\\x4g", "\\x-1", "\\x+1", "\\x 1", "\\u123",
                                   "\\U0011000", "\\U00110000", "\\ud800", "\\udfff"}) {
    ExpectCorrupt("'" + escape + "'", "hexadecimal digits");
  }
}

TEST(PythonLiteral, ReadsTuplesAndLists) {
  EXPECT_EQ(Parse<PyTuple>("()")->items.size(), 0u);
  EXPECT_EQ(Parse<PyTuple>("(1,)")->items.size(), 1u);
  EXPECT_EQ(Parse<PyTuple>("(1, 'a', None,)")->items.size(), 3u);
  EXPECT_EQ(Parse<PyList>("[]")->items.size(), 0u);
  EXPECT_EQ(Parse<PyList>("[1]")->items.size(), 1u);
  EXPECT_EQ(Parse<PyList>("[1,2,]")->items.size(), 2u);
  const auto* nested = Parse<PyList>("[('a', [(1, 2)])]");
  ASSERT_NE(nested, nullptr);
  EXPECT_EQ(nested->items[0].As<PyTuple>()->items[1].As<PyList>()->items.size(), 1u);
}

TEST(PythonLiteral, TakesOneValueInParenthesesAsThatValue) {
  EXPECT_EQ(IntegerOf("(3)"), 3);
  EXPECT_EQ(IntegerOf("((3))"), 3);
}

TEST(PythonLiteral, RejectsBrokenSequences) {
  for (const std::string text : {"(1 2)", "[1 2]"}) ExpectCorrupt(text, "closing bracket");
  for (const std::string text : {"(,)", "[,]", "(1,,)", "[1,,2]", "(1]", "[1)", "(", "[", "(1,"}) {
    ExpectCorrupt(text, "wanted");
  }
}

TEST(PythonLiteral, ReadsDictsInFileOrder) {
  const auto* dict = Parse<PyDict>("{'b': 1, 'a': (2,), 'b': 3,}");
  ASSERT_NE(dict, nullptr);
  ASSERT_EQ(dict->items.size(), 3u);
  EXPECT_EQ(dict->items[0].first, "b");
  EXPECT_EQ(dict->items[1].first, "a");
  EXPECT_EQ(*dict->items[2].second.As<int64_t>(), 3);
  EXPECT_EQ(Parse<PyDict>("{}")->items.size(), 0u);
}

TEST(PythonLiteral, RejectsBrokenDicts) {
  for (const std::string text : {"{,}", "{'a'}", "{'a' 1}", "{'a': }", "{'a': 1 'b': 2}",
                                 "{'a': 1,,}", "{'a': 1", "{'a': 1]", "{"}) {
    ExpectCorrupt(text, "wanted");
  }
  ExpectCorrupt("{1: 2}", "a string as key");
}

TEST(PythonLiteral, KeepsTheTextOfEachValue) {
  const std::string text = "  [ 'a' , (1, 2) ]  ";
  const auto value = ParsePythonLiteral(text);
  ASSERT_THAT(value, IsOk());
  EXPECT_EQ(value->text, "[ 'a' , (1, 2) ]");
  const auto& items = value->As<PyList>()->items;
  EXPECT_EQ(items[0].text, "'a'");
  EXPECT_EQ(items[1].text, "(1, 2)");
}

TEST(PythonLiteral, SaysWhatItFoundAndWhere) {
  ExpectCorrupt("", "header literal: found the end, wanted a Python literal");
  ExpectCorrupt("[1, ?\x01\xE9]", "found '???]' at byte 4, wanted a Python literal");
}

TEST(PythonLiteral, LimitsNesting) {
  const std::string open(32, '[');
  const std::string close(32, ']');
  EXPECT_THAT(ParsePythonLiteral(open + close), IsOk());
  EXPECT_THAT(ParsePythonLiteral(open + "1" + close), IsOk());
  ExpectCorrupt(open + "[1]" + close, "32 levels");
  for (const char c : {'(', '[', '{'}) ExpectCorrupt(std::string(1 << 20, c), "wanted");
  std::string dicts;
  for (int i = 0; i < 100000; ++i) dicts += "{'a':";
  ExpectCorrupt(dicts, "32 levels");
}

// Each value takes many times the memory of its text.
TEST(PythonLiteral, LimitsValues) {
  std::string text = "[";
  for (int i = 0; i < (1 << 20); ++i) text += "1,";
  ExpectCorrupt(text + "]", "1048576 values");
}

}  // namespace
}  // namespace ndarray
