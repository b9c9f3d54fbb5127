#include "driver/store/dtype/record_dtype.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/status_matchers.h"

namespace ndarray {
namespace {

using testing::FailsWith;
using testing::IsOk;

Result<ElementType> Parse(const std::string& text, bool allow_dict = true) {
  const auto literal = ParsePythonLiteral(text);
  if (!literal.ok()) return literal.status();
  return ParseElementType(*literal, "dtype", allow_dict);
}

// "r:|u1@0 g:>u2@1 of 3": names, types, offsets, and the record's size.
std::string Shown(const std::string& text) {
  const auto type = Parse(text);
  if (!type.ok()) return "error: " + type.status().message();
  std::string shown;
  for (const Field& field : type->fields) {
    shown +=
        field.name + ":" + TypeString(field.dtype) + "@" + std::to_string(field.offset_bytes) + " ";
  }
  return shown + "of " + std::to_string(type->element_bytes);
}

TEST(RecordDtype, ReadsATypeString) {
  EXPECT_EQ(Shown("'>c16'"), ":>c16@0 of 16");
  EXPECT_FALSE(Parse("'<u2'")->is_record);
}

// What str(numpy.dtype) prints of packed records: types without '|' where there is no byte order.
TEST(RecordDtype, ReadsListsOfFields) {
  EXPECT_EQ(Shown("[('r', 'u1'), ('g', '>u2')]"), "r:|u1@0 g:>u2@1 of 3");
  EXPECT_EQ(Shown("[('m', '<f4', (2,)), ('b', 'i1')]"), "m[0]:<f4@0 m[1]:<f4@4 b:|i1@8 of 9");
  EXPECT_EQ(Shown("[('m', '<f4', 2)]"), "m[0]:<f4@0 m[1]:<f4@4 of 8");
  EXPECT_EQ(Shown("[('p', [('x', '<i2'), ('y', '<i2')]), ('c', 'u1')]"),
            "p.x:<i2@0 p.y:<i2@2 c:|u1@4 of 5");
  EXPECT_EQ(Shown("[(('Title', 'n'), '<u2')]"), "n:<u2@0 of 2");
  EXPECT_EQ(Shown("[('a', 'u1'), ('', 'V3'), ('b', '<f4')]"), "a:|u1@0 b:<f4@4 of 8");
  EXPECT_TRUE(Parse("[('one', '<u2')]")->is_record);
}

// And of records with gaps or out of order.
TEST(RecordDtype, ReadsDicts) {
  EXPECT_EQ(Shown("{'names': ['a', 'b'], 'formats': ['u1', '<f8'], 'offsets': [0, 8], "
                  "'itemsize': 16, 'aligned': True}"),
            "a:|u1@0 b:<f8@8 of 16");
  EXPECT_EQ(Shown("{'names': ['b', 'a'], 'formats': ['<f8', 'u1'], 'offsets': [8, 0], "
                  "'itemsize': 17}"),
            "b:<f8@8 a:|u1@0 of 17");
  EXPECT_EQ(Shown("{'names': ['a'], 'formats': [('<u2', (3,))], 'offsets': [1], 'itemsize': 8}"),
            "a[0]:<u2@1 a[1]:<u2@3 a[2]:<u2@5 of 8");
  EXPECT_EQ(Shown("{'names': ['p'], 'formats': [[('x', '<i2'), ('y', '<i2')]], 'offsets': [4], "
                  "'itemsize': 8}"),
            "p.x:<i2@4 p.y:<i2@6 of 8");
  EXPECT_EQ(Shown("{'names': ['a'], 'titles': ['T'], 'formats': ['u1'], 'offsets': [3], "
                  "'itemsize': 4}"),
            "a:|u1@3 of 4");
}

TEST(RecordDtype, ReadsDictsWithinRecords) {
  const std::string inner =
      "{'names': ['x', 'y'], 'formats': ['u1', '<f8'], 'offsets': [0, 8], 'itemsize': 16, "
      "'aligned': True}";
  EXPECT_EQ(Shown("[('a', 'u1'), ('p', " + inner + ")]"), "a:|u1@0 p.x:|u1@1 p.y:<f8@9 of 17");
  EXPECT_EQ(Shown("[('p', " + inner + ", (2,))]"),
            "p[0].x:|u1@0 p[0].y:<f8@8 p[1].x:|u1@16 p[1].y:<f8@24 of 32");
  EXPECT_EQ(Shown("{'names': ['p'], 'formats': [(" + inner +
                  ", 1)], 'offsets': [8], "
                  "'itemsize': 24}"),
            "p[0].x:|u1@8 p[0].y:<f8@16 of 24");
}

TEST(RecordDtype, ReadsDictsWithoutOffsetsOrSize) {
  EXPECT_EQ(Shown("{'names': ['a', 'b'], 'formats': ['B', 'float32']}"), "a:|u1@0 b:<f4@1 of 5");
  EXPECT_EQ(Shown("{'names': ['a', 'b'], 'formats': ['B', 'f'], 'offsets': [4, 0]}"),
            "a:|u1@4 b:<f4@0 of 5");
  EXPECT_EQ(Shown("{'names': ['a'], 'formats': ['B'], 'itemsize': 3}"), "a:|u1@0 of 3");
}

TEST(RecordDtype, ReadsSeveralTypesInOneString) {
  EXPECT_EQ(Shown("'f4,i2'"), "f0:<f4@0 f1:<i2@4 of 6");
  EXPECT_EQ(Shown("'<f4, >i2 ,'"), "f0:<f4@0 f1:>i2@4 of 6");
  EXPECT_EQ(Shown("'f4,'"), "f0:<f4@0 of 4");
  EXPECT_EQ(Shown("'2B, (2,1)h, 1?, ()b'"),
            "f0[0]:|u1@0 f0[1]:|u1@1 f1[0]:<i2@2 f1[1]:<i2@4 f2[0]:|b1@6 f3[0]:|i1@7 of 8");
  EXPECT_EQ(Shown("'>2u2,2>u2,>2>u2'"),
            "f0[0]:>u2@0 f0[1]:>u2@2 f1[0]:>u2@4 f1[1]:>u2@6 f2[0]:>u2@8 f2[1]:>u2@10 of 12");
  EXPECT_EQ(Shown("'=int16,|float32'"), "f0:<i2@0 f1:<f4@2 of 6");
  EXPECT_EQ(Shown("[('a', 'B,h'), ('b', '2B')]"),
            "a.f0:|u1@0 a.f1:<i2@1 b[0]:|u1@3 b[1]:|u1@4 of 5");
  for (const std::string text : {"','", "',B'", "'B,,B'", "'B;,B'", "'2'", "'(2)'", "'(2,B'",
                                 "'(,)B,B'", "'<2>B'", "'B B,'", "'4'", "'<4'", "'<,'"}) {
    EXPECT_THAT(Parse(text), FailsWith(StatusCode::kCorrupt, "with commas between them")) << text;
  }
  EXPECT_THAT(Parse("'B,U3'"),
              FailsWith(StatusCode::kNotSupported, "field 'f1': dtype: found 'U3'"));
}

TEST(RecordDtype, BoundsTheFieldsInOneString) {
  std::string text = "'";
  for (int i = 0; i < 65536; ++i) text += "B,";
  EXPECT_EQ(Parse(text + "'")->fields.size(), 65536u);
  EXPECT_THAT(Parse(text + "B'"), FailsWith(StatusCode::kNotSupported, "at most 65536"));
  // So many for each of its elements.
  EXPECT_EQ(Parse("[('a', " + text + "', (65536,))]").status().code(), StatusCode::kNotSupported);
}

// Read for each element, these blanks would be more than anybody is to read.
TEST(RecordDtype, ReadsTheTypeOfAnArrayOnce) {
  const std::string blanks(1000, ' ');
  const auto type = Parse("[('a', '2f4" + blanks + "', (20000,))]");
  ASSERT_THAT(type, IsOk());
  ASSERT_EQ(type->fields.size(), 40000u);
  EXPECT_EQ(type->fields[3].name, "a[1][1]");
  EXPECT_EQ(type->element_bytes, 160000);
}

TEST(RecordDtype, ReadsFieldsAsNumPyTakesThem) {
  EXPECT_EQ(Shown("[['a', 'B'], ['b', 'h', [2]]]"), "a:|u1@0 b[0]:<i2@1 b[1]:<i2@3 of 5");
  EXPECT_EQ(Shown("[('a', ('h', (2,))), ('b', ('B', ()))]"),
            "a[0]:<i2@0 a[1]:<i2@2 b[0]:|u1@4 of 5");
  EXPECT_EQ(Shown("[('', 'f'), ('', 'V2', 2), ('', '<V1'), ('', 'V'), ('b', 'B')]"),
            ":<f4@0 b:|u1@9 of 10");
  EXPECT_EQ(Shown("[((1, 'a'), 'B'), (('', 'b'), 'float16', (1,))]"), "a:|u1@0 b[0]:<f2@1 of 3");
}

TEST(RecordDtype, ReadsDictsOnlyWhereTheyMayBe) {
  EXPECT_THAT(Parse("{'names': ['a'], 'formats': ['u1'], 'offsets': [0], 'itemsize': 1}", false),
              FailsWith(StatusCode::kCorrupt, "wanted a type string or a list of fields"));
}

TEST(RecordDtype, ReadsFieldsThatOverlap) {
  EXPECT_EQ(Shown("{'names': ['all', 'low'], 'formats': ['<u2', 'u1'], 'offsets': [0, 0], "
                  "'itemsize': 2}"),
            "all:<u2@0 low:|u1@0 of 2");
}

TEST(RecordDtype, RefusesDictsThatContradictThemselves) {
  const auto dict = [](const std::string& names, const std::string& formats,
                       const std::string& offsets, const std::string& size) {
    return "{'names': " + names + ", 'formats': " + formats + ", 'offsets': " + offsets +
           ", 'itemsize': " + size + "}";
  };
  for (const std::string& text : {
           std::string("{}"),
           std::string("{'names': ['a'], 'formats': ['u1'], 'offsets': [0], 'itemsize': None}"),
           std::string("{'names': ['a'], 'formats': ['u1'], 'aligned': True}"),
           std::string("{'names': ['a', 'p'], 'formats': ['u1', {'names': [], 'formats': [], "
                       "'offsets': [], 'itemsize': -1}], 'offsets': [0, 1], 'itemsize': 4}"),
           dict("['a', 'b']", "['u1']", "[0, 1]", "4"),
           dict("['a']", "['u1', 'u1']", "[0]", "4"),
           dict("['a']", "['u1']", "[]", "4"),
           dict("'a'", "['u1']", "[0]", "4"),
           dict("['a']", "['u1']", "[0]", "'4'"),
           dict("['a']", "['u1']", "[4]", "4"),
           dict("['a']", "['<u2']", "[3]", "4"),
           dict("['a']", "['<u2']", "[-1]", "4"),
           dict("['a']", "['<u2']", "[9223372036854775807]", "4"),
           dict("['a']", "['u1']", "[0]", "-1"),
           dict("['a']", "['u1']", "[0]", "0"),
           dict("['']", "['u1']", "[0]", "4"),
           dict("[1]", "['u1']", "[0]", "4"),
           dict("['a']", "[1]", "[0]", "4"),
           dict("['a']", "[('<u2', (3,))]", "[0]", "5"),
           dict("[]", "[]", "[]", "4"),
       }) {
    EXPECT_THAT(Parse(text), FailsWith(StatusCode::kCorrupt, "dtype: found")) << text;
  }
}

TEST(RecordDtype, RefusesOtherLists) {
  for (const std::string text :
       {"[]", "[1]", "['u1']", "[('a',)]", "[('a', 'u1', (1,), 2)]", "[(1, 'u1')]", "[('a', 1)]",
        "[('', 'Vx')]", "[('', 'V4')]", "[('a', [])]", "[('a', 'u1', 'x')]", "[('a', 'u1', (-1,))]",
        "()", "None", "7"}) {
    EXPECT_THAT(Parse(text), FailsWith(StatusCode::kCorrupt, "dtype")) << text;
  }
}

TEST(RecordDtype, RefusesFieldsThatAreNoNumbers) {
  for (const std::string type : {"|O", "<U5", "|S3", "<M8[ns]", "<f16"}) {
    EXPECT_THAT(Parse("[('a', '" + type + "')]"),
                FailsWith(StatusCode::kNotSupported, "field 'a': dtype: found '" + type + "'"));
    EXPECT_THAT(
        Parse("{'names': ['a'], 'formats': ['" + type + "'], 'offsets': [0], 'itemsize': 64}"),
        FailsWith(StatusCode::kNotSupported, "field 'a': dtype: found"));
  }
}

TEST(RecordDtype, RefusesRecordsLargerThanAnyoneHas) {
  EXPECT_THAT(Parse("[('', 'V2147483648'), ('a', 'u1')]"),
              FailsWith(StatusCode::kNotSupported, "dtype: found 2 GiB or more"));
  EXPECT_THAT(Parse("[('', 'V2147483647'), ('a', 'u1')]"),
              FailsWith(StatusCode::kNotSupported, "dtype: found 2 GiB or more"));
  EXPECT_THAT(Parse("{'names': ['a'], 'formats': ['u1'], 'offsets': [0], 'itemsize': 2147483648}"),
              FailsWith(StatusCode::kNotSupported, "dtype: found 2 GiB or more"));
  EXPECT_EQ(Shown("{'names': ['a'], 'formats': ['u1'], 'offsets': [2147483646], "
                  "'itemsize': 2147483647}"),
            "a:|u1@2147483646 of 2147483647");
}

// Sub-arrays in dicts in sub-arrays multiply: a few hundred bytes could ask for years.
TEST(RecordDtype, BoundsTheWorkThatFewBytesAskFor) {
  std::string nested = "'u1'";
  for (int level = 0; level < 6; ++level) nested = "[('a', " + nested + ", (65536,))]";
  EXPECT_EQ(Parse(nested).status().code(), StatusCode::kNotSupported);
  std::string formats;
  std::string names;
  std::string offsets;
  for (int i = 0; i < 2000; ++i) {
    formats += "('u1', (65536,)), ";
    names += "'f', ";
    offsets += "0, ";
  }
  EXPECT_EQ(Parse("{'names': [" + names + "], 'formats': [" + formats + "], 'offsets': [" +
                  offsets + "], 'itemsize': 65536}")
                .status()
                .code(),
            StatusCode::kNotSupported);
  // Many axes of a sub-array, and entries of a dict that mean nothing, looked at again and again.
  std::string ones;
  std::string entries;
  for (int i = 0; i < 100000; ++i) ones += "1,";
  for (int i = 0; i < 100000; ++i) entries += "'x':1,";
  EXPECT_THAT(Parse("[('a', [('b', 'u1', (" + ones + "))], (65536,))]"),
              FailsWith(StatusCode::kNotSupported, "100000 axes of a field"));
  EXPECT_THAT(Parse("[('a', {" + entries + "'names': [], 'formats': []}, (65536,))]"),
              FailsWith(StatusCode::kNotSupported, "16 MiB"));
  const std::string padded = "[('', 'V1', (65536,)), ('a', 'u1')]";
  EXPECT_TRUE(Parse(padded).ok() || !Parse(padded).status().message().empty());
}

TEST(RecordDtype, RefusesTextCutAnywhere) {
  const std::string whole =
      "{'names': ['a', 'b'], 'formats': ['u1', [('x', '<f4', (2,))]], 'offsets': [0, 8], "
      "'itemsize': 16}";
  ASSERT_THAT(Parse(whole), IsOk());
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(Parse(whole.substr(0, size)).ok()) << size;
  }
}

}  // namespace
}  // namespace ndarray
