// Structured dtypes in .npy headers, and their names in the encodings of the three versions.
#include <gtest/gtest.h>

#include <string>

#include "driver/store/npy/npy_header.h"
#include "tests/support/npy_files.h"
#include "tests/support/status_matchers.h"

namespace ndarray {
namespace {

using ::testing::ElementsAre;
using testing::FailsWith;
using testing::HeaderText;
using testing::IsOk;
using testing::NpyBytes;

Result<NpyHeader> ParseDescr(std::string_view descr, int version = 2) {
  return ParseNpyHeader(NpyBytes(version, HeaderText(descr, "(3,)")));
}

// "NAME TYPE @OFFSET" of each field.
std::vector<std::string> FieldsOf(const Result<NpyHeader>& header) {
  if (!header.ok()) return {header.status().message()};
  std::vector<std::string> fields;
  for (const Field& field : header->fields) {
    fields.push_back(field.name + " " + TypeString(field.dtype) + " @" +
                     std::to_string(field.offset_bytes));
  }
  return fields;
}

std::string FirstName(const Result<NpyHeader>& header) {
  return header.ok() ? header->fields[0].name : header.status().message();
}

TEST(NpyRecord, ReadsFieldsWithOffsets) {
  const auto header = ParseDescr("[('r', '|u1'), ('g', '>u2'), ('x', '<f8')]");
  EXPECT_THAT(FieldsOf(header), ElementsAre("r |u1 @0", "g >u2 @1", "x <f8 @3"));
  EXPECT_TRUE(header->is_record);
  EXPECT_EQ(header->element_bytes, 11);
  EXPECT_EQ(NpyDataBytes(*header), 33u);
}

TEST(NpyRecord, IsARecordWithOneField) {
  const auto header = ParseDescr("[('only', '<i4')]");
  EXPECT_THAT(FieldsOf(header), ElementsAre("only <i4 @0"));
  EXPECT_TRUE(header->is_record);
}

TEST(NpyRecord, SpreadsOutNestedRecords) {
  const auto header = ParseDescr(
      "[('id', '<u4'), ('pos', [('x', '<f4'), ('in', [('a', '|i1'), ('b', '|b1')])]), ('z', "
      "'<f2')]");
  EXPECT_THAT(FieldsOf(header), ElementsAre("id <u4 @0", "pos.x <f4 @4", "pos.in.a |i1 @8",
                                            "pos.in.b |b1 @9", "z <f2 @10"));
  EXPECT_EQ(header->element_bytes, 12);
}

TEST(NpyRecord, SpreadsOutSubArrays) {
  EXPECT_THAT(FieldsOf(ParseDescr("[('m', '<u2', (2, 2)), ('n', '|u1', 2), ('o', '|u1', (1,))]")),
              ElementsAre("m[0] <u2 @0", "m[1] <u2 @2", "m[2] <u2 @4", "m[3] <u2 @6", "n[0] |u1 @8",
                          "n[1] |u1 @9", "o[0] |u1 @10"));
  EXPECT_THAT(FieldsOf(ParseDescr("[('p', [('x', '|u1'), ('', '|V1')], (2,))]")),
              ElementsAre("p[0].x |u1 @0", "p[1].x |u1 @2"));
}

TEST(NpyRecord, TakesNamesAndLeavesTitles) {
  EXPECT_THAT(FieldsOf(ParseDescr("[(('Red light', 'r'), '|u1'), (('Green', 'g'), '|u1', (1,))]")),
              ElementsAre("r |u1 @0", "g[0] |u1 @1"));
}

TEST(NpyRecord, SkipsPadding) {
  const auto header =
      ParseDescr("[('a', '|u1'), ('', '|V3'), ('b', '<u4'), ('', 'V7'), ('', '|V0')]");
  EXPECT_THAT(FieldsOf(header), ElementsAre("a |u1 @0", "b <u4 @4"));
  EXPECT_EQ(header->element_bytes, 15);
}

TEST(NpyRecord, RejectsPaddingThatIsNone) {
  for (const std::string type : {"VV", "|VV4"}) {
    EXPECT_THAT(ParseDescr("[('a', '|u1'), ('', '" + type + "')]"),
                FailsWith(StatusCode::kCorrupt, "padding"))
        << type;
  }
  for (const std::string type : {"", "|", "4", "||V4"}) {
    EXPECT_THAT(ParseDescr("[('a', '|u1'), ('', '" + type + "')]"),
                FailsWith(StatusCode::kCorrupt, "found '" + type + "'"))
        << type;
  }
  for (const std::string type : {"|V-1", "|V4x", "|V 4", "|V4.0"}) {
    EXPECT_THAT(ParseDescr("[('a', '|u1'), ('', '" + type + "')]"),
                FailsWith(StatusCode::kCorrupt, type));
  }
}

TEST(NpyRecord, RejectsRecordsWithoutNumbers) {
  EXPECT_THAT(ParseDescr("[]"), FailsWith(StatusCode::kCorrupt, "a record without fields"));
  EXPECT_THAT(ParseDescr("[('a', [])]"), FailsWith(StatusCode::kCorrupt, "without fields"));
  EXPECT_THAT(ParseDescr("[('', '|V4')]"), FailsWith(StatusCode::kCorrupt, "only padding"));
  EXPECT_THAT(ParseDescr("[('', '|V0')]"), FailsWith(StatusCode::kCorrupt, "only padding"));
}

TEST(NpyRecord, NamesTheFieldItDoesNotRead) {
  EXPECT_THAT(ParseDescr("[('a', '|u1'), ('name', '|S5')]"),
              FailsWith(StatusCode::kNotSupported, "field 'name': dtype: found '|S5'"));
  EXPECT_THAT(ParseDescr("[('a', [('when', '<M8[ns]')])]"),
              FailsWith(StatusCode::kNotSupported, "field 'a.when': dtype: found '<M8[ns]'"));
  EXPECT_THAT(ParseDescr("[('o', '|O')]"), FailsWith(StatusCode::kNotSupported, "'|O'"));
  EXPECT_THAT(ParseDescr("[('v', '|V4')]"), FailsWith(StatusCode::kNotSupported, "'|V4'"));
}

TEST(NpyRecord, RejectsFieldsOfOtherForms) {
  for (const std::string item :
       {"'a'", "3", "('a',)", "()", "('a', '|u1', (1,), 4)", "{'a': '|u1'}"}) {
    EXPECT_THAT(ParseDescr("[" + item + "]"), FailsWith(StatusCode::kCorrupt, "descr: found"))
        << item;
  }
  for (const std::string name : {"1", "None", "('t', 'n', 'x')", "('t',)", "('t', 3)", "[]"}) {
    EXPECT_THAT(ParseDescr("[(" + name + ", '|u1')]"),
                FailsWith(StatusCode::kCorrupt, "a field name"))
        << name;
  }
  for (const std::string type : {"1", "None", "('|u1',)", "{}"}) {
    EXPECT_THAT(ParseDescr("[('a', " + type + ")]"),
                FailsWith(StatusCode::kCorrupt, "a type string"))
        << type;
  }
}

TEST(NpyRecord, RejectsSubArraysOfOtherShapes) {
  for (const std::string shape : {"-1", "(2, -3)", "'2'", "None", "True", "[[2]]", "((2,),)"}) {
    EXPECT_THAT(ParseDescr("[('a', '|u1', " + shape + ")]"),
                FailsWith(StatusCode::kCorrupt, "found " + shape))
        << shape;
  }
  for (const std::string shape : {"0", "(2, 0)", "65537", "(256, 257)", "(4294967296, 4294967296)",
                                  "(9223372036854775807, 9223372036854775807)"}) {
    EXPECT_THAT(ParseDescr("[('a', '|u1', " + shape + ")]"),
                FailsWith(StatusCode::kNotSupported, "1 to 65536 elements"))
        << shape;
  }
}

TEST(NpyRecord, ReadsUpTo65536Fields) {
  const auto most = ParseDescr("[('a', '<u2', (256, 256))]");
  ASSERT_THAT(most, IsOk());
  EXPECT_EQ(most->fields.size(), 65536u);
  EXPECT_EQ(most->fields.back().name, "a[65535]");
  EXPECT_THAT(ParseDescr("[('a', '<u2', (256, 256)), ('b', '|u1')]"),
              FailsWith(StatusCode::kNotSupported, "at most 65536"));
}

TEST(NpyRecord, RejectsMoreThan65536FieldsWrittenOut) {
  std::string descr = "[";
  for (int i = 0; i < 65536; ++i) descr += "('band_" + std::to_string(i) + "', '<u2'), ";
  EXPECT_THAT(ParseDescr(descr + "]"), IsOk());
  EXPECT_THAT(ParseDescr(descr + "('last', '<u2')]"),
              FailsWith(StatusCode::kNotSupported, "at most 65536"));
}

TEST(NpyRecord, RejectsRecordsOfTwoGigabytes) {
  EXPECT_THAT(ParseDescr("[('a', '|u1'), ('', '|V2147483646')]"), IsOk());
  EXPECT_THAT(ParseDescr("[('a', '|u1'), ('', '|V2147483647')]"),
              FailsWith(StatusCode::kNotSupported, "2 GiB or more"));
  EXPECT_THAT(ParseDescr("[('a', '|u1'), ('', '|V99999999999999999999999')]"),
              FailsWith(StatusCode::kNotSupported, "2 GiB or more"));
  EXPECT_THAT(ParseDescr("[('a', [('x', '|u1'), ('', '|V1073741823')], 2)]"),
              FailsWith(StatusCode::kNotSupported, "2 GiB or more"));
}

TEST(NpyRecord, RejectsShapeWhoseBytesOverflow) {
  EXPECT_THAT(ParseNpyHeader(NpyBytes(1, HeaderText("[('a', '|u1'), ('', '|V2147483646')]",
                                                    "(2147483647, 2147483647)"))),
              FailsWith(StatusCode::kCorrupt, "2^63"));
}

// Sub-arrays of sub-arrays multiply: these 500 bytes would be walked through 65536^10 times.
TEST(NpyRecord, RejectsNestedArraysOfPaddingAtOnce) {
  std::string descr = "[('', '|V0')]";
  for (int level = 0; level < 10; ++level) descr = "[('a', " + descr + ", (65536,))]";
  EXPECT_THAT(ParseDescr(descr), FailsWith(StatusCode::kNotSupported, "16 MiB"));
}

// One name of a megabyte, needed 65,536 times.
TEST(NpyRecord, RejectsNamesThatWouldFillTheMemory) {
  const std::string name(1 << 20, 'n');
  EXPECT_THAT(ParseDescr("[('" + name + "', '|u1', (65536,))]"),
              FailsWith(StatusCode::kNotSupported, "16 MiB"));
  EXPECT_THAT(ParseDescr("[('" + name + "', [('a', '|u1', 65536)])]"),
              FailsWith(StatusCode::kNotSupported, "16 MiB"));
}

TEST(NpyRecord, ReadsLatin1NamesInVersions1And2) {
  for (const int version : {1, 2}) {
    EXPECT_EQ(FirstName(ParseDescr("[('h\xF6he\xFF', '<f4')]", version)), "h\xC3\xB6he\xC3\xBF");
  }
}

TEST(NpyRecord, ReadsUtf8NamesInVersion3) {
  const std::string name = "h\xC3\xB6he \xE9\xAB\x98 \xF0\x9F\x8C\x8D";
  EXPECT_EQ(FirstName(ParseDescr("[('" + name + "', '<f4')]", 3)), name);
}

TEST(NpyRecord, RejectsTextThatIsNotUtf8InVersion3) {
  for (const std::string name :
       {"\xF6", "\xC3", "\xC0\xAF", "\xE0\x80\xAF", "\xED\xA0\x80", "\xF0\x80\x80\xAF",
        "\xF4\x90\x80\x80", "\xF8\x88\x80\x80\x80", "\x80", "\xE9\xAB"}) {
    EXPECT_THAT(ParseDescr("[('" + name + "', '<f4')]", 3),
                FailsWith(StatusCode::kCorrupt, "UTF-8"));
  }
  EXPECT_THAT(ParseNpyHeader(NpyBytes(3, HeaderText("'<u2'", "(3,)") + "\xE9\xAB")),
              FailsWith(StatusCode::kCorrupt, "UTF-8"));
}

TEST(NpyRecord, ReadsEscapesInNames) {
  EXPECT_EQ(FirstName(ParseDescr(R"([('it\'s', '|u1')])")), "it's");
  EXPECT_EQ(FirstName(ParseDescr(R"([("it's \"x\"", '|u1')])")), "it's \"x\"");
  EXPECT_EQ(FirstName(ParseDescr(R"([('a\\b\n\t', '|u1')])")), "a\\b\n\t");
  EXPECT_EQ(FirstName(ParseDescr(R"([('\xe9\u9ad8\U0001f30d', '|u1')])")),
            "\xC3\xA9\xE9\xAB\x98\xF0\x9F\x8C\x8D");
}

TEST(NpyRecord, CutsTextBetweenCharacters) {
  // 60 bytes would end within a character of two.
  std::string name;
  for (int i = 0; i < 100; ++i) name += "\xC3\xB6";
  for (const std::string shift : {"", "x"}) {
    const auto header = ParseDescr("[('" + shift + name + "', '<f4')]", 3);
    ASSERT_THAT(header, IsOk());
    const std::string text = header->dtype_text.substr(0, header->dtype_text.size() - 3);
    EXPECT_EQ(text.substr(text.size() - 2), "\xC3\xB6");
  }
}

}  // namespace
}  // namespace ndarray
