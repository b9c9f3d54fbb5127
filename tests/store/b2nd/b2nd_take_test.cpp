// Chunks that are taken out of another file as they are.

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "driver/store/b2nd/b2nd_array.h"
#include "driver/store/b2nd/b2nd_update.h"
#include "driver/store/io/local_file.h"
#include "driver/store/io/writer_turns.h"
#include "tests/support/array_conformance.h"
#include "tests/support/b2nd_files.h"
#include "tests/support/memory_file.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_folder.h"

namespace ndarray {
namespace {

using namespace testing;  // NOLINT

constexpr DType kU16{ScalarType::kUInt16, ByteOrder::kLittle};
const AxisVector kShape{40, 50};  // three chunks by three, of which those at the end are cut off
const Box kCorner{{16, 0}, {40, 20}};

class B2ndTakeTest : public ::testing::Test {
 protected:
  using Writer = std::shared_ptr<B2ndForUpdate>;

  B2ndTakeTest() : random_(5), model_(ReferenceArray::OfRandom(kU16, kShape, random_)) {
    WriteFile(path_, B2ndBytes(model_, Options()));
  }

  static B2ndOptions Options(int level = 1) {
    B2ndOptions options;
    options.chunk_shape = {16, 20};
    options.block_shape = {8, 10};
    options.level = level;
    return options;
  }

  Writer Open() const {
    auto shared = OpenSharedFile(path_, Joining::kNow);
    EXPECT_THAT(shared, IsOk());
    auto array = OpenB2ndForUpdate(shared->file, 1, Chunks::kMayBeWritten, kDefaultWriteCacheBytes,
                                   std::move(shared->turns));
    EXPECT_THAT(array, IsOk());
    return array.ok() ? *array : nullptr;
  }

  std::shared_ptr<Array> Reader() const { return *OpenB2ndArray(*OpenLocalFile(path_), 1); }

  // Mapped or not: a local file, or one in memory.
  std::shared_ptr<Array> Other(const std::string& bytes, bool local) const {
    if (!local) return *OpenB2ndArray(std::make_shared<MemoryFile>(bytes), 1);
    WriteFile(folder_.Path("other.b2nd"), bytes);
    return *OpenB2ndArray(*OpenLocalFile(folder_.Path("other.b2nd")), 1);
  }

  void Fill(Array& array, const Box& box, uint16_t value, bool in_model = true) {
    const std::vector<uint16_t> values(static_cast<size_t>(box.count(0) * box.count(1)), value);
    ASSERT_THAT(array.writable()->Write(0, box, {values.data(), {2 * box.count(1), 2}}), IsOk());
    if (in_model)
      SetInModel(box, {reinterpret_cast<const char*>(values.data()), 2 * values.size()});
  }

  void SetInModel(const Box& box, std::string_view elements) {
    model_.SetElementsOf(box, elements);
  }

  static std::string ElementsOf(const Array& array) {
    std::string elements(40 * 50 * 2, '\0');
    EXPECT_THAT(array.Read(0, WholeBox(kShape), {elements.data(), {100, 2}}), IsOk());
    return elements;
  }

  static std::string Packed(const Array& array, const AxisVector& position) {
    std::string bytes;
    EXPECT_THAT(array.chunked()->ReadPacked(position, bytes), IsOk());
    return bytes;
  }

  Random random_;
  ReferenceArray model_;
  const TempFolder folder_;
  const std::string path_ = folder_.Path("file.b2nd");
};

TEST_F(B2ndTakeTest, ChunksComeAlongByteByByte) {
  for (const bool local : {true, false}) {
    const ReferenceArray pixels = ReferenceArray::OfRandom(kU16, kShape, random_);
    const auto other = Other(B2ndBytes(pixels, Options(9)), local);
    const Writer writer = Open();
    ASSERT_THAT(writer->TakeChunks(*other, kCorner), IsOk());
    SetInModel(kCorner, pixels.ElementsOf(kCorner));
    EXPECT_EQ(ElementsOf(*writer), model_.elements);
    ASSERT_THAT(writer->Flush(), IsOk());
    EXPECT_EQ(ElementsOf(*Reader()), model_.elements);
    EXPECT_EQ(Packed(*Reader(), {2, 0}), Packed(*other, {2, 0}));
    EXPECT_NE(Packed(*Reader(), {2, 1}), Packed(*other, {2, 1}));
  }
}

TEST_F(B2ndTakeTest, ChunksOfZerosAreTakenToo) {
  ReferenceArray zeros = model_;
  zeros.elements.assign(zeros.elements.size(), '\0');
  const auto other = Other(B2ndBytes(zeros, Options()), true);
  const Writer writer = Open();
  ASSERT_THAT(writer->TakeChunks(*other, kCorner), IsOk());
  ASSERT_THAT(writer->Flush(), IsOk());
  SetInModel(kCorner, zeros.ElementsOf(kCorner));
  EXPECT_EQ(ElementsOf(*Reader()), model_.elements);
}

TEST_F(B2ndTakeTest, TheLastWriterOfAChunkCounts) {
  const ReferenceArray pixels = ReferenceArray::OfRandom(kU16, kShape, random_);
  const auto other = Other(B2ndBytes(pixels, Options()), true);
  const Writer writer = Open();
  const Writer second = Open();
  Fill(*writer, {{17, 1}, {18, 2}}, 3, false);  // waits, and is replaced
  Fill(*second, {{30, 10}, {33, 30}}, 4, false);
  ASSERT_THAT(second->Flush(), IsOk());
  SetInModel({{30, 20}, {33, 30}}, std::string(60, '\0'));
  Fill(*second, {{30, 20}, {33, 30}}, 4);
  ASSERT_THAT(writer->TakeChunks(*other, kCorner), IsOk());
  SetInModel(kCorner, pixels.ElementsOf(kCorner));
  Fill(*writer, {{39, 0}, {40, 1}}, 5);  // over what was taken
  ASSERT_THAT(writer->Flush(), IsOk());
  EXPECT_EQ(ElementsOf(*Reader()), model_.elements);
  ASSERT_THAT(writer->TakeChunks(*other, kCorner), IsOk());
  ASSERT_THAT(writer->TakeChunks(*other, kCorner), IsOk());
  SetInModel(kCorner, pixels.ElementsOf(kCorner));
  Fill(*second, {{20, 3}, {21, 4}}, 6);  // flushed later than that: put over it
  ASSERT_THAT(writer->Flush(), IsOk());
  ASSERT_THAT(second->Flush(), IsOk());
  EXPECT_EQ(ElementsOf(*Reader()), model_.elements);
}

TEST_F(B2ndTakeTest, RefusesOtherArraysAndPartsOfChunks) {
  const Writer writer = Open();
  B2ndOptions options = Options();
  options.block_shape = {8, 20};
  EXPECT_THAT(
      writer->TakeChunks(*Other(B2ndBytes(model_, options), false), kCorner),
      FailsWith(StatusCode::kInvalidArgument,
                "array of memory.npy: found another shape, type or chunks, wanted those of"));
  const auto other = Other(B2ndBytes(model_, Options()), true);
  EXPECT_THAT(writer->TakeChunks(*other, {{0, 0}, {16, 10}}),
              FailsWith(StatusCode::kInvalidArgument,
                        "window: found (0, 0) to (16, 10), wanted whole chunks of (16, 20)"));
  EXPECT_THAT(writer->TakeChunks(*other, {{8, 0}, {16, 20}}),
              FailsWith(StatusCode::kInvalidArgument, ""));
  EXPECT_EQ(ElementsOf(*writer), model_.elements);
}

}  // namespace
}  // namespace ndarray
