#include "driver/raster/create/b2nd_cut.h"

#include <cpl_string.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace ndarray {
namespace {

NewArray ArrayOf(const std::string& axes, const AxisVector& shape,
                 ScalarType type = ScalarType::kUInt16) {
  NewArray array;
  array.path = "new.b2nd";
  array.axes = axes;
  array.shape = shape;
  array.dtype = {type, kNativeOrder};
  array.width = array.height = array.bands = 1;
  for (int axis = 0; axis < shape.size(); ++axis) {
    const char letter = axes[static_cast<size_t>(axis)];
    const auto count = static_cast<int>(shape[axis]);
    if (letter == 'X') array.width = count;
    if (letter == 'Y') array.height = count;
    if (letter == 'B') array.bands = count;
  }
  return array;
}

B2ndCut CutOf(const NewArray& array, const std::vector<std::string>& words = {},
              int64_t side_of_bytes = kBlockSideOfBytes) {
  CPLStringList options;
  for (const std::string& word : words) options.AddString(word.c_str());
  Result<B2ndCut> cut = CutB2nd(array, options.List(), side_of_bytes);
  EXPECT_TRUE(cut.ok()) << cut.status().message();
  return cut.ok() ? *cut : B2ndCut{};
}

int64_t BytesOf(const AxisVector& box, int64_t element_bytes) {
  for (const int64_t count : box) element_bytes *= count;
  return element_bytes;
}

TEST(B2ndCut, CutsImagesIntoSquares) {
  const B2ndCut wide = CutOf(ArrayOf("YX", {5000, 7000}));
  EXPECT_EQ(wide.chunk, (AxisVector{1024, 1024}));
  EXPECT_EQ(wide.block, (AxisVector{128, 128}));
  const B2ndCut bytes = CutOf(ArrayOf("BYX", {3, 5000, 1000}, ScalarType::kUInt8));
  EXPECT_EQ(bytes.chunk, (AxisVector{1, 1024, 1024}));
  EXPECT_EQ(bytes.block, (AxisVector{1, 256, 256}));
  const B2ndCut pixels = CutOf(ArrayOf("YXB", {5000, 7000, 3}, ScalarType::kUInt8));
  EXPECT_EQ(pixels.chunk, (AxisVector{1024, 1024, 3}));
  EXPECT_EQ(pixels.block, (AxisVector{256, 256, 3}));
  const B2ndCut other = CutOf(ArrayOf("BYX", {3, 5000, 1000}, ScalarType::kUInt8), {}, 128);
  EXPECT_EQ(other.chunk, (AxisVector{1, 1024, 1024}));
  EXPECT_EQ(other.block, (AxisVector{1, 128, 128}));
  const B2ndCut doubles = CutOf(ArrayOf("YX", {5000, 7000}, ScalarType::kFloat64));
  EXPECT_EQ(doubles.chunk, (AxisVector{1024, 1024}));
}

TEST(B2ndCut, GrowsAlongTheOnlyLongAxis) {
  const B2ndCut line = CutOf(ArrayOf("X", {16'000'000}));
  EXPECT_EQ(line.chunk, (AxisVector{1 << 20}));
  EXPECT_EQ(line.block, (AxisVector{1 << 15}));
  const B2ndCut column = CutOf(ArrayOf("YX", {16'000'000, 1}));
  EXPECT_EQ(column.chunk, (AxisVector{1 << 20, 1}));
  EXPECT_EQ(column.block, (AxisVector{1 << 15, 1}));
  const B2ndCut strip = CutOf(ArrayOf("YX", {8, 2'000'000}));
  EXPECT_EQ(strip.chunk, (AxisVector{8, 1 << 17}));
  EXPECT_EQ(strip.block, (AxisVector{8, 1 << 12}));
}

TEST(B2ndCut, PutsSmallPlanesTogether) {
  const B2ndCut tiles = CutOf(ArrayOf("BYX", {16000, 40, 25}));
  EXPECT_EQ(tiles.chunk, (AxisVector{1024, 40, 25}));
  EXPECT_EQ(tiles.block, (AxisVector{32, 40, 25}));
  const B2ndCut tiny = CutOf(ArrayOf("BYX", {65536, 8, 8}));
  EXPECT_EQ(tiny.chunk, (AxisVector{16384, 8, 8}));
  EXPECT_EQ(tiny.block, (AxisVector{512, 8, 8}));
  const B2ndCut lines = CutOf(ArrayOf("YBX", {40, 16000, 25}));
  EXPECT_EQ(lines.chunk, (AxisVector{40, 1024, 25}));
  const B2ndCut stack = CutOf(ArrayOf("PPYX", {6, 5, 64, 64}));
  EXPECT_EQ(stack.chunk, (AxisVector{6, 5, 64, 64}));
  EXPECT_EQ(stack.block, (AxisVector{1, 5, 64, 64}));
}

TEST(B2ndCut, KeepsLargePlanesApart) {
  const B2ndCut planes = CutOf(ArrayOf("BYX", {1000, 1000, 1000}));
  EXPECT_EQ(planes.chunk, (AxisVector{1, 1024, 1024}));
  EXPECT_EQ(planes.block, (AxisVector{1, 128, 128}));
  // Planes of a quarter of a chunk: a window of one band decodes no other.
  const B2ndCut quarters = CutOf(ArrayOf("BYX", {1000, 512, 512}));
  EXPECT_EQ(quarters.chunk, (AxisVector{4, 512, 512}));
  EXPECT_EQ(quarters.block, (AxisVector{1, 128, 128}));
}

TEST(B2ndCut, IsAboutAsLargeWhateverTheShape) {
  const std::vector<AxisVector> shapes = {
      {1, 1, 10'000'000}, {10'000'000, 1, 1}, {1, 10'000'000, 1}, {3, 3, 1'000'000},
      {1000, 100, 100},   {100, 1000, 100},   {100, 100, 1000},   {60000, 13, 17},
      {2, 900, 40000},    {2, 40000, 60},     {5000, 2, 1000},    {1, 30000, 30000}};
  for (const char* const axes : {"BYX", "YBX", "BXY", "PYX"}) {
    for (const ScalarType type :
         {ScalarType::kUInt8, ScalarType::kInt16, ScalarType::kFloat32, ScalarType::kComplex128}) {
      for (const AxisVector& shape : shapes) {
        const NewArray array = ArrayOf(axes, shape, type);
        const B2ndCut cut = CutOf(array);
        const std::string name = axes + ShapeString(shape) + std::to_string(array.element_bytes());
        EXPECT_GE(BytesOf(cut.block, array.element_bytes()), 8 << 10) << name;
        EXPECT_LE(BytesOf(cut.block, array.element_bytes()), 256 << 10) << name;
        EXPECT_GE(BytesOf(cut.chunk, array.element_bytes()), 512 << 10) << name;
        EXPECT_LE(BytesOf(cut.chunk, array.element_bytes()), 16 << 20) << name;
        for (int axis = 0; axis < shape.size(); ++axis) {
          EXPECT_EQ(cut.chunk[axis] % cut.block[axis], 0) << name;
          EXPECT_LE(cut.block[axis], shape[axis]) << name;
        }
      }
    }
  }
}

TEST(B2ndCut, HasFewChunksOfHugeArrays) {
  const B2ndCut line = CutOf(ArrayOf("YX", {2'000'000'000, 200}));
  EXPECT_LE(2'000'000'000 / line.chunk[0], 1 << 16);
  const B2ndCut image = CutOf(ArrayOf("YX", {1 << 20, 1 << 20}));
  EXPECT_EQ(image.chunk, (AxisVector{4096, 4096}));
}

TEST(B2ndCut, TakesSidesThatAreGiven) {
  const NewArray column = ArrayOf("YX", {16'000'000, 1});
  const B2ndCut chunks = CutOf(column, {"CHUNKYSIZE=1024"});
  EXPECT_EQ(chunks.chunk, (AxisVector{1024, 1}));
  EXPECT_EQ(chunks.block, (AxisVector{128, 1}));
  const B2ndCut blocks = CutOf(column, {"BLOCKYSIZE=500"});
  EXPECT_EQ(blocks.block, (AxisVector{500, 1}));
  EXPECT_EQ(blocks.chunk, (AxisVector{1'048'000, 1}));
  // x does not make up for fewer lines.
  const B2ndCut flat = CutOf(ArrayOf("YX", {5000, 7000}), {"BLOCKYSIZE=16"});
  EXPECT_EQ(flat.block, (AxisVector{16, 128}));
  EXPECT_EQ(flat.chunk, (AxisVector{1024, 1024}));
}

TEST(B2ndCut, IsTheSameForBlocksOfAFileThatIsCutByDefault) {
  for (const auto& [axes, shape] : std::vector<std::pair<std::string, AxisVector>>{
           {"YX", {16'000'000, 1}}, {"YX", {8, 2'000'000}}, {"BYX", {16000, 40, 25}}}) {
    const NewArray array = ArrayOf(axes, shape);
    const B2ndCut cut = CutOf(array);
    const auto side = [&cut, &names = axes](char letter) {
      return std::to_string(cut.block[static_cast<int>(names.find(letter))]);
    };
    const B2ndCut again = CutOf(array, {"BLOCKXSIZE=" + side('X'), "BLOCKYSIZE=" + side('Y')});
    EXPECT_EQ(again.chunk, cut.chunk);
    EXPECT_EQ(again.block, cut.block);
  }
}

TEST(B2ndCut, KeepsTheCutOfTheSource) {
  NewArray array = ArrayOf("YX", {500, 500});
  array.source_chunk = {60, 70};
  array.source_block = {6, 7};
  EXPECT_EQ(CutOf(array).chunk, (AxisVector{60, 70}));
  EXPECT_EQ(CutOf(array, {"BLOCKXSIZE=50"}).block, (AxisVector{128, 50}));
}

}  // namespace
}  // namespace ndarray
