#include "driver/store/npy/npy_header.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/npy_files.h"
#include "tests/support/status_matchers.h"
#include "tests/support/strided_buffer.h"

namespace ndarray {
namespace {

using testing::AllDTypes;
using testing::DTypeName;
using testing::FailsWith;
using testing::HeaderText;
using testing::IsOk;
using testing::NpyBytes;

Result<NpyHeader> ParseText(std::string_view text) { return ParseNpyHeader(NpyBytes(1, text)); }

Result<NpyHeader> ParseDescr(std::string_view descr) {
  return ParseText(HeaderText(descr, "(3,)"));
}

Result<NpyHeader> ParseShape(std::string_view shape) {
  return ParseText(HeaderText("'|u1'", shape));
}

std::string ShapeOf(int axes, std::string_view count) {
  std::string text = "(";
  for (int i = 0; i < axes; ++i) text.append(count).append(",");
  return text + ")";
}

TEST(NpyHeader, ReadsPlainArray) {
  const auto header = ParseText(HeaderText("'<u2'", "(3, 4)"));
  ASSERT_THAT(header, IsOk());
  EXPECT_EQ(header->shape, (AxisVector{3, 4}));
  EXPECT_FALSE(header->fortran_order);
  EXPECT_FALSE(header->is_record);
  EXPECT_EQ(header->element_bytes, 2);
  EXPECT_EQ(header->dtype_text, "<u2");
  EXPECT_EQ(NpyDataBytes(*header), 24u);
}

TEST(NpyHeader, ReadsEachVersion) {
  const std::string text = HeaderText("'<u2'", "(3, 4)");
  for (const int version : {1, 2, 3}) {
    const auto header = ParseNpyHeader(NpyBytes(version, text, "data"));
    ASSERT_THAT(header, IsOk()) << version;
    EXPECT_EQ(header->major_version, version);
    EXPECT_EQ(header->data_offset_bytes, (version == 1 ? 10 : 12) + text.size());
    EXPECT_EQ(header->shape, (AxisVector{3, 4}));
  }
}

TEST(NpyHeader, RejectsOtherVersions) {
  const std::string text = HeaderText("'<u2'", "(3, 4)");
  for (const int version : {0, 4, 255}) {
    EXPECT_THAT(ParseNpyHeader(NpyBytes(version, text)),
                FailsWith(StatusCode::kNotSupported, "version: found " + std::to_string(version)));
  }
  std::string minor = NpyBytes(1, text);
  minor[7] = 1;
  EXPECT_THAT(ParseNpyHeader(minor), FailsWith(StatusCode::kNotSupported, "1.1"));
}

TEST(NpyHeader, ReadsFortranOrder) {
  const auto header = ParseText(HeaderText("'<f8'", "(3, 4)", "True"));
  ASSERT_THAT(header, IsOk());
  EXPECT_TRUE(header->fortran_order);
}

TEST(NpyHeader, ReadsKeysInAnyOrderAndWhiteSpace) {
  const auto header =
      ParseText(" {\"shape\":( 2 ,\t3 ,) ,\n'fortran_order':True,'descr':\">i4\"}  \n");
  ASSERT_THAT(header, IsOk());
  EXPECT_EQ(header->shape, (AxisVector{2, 3}));
}

TEST(NpyHeader, ReadsLongIntegersOfPython2) {
  const auto header = ParseText("{'descr': '<i2', 'fortran_order': False, 'shape': (2L, 3L), }\n");
  ASSERT_THAT(header, IsOk());
  EXPECT_EQ(header->shape, (AxisVector{2, 3}));
}

TEST(NpyHeader, ReadsEachDtypeInBothByteOrders) {
  for (const DType& dtype : AllDTypes()) {
    SCOPED_TRACE(DTypeName(dtype));
    const std::string text =
        (dtype.order == ByteOrder::kBig ? ">" : "<") + TypeString(dtype).substr(1);
    const auto header = ParseDescr("'" + text + "'");
    ASSERT_THAT(header, IsOk());
    ASSERT_EQ(header->fields.size(), 1u);
    EXPECT_EQ(header->fields[0].name, "");
    EXPECT_EQ(header->fields[0].dtype.type, dtype.type);
    EXPECT_EQ(header->fields[0].dtype.order, dtype.order);
    EXPECT_EQ(header->element_bytes, static_cast<int64_t>(dtype.size_bytes()));
  }
}

TEST(NpyHeader, TakesOtherByteOrderMarksAsNative) {
  for (const std::string descr : {"'=u4'", "'|u4'", "'u4'"}) {
    const auto header = ParseDescr(descr);
    ASSERT_THAT(header, IsOk()) << descr;
    EXPECT_EQ(header->fields[0].dtype.order, kNativeOrder);
  }
  ASSERT_THAT(ParseDescr("'|b1'"), IsOk());
  ASSERT_THAT(ParseDescr("'|i1'"), IsOk());
}

TEST(NpyHeader, NamesTheDtypeItDoesNotRead) {
  for (const std::string dtype :
       {"|O",   "<U5",    "|S5",      "<M8[ns]",     "<m8[s]", "|V8",          "<f16",
        "<c32", "|a3",    "<u3",      "<f1",         "|b2",    "<t4",          "<u",
        "f-4",  "float8", "<float32", "u4294967298", "u2 ",    "numpy.float32"}) {
    EXPECT_THAT(ParseDescr("'" + dtype + "'"),
                FailsWith(StatusCode::kNotSupported, "dtype: found '" + dtype + "'"));
  }
}

TEST(NpyHeader, SaysWhatADtypeIsThatIsNoNumber) {
  for (const auto& [dtype, what] : {std::pair("<U5", "text"),
                                    {"str", "text"},
                                    {"T", "text"},
                                    {"S3", "bytes"},
                                    {"|O", "Python objects"},
                                    {"object", "Python objects"},
                                    {"<M8[ns]", "times"},
                                    {"timedelta64[s]", "durations"},
                                    {"|V8", "raw bytes"},
                                    {"<f16", "long double"},
                                    {"longdouble", "long double"}}) {
    EXPECT_THAT(ParseDescr("'" + std::string(dtype) + "'"),
                FailsWith(StatusCode::kNotSupported, std::string("' (") + what + "), wanted"));
  }
}

// All that numpy.dtype takes for one element type, in NumPy 1 or 2.
TEST(NpyHeader, ReadsEverySpellingOfADtype) {
  const std::pair<const char*, std::vector<std::string>> kSpellings[] = {
      {"|b1", {"?", "|?", "b1", "bool", "bool_", "bool8"}},
      {"|i1", {"b", "=b", "int8", "byte", "i 1", "i+1", "i001"}},
      {"|u1", {"B", "uint8", "ubyte", "=u1", "1u1", "()u1", "u1,"}},
      {"<i2", {"h", "<h", "int16", "short", "<i 2"}},
      {">u2", {">H", ">u02"}},
      {"<i4", {"i", "int32", "intc"}},
      {"<u4", {"I", "uint32", "uintc"}},
      {"<i8", {"l", "q", "p", "n", "int", "int_", "int0", "intp", "int64", "long", "longlong"}},
      {"<u8", {"L", "Q", "P", "N", "uint", "uint0", "uintp", "uint64", "ulong", "ulonglong"}},
      {"<f2", {"e", "half", "float16"}},
      {"<f4", {"f", "<f", "single", "float32"}},
      {">f8", {">d"}},
      {"<f8", {"d", "float", "float_", "double", "float64"}},
      {"<c8", {"F", "csingle", "singlecomplex", "complex64"}},
      {"<c16", {"D", "complex", "complex_", "cdouble", "cfloat", "complex128"}},
  };
  for (const auto& [wanted, spellings] : kSpellings) {
    for (const std::string& spelling : spellings) {
      const auto header = ParseDescr("'" + spelling + "'");
      ASSERT_THAT(header, IsOk()) << spelling;
      EXPECT_EQ(TypeString(header->fields[0].dtype), wanted) << spelling;
    }
  }
  for (const std::string descr : {"('u1', ())", "('u1', 1)", "('B', (1, 1))", "'u' '1'", "r'u1'",
                                  "'''u1'''", "'\\x75\\61'", "np.str_('u1')"}) {
    const auto header = ParseDescr(descr);
    ASSERT_THAT(header, IsOk()) << descr;
    EXPECT_EQ(TypeString(header->fields[0].dtype), "|u1") << descr;
    EXPECT_FALSE(header->is_record) << descr;
  }
}

TEST(NpyHeader, RefusesElementsThatAreArrays) {
  for (const std::string descr : {"'3u1'", "'(2,3)u1'", "('u1', (2,))"}) {
    EXPECT_THAT(ParseDescr(descr), FailsWith(StatusCode::kNotSupported, "no arrays themselves"));
  }
}

TEST(NpyHeader, RejectsTextThatIsNoDtype) {
  for (const std::string descr : {"''", "'<'", "'<<u2'", "'\\xe9'", "' <u2'"}) {
    EXPECT_THAT(ParseDescr(descr), FailsWith(StatusCode::kCorrupt, "dtype")) << descr;
  }
}

TEST(NpyHeader, CutsLongDtypeInMessage) {
  const auto header = ParseDescr("'" + std::string(50000, 'x') + "'");
  ASSERT_THAT(header, FailsWith(StatusCode::kNotSupported, "xxx...'"));
  EXPECT_LT(header.status().message().size(), 300u);
}

TEST(NpyHeader, ReadsOneToSixtyFourAxes) {
  for (int axes = 1; axes <= 64; ++axes) {
    const auto header = ParseShape(ShapeOf(axes, axes < 63 ? "2" : "1"));
    ASSERT_THAT(header, IsOk()) << axes;
    EXPECT_EQ(header->shape.size(), axes);
  }
}

TEST(NpyHeader, RejectsSixtyFiveAxes) {
  EXPECT_THAT(ParseShape(ShapeOf(65, "1")),
              FailsWith(StatusCode::kNotSupported, "found 65 axes, wanted at most 64"));
}

TEST(NpyHeader, RejectsShapesWithoutElements) {
  EXPECT_THAT(ParseShape("()"), FailsWith(StatusCode::kNotSupported, "at least one axis"));
  EXPECT_THAT(ParseShape("(0,)"), FailsWith(StatusCode::kNotSupported, "no axis of size 0"));
  EXPECT_THAT(ParseShape("(3, 0, 4)"), FailsWith(StatusCode::kNotSupported, "found (3, 0, 4)"));
  EXPECT_THAT(ParseShape("(-0,)"), FailsWith(StatusCode::kNotSupported, "no axis of size 0"));
}

TEST(NpyHeader, RejectsShapesThatAreNoTuplesOfCounts) {
  for (const std::string shape :
       {"3", "(3)", "[3]", "{'a': 3}", "'3'", "None", "True", "(-1,)", "(3, -4)", "(True,)",
        "('3',)", "(None,)", "((3,),)", "(3, [4])"}) {
    EXPECT_THAT(ParseShape(shape), FailsWith(StatusCode::kCorrupt, "shape: found")) << shape;
  }
  for (const std::string shape :
       {"(3.0,)", "(--3,)", "(3 4)", "(3,,4)", "(,)", "(3,", "(0x,)", "(3_,)", "(np.float64(3),)",
        "(np.int64(3,),)", "(np.int64(,)", "(np.int64,)", "(os.int64(3),)"}) {
    EXPECT_THAT(ParseShape(shape), FailsWith(StatusCode::kCorrupt, "header literal")) << shape;
  }
}

TEST(NpyHeader, RejectsShapeWhoseProductOverflows) {
  EXPECT_THAT(ParseText(HeaderText("'<u2'", "(4294967296, 4294967296)")),
              FailsWith(StatusCode::kCorrupt, "less than 2^63 bytes"));
  EXPECT_THAT(ParseShape(ShapeOf(63, "2")), FailsWith(StatusCode::kCorrupt, "2^63"));
  // Wraps to 0 and to 1 in 64 bits.
  EXPECT_THAT(ParseShape(ShapeOf(64, "2")), FailsWith(StatusCode::kCorrupt, "2^63"));
  EXPECT_THAT(ParseShape("(4294967297, 4294967295)"), FailsWith(StatusCode::kCorrupt, "2^63"));
}

// Axis values just below, at and above each power of two, for one- and 16-byte elements.
TEST(NpyHeader, ReadsAxesUpToTheLastThatFits) {
  constexpr uint64_t kMax = INT64_MAX;
  for (int k = 0; k < 64; ++k) {
    for (const int delta : {-1, 0, 1}) {
      const uint64_t count = (uint64_t{1} << k) + static_cast<uint64_t>(delta);
      for (const auto& [descr, size] : {std::pair("'|u1'", 1), std::pair("'<c16'", 16)}) {
        const std::string shape = "(" + std::to_string(count) + ",)";
        SCOPED_TRACE(shape + descr);
        const auto header = ParseText(HeaderText(descr, shape));
        if (count == 0) {
          EXPECT_THAT(header, FailsWith(StatusCode::kNotSupported, "no axis of size 0"));
        } else if (count <= kMax / static_cast<uint64_t>(size)) {
          ASSERT_THAT(header, IsOk());
          EXPECT_EQ(header->shape[0], static_cast<int64_t>(count));
          EXPECT_EQ(NpyDataBytes(*header), count * static_cast<uint64_t>(size));
        } else {
          EXPECT_THAT(header, FailsWith(StatusCode::kCorrupt, "2^63"));
        }
      }
    }
  }
  for (const std::string& beyond :
       std::initializer_list<std::string>{"18446744073709551615", "18446744073709551616",
                                          "18446744073709551617", "1" + std::string(500, '0')}) {
    EXPECT_THAT(ParseShape("(" + beyond + ",)"), FailsWith(StatusCode::kCorrupt, "2^63"));
  }
}

TEST(NpyHeader, RejectsWrongKeys) {
  const std::string rest = "'fortran_order': False, 'shape': (3,), }";
  EXPECT_THAT(ParseText("{}"), FailsWith(StatusCode::kCorrupt, "found none, wanted 'descr'"));
  EXPECT_THAT(ParseText("{" + rest),
              FailsWith(StatusCode::kCorrupt, "header keys: found only 'fortran_order' 'shape'"));
  EXPECT_THAT(ParseText("{'descr': '<u2', 'shape': (3,)}"),
              FailsWith(StatusCode::kCorrupt, "header keys: found only 'descr' 'shape'"));
  EXPECT_THAT(ParseText("{'descr': '<u2', 'fortran_order': False}"),
              FailsWith(StatusCode::kCorrupt, "header keys: found only 'descr' 'fortran_order'"));
  EXPECT_THAT(ParseText("{'descr': '<u2', 'extra': 1, " + rest),
              FailsWith(StatusCode::kCorrupt, "found 'extra'"));
  EXPECT_THAT(ParseText("{1: '<u2', " + rest), FailsWith(StatusCode::kCorrupt, "a string as key"));
}

// As in any dict of Python's.
TEST(NpyHeader, TakesTheLastOfAKeyThatComesTwice) {
  const auto header = ParseText(
      "{'descr': '<f8', 'shape': (9, 9), 'fortran_order': True, 'descr': '<u2', "
      "'fortran_order': False, 'shape': (3, 4)}");
  ASSERT_THAT(header, IsOk());
  EXPECT_EQ(header->shape, (AxisVector{3, 4}));
  EXPECT_FALSE(header->fortran_order);
  EXPECT_EQ(header->dtype_text, "<u2");
}

TEST(NpyHeader, ReadsEverySpellingOfAnInteger) {
  const auto header = ParseShape("(np.int64(3), # lines\n 0x4, 1_0, +5, numpy.uint16( 6 ), 2 L)");
  ASSERT_THAT(header, IsOk());
  EXPECT_EQ(header->shape, (AxisVector{3, 4, 10, 5, 6, 2}));
}

TEST(NpyHeader, RejectsWrongTypesOfValues) {
  for (const std::string order : {"0", "1", "None", "'False'", "(False,)", "[True]", "{}"}) {
    EXPECT_THAT(ParseText(HeaderText("'<u2'", "(3,)", order)),
                FailsWith(StatusCode::kCorrupt, "fortran_order: found " + order));
  }
  for (const std::string descr : {"2", "None", "True", "('<u2',)", "{'a': '<u2'}", "()"}) {
    EXPECT_THAT(ParseDescr(descr), FailsWith(StatusCode::kCorrupt, "descr: found " + descr));
  }
}

TEST(NpyHeader, RejectsLiteralsThatAreNoDicts) {
  for (const std::string text : {"[]", "3", "'text'", "None", "({},)"}) {
    EXPECT_THAT(ParseText(text), FailsWith(StatusCode::kCorrupt, "wanted a dict")) << text;
  }
  EXPECT_THAT(ParseText(""), FailsWith(StatusCode::kCorrupt, "header literal: found the end"));
  EXPECT_THAT(ParseText(HeaderText("'<u2'", "(3,)") + "x"),
              FailsWith(StatusCode::kCorrupt, "the end of the literal"));
}

TEST(NpyHeader, RejectsDeepNesting) {
  EXPECT_THAT(ParseDescr(std::string(30000, '[')), FailsWith(StatusCode::kCorrupt, "nesting"));
  EXPECT_THAT(ParseDescr(std::string(30000, '(')), FailsWith(StatusCode::kCorrupt, "nesting"));
}

TEST(NpyHeader, RejectsAbsurdLength) {
  const std::string text = HeaderText("'<u2'", "(3,)");
  for (const long long length : {(4ll << 20) + 1, 1ll << 31, (1ll << 32) - 1}) {
    EXPECT_THAT(ParseNpyHeader(NpyBytes(2, text, "", length)),
                FailsWith(StatusCode::kCorrupt, "header length: found " + std::to_string(length)));
  }
  EXPECT_THAT(ParseNpyHeader(NpyBytes(1, text, "", 65535)),
              FailsWith(StatusCode::kCorrupt, "wanted 65545"));
  EXPECT_THAT(ParseNpyHeader(NpyBytes(1, text, "", 0)), FailsWith(StatusCode::kCorrupt, "the end"));
}

TEST(NpyHeader, RejectsOtherMagic) {
  EXPECT_THAT(ParseNpyHeader("PK\x03\x04 a zip file"),
              FailsWith(StatusCode::kNotSupported,
                        "is not a .npy file: found bytes PK\\x03\\x04 a, wanted \\x93NUMPY"));
  EXPECT_THAT(ParseNpyHeader("PK"), FailsWith(StatusCode::kNotSupported, "found bytes PK, wanted"));
}

TEST(NpyHeader, CallsAStartOfTheMagicCutShort) {
  EXPECT_THAT(ParseNpyHeader(""), FailsWith(StatusCode::kCorrupt, "cut short: 0 of at least 8"));
  EXPECT_THAT(ParseNpyHeader("\x93NUM"),
              FailsWith(StatusCode::kCorrupt, "cut short: 4 of at least 8"));
}

TEST(NpyHeader, WritesWhatItReads) {
  for (const DType& dtype : AllDTypes()) {
    for (int axes = 1; axes <= kMaxAxes; ++axes) {
      AxisVector shape(axes, 1);
      shape[0] = axes == 1 ? 1000000007 : 3;
      shape[axes - 1] = 70000;
      for (const size_t alignment : {1u, 16u, 64u, 4096u, 32768u}) {
        const bool fortran = axes % 2 == 0;
        const std::string bytes = FormatNpyHeader(dtype, fortran, shape, alignment);
        ASSERT_EQ(bytes.size() % alignment, 0u);
        ASSERT_EQ(bytes.back(), '\n');
        const auto header = ParseNpyHeader(bytes);
        ASSERT_THAT(header, IsOk());
        ASSERT_EQ(header->data_offset_bytes, bytes.size());
        ASSERT_EQ(header->major_version, 1);
        ASSERT_EQ(header->shape, shape);
        ASSERT_EQ(header->fortran_order, fortran);
        ASSERT_EQ(header->dtype_text, TypeString(dtype));
      }
    }
  }
}

TEST(NpyHeader, WritesRecordsInTheOldestVersionThatHoldsThem) {
  std::string many = "[";
  for (int i = 0; i < 5000; ++i) many += "('field" + std::to_string(i) + "', '>f4'), ";
  const std::pair<std::string, int> cases[] = {
      {"[('a', '<u2'), ('', '|V2'), ('b', [('x', '>f8')], (2,))]", 1},
      {many + "]", 2},
      {"[('\u03a9', '<u2')]", 3}};
  for (const auto& [descr, version] : cases) {
    const std::string bytes = FormatNpyHeader(descr, {2, 3}, 4096);
    EXPECT_EQ(bytes.size() % 4096, 0u);
    EXPECT_EQ(bytes.back(), '\n');
    const auto header = ParseNpyHeader(bytes);
    ASSERT_THAT(header, IsOk());
    EXPECT_EQ(header->major_version, version);
    EXPECT_EQ(header->data_offset_bytes, bytes.size());
    EXPECT_EQ(header->record_text, descr);
    EXPECT_EQ(header->shape, (AxisVector{2, 3}));
  }
}

TEST(NpyHeader, WritesNumbersOfSixtyFourLongAxes) {
  const AxisVector shape(kMaxAxes, INT64_MAX);
  const std::string bytes = FormatNpyHeader({}, false, shape, 4096);
  EXPECT_EQ(bytes.size(), 4096u);
  EXPECT_THAT(ParseNpyHeader(bytes), FailsWith(StatusCode::kCorrupt, "2^63"));
}

}  // namespace
}  // namespace ndarray
