#include "driver/store/blosc2/b2nd_layout.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/frame_bytes.h"
#include "tests/support/status_matchers.h"

namespace ndarray {
namespace {

using testing::B2ndContent;
using testing::Big;
using testing::FailsWith;
using testing::ForEachIndex;
using testing::IsOk;
using testing::Random;

Result<B2ndLayout> Parse(const AxisVector& shape, const AxisVector& chunks,
                         const AxisVector& blocks, const std::string& dtype = "<u2") {
  return ParseB2ndMetalayer(B2ndContent(shape, chunks, blocks, dtype));
}

Result<B2ndLayout> ParseDtypeOf(const std::string& dtype) { return Parse({4}, {4}, {2}, dtype); }

TEST(B2ndLayout, ReadsEveryField) {
  const auto layout = Parse({10, 20, 30}, {5, 8, 30}, {2, 8, 7}, ">i4");
  ASSERT_THAT(layout, IsOk());
  EXPECT_EQ(layout->shape, (AxisVector{10, 20, 30}));
  EXPECT_EQ(layout->chunk_shape, (AxisVector{5, 8, 30}));
  EXPECT_EQ(layout->block_shape, (AxisVector{2, 8, 7}));
  EXPECT_EQ(layout->chunk_grid, (AxisVector{2, 3, 1}));
  EXPECT_EQ(layout->block_grid, (AxisVector{3, 1, 5}));
  EXPECT_EQ(layout->chunk_count, 6);
  EXPECT_EQ(layout->blocks_per_chunk, 15);
  EXPECT_EQ(layout->block_bytes, 2 * 8 * 7 * 4);
  EXPECT_EQ(layout->chunk_bytes, 15 * 2 * 8 * 7 * 4);
  EXPECT_EQ(layout->block_strides_bytes, (AxisVector{224, 28, 4}));
  EXPECT_EQ(layout->element.element_bytes, 4);
  EXPECT_EQ(layout->element.fields[0].dtype.order, ByteOrder::kBig);
  EXPECT_EQ(layout->element.text, ">i4");
}

// msgpack has several bytes for one number; c-blosc2 reads and writes one.
TEST(B2ndLayout, RefusesIntegersOfOtherSizes) {
  // [0, 1, [3], [2], [1], 0, "|u1"] in the fewest bytes.
  const std::string content("\x97\x00\x01\x91\x03\x91\x02\x91\x01\x00\xa3|u1", 14);
  EXPECT_THAT(ParseB2ndMetalayer(content),
              FailsWith(StatusCode::kCorrupt, "content: found 14 bytes"));
}

TEST(B2ndLayout, RefusesContentCutShort) {
  const std::string content = B2ndContent({6, 8}, {4, 4}, {2, 4}, "<u2");
  for (size_t size = 0; size < content.size(); ++size) {
    const std::vector<char> cut(content.begin(),
                                content.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_EQ(ParseB2ndMetalayer({cut.data(), cut.size()}).status().code(), StatusCode::kCorrupt)
        << size;
  }
}

TEST(B2ndLayout, RefusesOtherContents) {
  for (const std::string& content : {
           std::string("\xc0"),                                                 // nil
           std::string("\x90"),                                                 // []
           std::string("\x96\x00\x01\x91\x03\x91\x02\x91\x01\x00", 10),         // no dtype
           std::string("\x97\x00\xc0\x91\x03\x91\x02\x91\x01\x00\xa3|u1", 14),  // axes nil
           std::string("\x97\x00\x01\x91\x03\x91\x02\x91\x01\xc0\xa3|u1", 14),  // format nil
           std::string("\x97\x00\x01\x91\x03\x91\x02\x91\x01\x00\x07", 11),     // dtype 7
           std::string("\x97\x00\x01\x03\x91\x02\x91\x01\x00\xa3|u1", 13),      // shape 3
           std::string("\x97\x00\x01\x91\xa1"
                       "3\x91\x02\x91\x01\x00\xa3|u1",
                       15),  // ["3"]
           std::string("\x97\x00\x01\x91\xcb\x40\x08\0\0\0\0\0\0\x91\x02\x91\x01\x00\xa3|u1",
                       22),  // [3.0]
       }) {
    EXPECT_FALSE(ParseB2ndMetalayer(content).ok()) << ::testing::PrintToString(content);
  }
}

TEST(B2ndLayout, RefusesShapesThatDisagree) {
  std::string content = B2ndContent({6, 8}, {4, 4}, {2, 4}, "<u2");
  for (const char axes : {'\0', '\1', '\3', '\x10'}) {
    content[2] = axes;
    EXPECT_THAT(ParseB2ndMetalayer(content), FailsWith(StatusCode::kCorrupt, "content: found"));
  }
  for (const char axes : {'\x11', '\xff'}) {
    content[2] = axes;
    EXPECT_THAT(ParseB2ndMetalayer(content),
                FailsWith(StatusCode::kNotSupported, " axes, wanted at most 16"));
  }
  EXPECT_THAT(Parse({6, 8}, {4}, {2, 4}), FailsWith(StatusCode::kCorrupt, "content: found"));
  EXPECT_THAT(Parse({6, 8}, {4, 4}, {2, 4, 1}), FailsWith(StatusCode::kCorrupt, "content: found"));
}

TEST(B2ndLayout, RefusesArraysWithoutElements) {
  EXPECT_THAT(Parse({}, {}, {}),
              FailsWith(StatusCode::kNotSupported, "shape: found (), wanted at least one axis"));
  EXPECT_THAT(
      Parse({6, 0}, {4, 4}, {2, 4}),
      FailsWith(StatusCode::kNotSupported, "shape: found (6, 0), wanted no axis of size 0"));
}

TEST(B2ndLayout, RefusesNegativeAxes) {
  EXPECT_THAT(Parse({-6, 8}, {4, 4}, {2, 4}),
              FailsWith(StatusCode::kCorrupt, "shape: found (-6, 8), wanted integers"));
  EXPECT_THAT(Parse({6, 8}, {4, INT32_MIN}, {2, 4}),
              FailsWith(StatusCode::kCorrupt, "chunks and blocks: found"));
  EXPECT_THAT(Parse({6, 8}, {4, 4}, {-1, 4}),
              FailsWith(StatusCode::kCorrupt, "chunks and blocks: found"));
}

TEST(B2ndLayout, RefusesEmptyChunksAndBlocks) {
  EXPECT_THAT(Parse({6, 8}, {0, 4}, {2, 4}),
              FailsWith(StatusCode::kCorrupt, "chunks and blocks: found (0, 4) and (2, 4)"));
  EXPECT_THAT(Parse({6, 8}, {4, 4}, {2, 0}),
              FailsWith(StatusCode::kCorrupt, "chunks and blocks: found (4, 4) and (2, 0)"));
}

TEST(B2ndLayout, RefusesSeventeenAxes) {
  // Arrays of 16 and more values are marked by 0xdc.
  std::string content = std::string("\x97\x00\x11", 3);
  const auto shape = [](char marker, int bytes) {
    std::string text = std::string("\xdc") + Big(17, 2);
    for (int i = 0; i < 17; ++i) text += marker + Big(1, bytes);
    return text;
  };
  content += shape('\xd3', 8) + shape('\xd2', 4) + shape('\xd2', 4);
  content += std::string("\x00\xa3|u1", 5);
  EXPECT_THAT(ParseB2ndMetalayer(content),
              FailsWith(StatusCode::kNotSupported, "shape: found 17 axes, wanted at most 16"));
}

TEST(B2ndLayout, RefusesProductsThatDoNotFit) {
  constexpr int64_t kHuge = INT64_MAX;
  for (const AxisVector& shape : {AxisVector{kHuge, 1}, AxisVector{kHuge / 2 + 1, 1},
                                  AxisVector{int64_t{1} << 32, int64_t{1} << 31}}) {
    EXPECT_THAT(Parse(shape, {4, 4}, {2, 4}),
                FailsWith(StatusCode::kCorrupt, "less than 2^63 bytes in all"))
        << ShapeString(shape);
  }
  // One element less than 2^63 bytes; and what of it one chunk is too many.
  EXPECT_THAT(Parse({kHuge / 2 - (int64_t{1} << 33), 1}, {4, 4}, {2, 4}), IsOk());
}

TEST(B2ndLayout, RefusesChunksOfTwoGigabytes) {
  struct Case {
    AxisVector chunks;
    AxisVector blocks;
    bool ok;
  };
  for (const auto& [chunks, blocks, ok] : std::vector<Case>{
           {{1 << 15, 1 << 15}, {1 << 15, 1 << 15}, false},  // 2^31 bytes
           {{1 << 15, (1 << 15) - 1}, {1, 1}, true},         // just below
           {{1 << 15, (1 << 15) - 1}, {1 << 15, 2}, false},  // padded to 2^31 bytes
           {{4, 4}, {INT32_MAX, 1}, false},                  // one block of 4 GiB
           {{INT32_MAX, INT32_MAX}, {1, 1}, false},
           {{INT32_MAX, 1}, {INT32_MAX - 1, 1}, false},  // padded beyond int32
       }) {
    const auto layout = Parse({int64_t{1} << 31, 1 << 16}, chunks, blocks);
    EXPECT_EQ(layout.ok(), ok) << ShapeString(chunks) << " " << ShapeString(blocks);
    if (ok) continue;
    EXPECT_THAT(layout, FailsWith(StatusCode::kCorrupt, "chunks of less than 2 GiB"));
  }
}

TEST(B2ndLayout, ReadsDtypesAsNumpyPrintsThem) {
  struct Case {
    const char* text;
    ScalarType type;
    ByteOrder order;
  };
  for (const auto& [text, type, order] : std::vector<Case>{
           {"|b1", ScalarType::kBool, kNativeOrder},
           {"<f2", ScalarType::kFloat16, ByteOrder::kLittle},
           {">c16", ScalarType::kComplex128, ByteOrder::kBig},
           {"|i1", ScalarType::kInt8, kNativeOrder},
           {"bool", ScalarType::kBool, ByteOrder::kLittle},
           {"uint16", ScalarType::kUInt16, ByteOrder::kLittle},
           {"int64", ScalarType::kInt64, ByteOrder::kLittle},
           {"float32", ScalarType::kFloat32, ByteOrder::kLittle},
           {"complex64", ScalarType::kComplex64, ByteOrder::kLittle},
       }) {
    const auto layout = ParseDtypeOf(text);
    ASSERT_THAT(layout, IsOk()) << text;
    EXPECT_EQ(layout->element.fields[0].dtype.type, type) << text;
    EXPECT_EQ(layout->element.fields[0].dtype.order, order) << text;
    EXPECT_EQ(layout->element.element_bytes,
              static_cast<int64_t>(layout->element.fields[0].dtype.size_bytes()));
    EXPECT_FALSE(layout->element.is_record);
  }
}

TEST(B2ndLayout, ReadsRecords) {
  const auto list = ParseDtypeOf("[('r', 'u1'), ('g', '>u2')]");
  ASSERT_THAT(list, IsOk());
  EXPECT_TRUE(list->element.is_record);
  EXPECT_EQ(list->element.element_bytes, 3);
  EXPECT_EQ(list->block_bytes, 6);
  const auto dict = ParseDtypeOf(
      "{'names': ['a', 'b'], 'formats': ['u1', '<f8'], 'offsets': [0, 8], 'itemsize': 16, "
      "'aligned': True}");
  ASSERT_THAT(dict, IsOk());
  EXPECT_EQ(dict->element.element_bytes, 16);
  EXPECT_EQ(dict->element.fields[1].offset_bytes, 8);
}

// str(numpy.dtype) has '?' for a bool in a record.
TEST(B2ndLayout, ReadsBoolsInRecords) {
  const auto list = ParseDtypeOf("[('flag', '?'), ('x', '<f4')]");
  ASSERT_THAT(list, IsOk());
  EXPECT_EQ(list->element.fields[0].dtype.type, ScalarType::kBool);
  EXPECT_EQ(list->element.element_bytes, 5);
}

// python-blosc2 gives the gaps of an aligned record names.
TEST(B2ndLayout, LeavesOutTheGapsOfRecords) {
  const auto list = ParseDtypeOf("[('a', 'u1'), ('f1', 'V7'), ('b', '<f8')]");
  ASSERT_THAT(list, IsOk());
  ASSERT_EQ(list->element.fields.size(), 2u);
  EXPECT_EQ(list->element.fields[1].name, "b");
  EXPECT_EQ(list->element.fields[1].offset_bytes, 8);
  EXPECT_EQ(list->element.element_bytes, 16);
}

TEST(B2ndLayout, RefusesDtypesThatAreNoNumbers) {
  for (const char* text : {"|O", "<U5", "|S5", "<M8[ns]", "|V4", "<f16", "float128", "str", ""}) {
    EXPECT_THAT(ParseDtypeOf(text), FailsWith(StatusCode::kNotSupported, "dtype: found")) << text;
  }
  for (const char* text : {"<", "5", "[", "{}", "()", "[]", "[('a', 'u1')", "(1, 2)"}) {
    EXPECT_THAT(ParseDtypeOf(text), FailsWith(StatusCode::kCorrupt, "dtype")) << text;
  }
  std::string content = B2ndContent({4}, {4}, {2}, "<u2");
  content[content.size() - 3 - 5 - 1] = 1;
  EXPECT_THAT(ParseB2ndMetalayer(content),
              FailsWith(StatusCode::kNotSupported, "dtype format: found 1, wanted 0"));
}

TEST(B2ndLayout, NumbersPlacesInCOrder) {
  const AxisVector grid = {3, 1, 4};
  int64_t number = 0;
  ForEachIndex(grid, [&](const AxisVector& place) {
    EXPECT_EQ(GridIndex(grid, place), number);
    EXPECT_EQ(GridPosition(grid, number), place);
    ++number;
  });
}

// Each element of a box is in exactly one of the blocks that the three functions name, and each of
// those blocks has one.
TEST(B2ndLayout, FindsTheBlocksOfAnyBox) {
  Random random(1);
  for (int i = 0; i < 300; ++i) {
    AxisVector shape, chunks, blocks;
    for (int axis = 0; axis < 2; ++axis) {
      shape.push_back(testing::RandomInt(random, 1, 20));
      chunks.push_back(testing::RandomInt(random, 1, 12));
      blocks.push_back(testing::RandomInt(random, 1, 14));
    }
    const auto layout = Parse(shape, chunks, blocks);
    ASSERT_THAT(layout, IsOk());
    const Box box = testing::RandomBox(shape, random);
    std::vector<int> seen(static_cast<size_t>(testing::Product(shape)));
    const Box chunk_box = ChunksOf(*layout, box);
    ForEachIndex(testing::Counts(chunk_box), [&](const AxisVector& at) {
      const AxisVector chunk{at[0] + chunk_box.start[0], at[1] + chunk_box.start[1]};
      const Box block_box = BlocksOf(*layout, chunk, box);
      ForEachIndex(testing::Counts(block_box), [&](const AxisVector& inner) {
        const AxisVector block{inner[0] + block_box.start[0], inner[1] + block_box.start[1]};
        const Box elements = BlockBox(*layout, chunk, block);
        int in_box = 0;
        ForEachIndex(testing::Counts(elements), [&](const AxisVector& index) {
          const int64_t y = elements.start[0] + index[0];
          const int64_t x = elements.start[1] + index[1];
          ASSERT_TRUE(y < shape[0] && x < shape[1]);
          const bool inside =
              y >= box.start[0] && y < box.stop[0] && x >= box.start[1] && x < box.stop[1];
          if (inside) ++in_box, ++seen[static_cast<size_t>(y * shape[1] + x)];
        });
        EXPECT_GT(in_box, 0);
      });
    });
    for (int64_t y = 0; y < shape[0]; ++y) {
      for (int64_t x = 0; x < shape[1]; ++x) {
        const bool inside =
            y >= box.start[0] && y < box.stop[0] && x >= box.start[1] && x < box.stop[1];
        ASSERT_EQ(seen[static_cast<size_t>(y * shape[1] + x)], inside ? 1 : 0);
      }
    }
  }
}

TEST(B2ndLayout, NewArraysHaveNoMoreChunksThanAreRead) {
  const DType bytes{ScalarType::kUInt8, kNativeOrder};
  EXPECT_THAT(MakeB2ndLayout(bytes, {8192, 8192}, {1, 1}, {1, 1}), IsOk());
  EXPECT_THAT(MakeB2ndLayout(bytes, {8192, 8193}, {1, 1}, {1, 1}),
              FailsWith(StatusCode::kInvalidArgument,
                        "chunks: found 67117056 of (1, 1), wanted at most 67108864"));
}

// The starts of blocks come before them, 4 bytes each: c-blosc2 would add them up in 32 bits.
TEST(B2ndLayout, RefusesToWriteMoreBlocksThanCBlosc2CanCount) {
  const DType byte{ScalarType::kUInt8, kNativeOrder};
  constexpr int64_t kMany = int64_t{1} << 28;
  EXPECT_THAT(MakeB2ndLayout(byte, {1, kMany}, {1, kMany}, {1, 1}), IsOk());
  EXPECT_THAT(MakeB2ndLayout(byte, {1, 4 * kMany}, {1, 4 * kMany}, {1, 1}),
              FailsWith(StatusCode::kInvalidArgument, "chunks to be written: found 1073741824"));
  EXPECT_THAT(MakeB2ndLayout(byte, {1, INT32_MAX}, {1, INT32_MAX}, {1, INT32_MAX}),
              FailsWith(StatusCode::kInvalidArgument, "chunks to be written: found 1 blocks"));
}

TEST(B2ndMetalayer, IsWrittenAsItIsRead) {
  for (const AxisVector& shape :
       {AxisVector{5}, AxisVector{3, 1000000, 70000}, AxisVector(16, 2)}) {
    const AxisVector ones(shape.size(), 1);
    const std::string content = FormatB2ndMetalayer(shape, shape, ones, "<u2");
    EXPECT_EQ(content, testing::B2ndContent(shape, shape, ones, "<u2"));
    const B2ndParts parts = SplitB2ndMetalayer(content);
    EXPECT_EQ(parts.shape.size(), 9u * static_cast<size_t>(shape.size()));
    AxisVector other = shape;
    ++other[0];
    const B2ndParts others = SplitB2ndMetalayer(FormatB2ndMetalayer(other, shape, ones, "<u2"));
    EXPECT_EQ(others.all_but_shape, parts.all_but_shape);
    EXPECT_NE(others.shape, parts.shape);
  }
}

}  // namespace
}  // namespace ndarray
