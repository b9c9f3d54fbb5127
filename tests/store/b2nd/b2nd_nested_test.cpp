// Arrays in the attributes of other arrays: made, read, changed, and damaged in every way.
#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "driver/store/b2nd/b2nd_array.h"
#include "driver/store/b2nd/b2nd_update.h"
#include "driver/store/b2nd/nested_array.h"
#include "driver/store/blosc2/blosc_chunk.h"
#include "driver/store/io/string_file.h"
#include "tests/support/b2nd_files.h"
#include "tests/support/frame_bytes.h"
#include "tests/support/memory_file.h"
#include "tests/support/status_matchers.h"

namespace ndarray {
namespace {

constexpr const char* kMaskAttribute = "gdal:mask";

using testing::FailsWith;
using testing::FrameBytes;
using testing::FrameParts;
using testing::IsOk;
using testing::MemoryFile;
using testing::SmallFrame;

// As msgpack has it: 0xc6, and the length in 4 bytes.
std::string Binary(const std::string& bytes) {
  std::string packed("\xc6\0\0\0\0", 5);
  for (size_t i = 0; i < 4; ++i) packed[1 + i] = static_cast<char>(bytes.size() >> (24 - 8 * i));
  return packed + bytes;
}

// A small array of uint16 with that value in its attribute gdal:mask.
std::string FileWith(const std::string& packed) {
  FrameParts parts = SmallFrame();
  const auto size_bytes = static_cast<int64_t>(packed.size());
  parts.vlmetalayers = {{kMaskAttribute, testing::StoredChunk(packed, size_bytes, 1)}};
  return FrameBytes(parts);
}

std::shared_ptr<Array> OpenToRead(const std::string& bytes) {
  auto array = OpenB2ndArray(std::make_shared<MemoryFile>(bytes), 1);
  EXPECT_THAT(array, IsOk());
  return *array;
}

std::shared_ptr<WritableArray> OpenToUpdate(std::shared_ptr<WritableFile> file) {
  auto array = OpenB2ndForUpdate(std::move(file), 1);
  EXPECT_THAT(array, IsOk());
  return *array;
}

std::string ReadBytes(const Array& array) {
  const AxisVector& shape = array.info().shape;
  std::string elements(static_cast<size_t>(shape[0] * shape[1]), '?');
  EXPECT_THAT(array.Read(0, {AxisVector(2, 0), shape}, {elements.data(), {shape[1], 1}}), IsOk());
  return elements;
}

Status WriteBytes(Array& array, const std::string& elements) {
  const AxisVector& shape = array.info().shape;
  return array.writable()->Write(0, {AxisVector(2, 0), shape}, {elements.data(), {shape[1], 1}});
}

TEST(NestedArray, IsAnAttribute) {
  const auto array = OpenToRead(FileWith(Binary(FrameBytes(SmallFrame()))));
  ASSERT_EQ(array->attributes()->List().size(), 1u);
  EXPECT_EQ(array->attributes()->List()[0].name, kMaskAttribute);
  auto nested = OpenNested(*array, kMaskAttribute, 1);
  ASSERT_THAT(nested, IsOk());
  EXPECT_EQ((*nested)->info().shape, (AxisVector{6, 8}));
  uint16_t element = 0;
  ASSERT_THAT((*nested)->Read(0, {{5, 7}, {6, 8}}, {&element, {2, 2}}), IsOk());
  EXPECT_EQ(element, 47);
}

TEST(NestedArray, IsNotFoundWhereThereIsNone) {
  const auto array = OpenToRead(FrameBytes(SmallFrame()));
  EXPECT_TRUE(array->attributes()->List().empty());
  EXPECT_THAT(OpenNested(*array, kMaskAttribute, 1), FailsWith(StatusCode::kNotFound, ""));
}

TEST(NestedArray, IsMadeOfZerosAndKeptByTheNextFlush) {
  auto file = std::make_shared<StringFile>("outer.b2nd", FrameBytes(SmallFrame()), Access::kUpdate);
  std::string elements(300 * 500, '\0');
  {
    const auto outer = OpenToUpdate(file);
    ASSERT_THAT(AddNested(*outer, kMaskAttribute, {300, 500}), IsOk());
    auto nested = OpenNested(*outer, kMaskAttribute, 1);
    ASSERT_THAT(nested, IsOk());
    EXPECT_EQ(ReadBytes(**nested), elements);
    for (size_t i = 0; i < elements.size(); i += 7) elements[i] = '\xff';
    ASSERT_THAT(WriteBytes(**nested, elements), IsOk());
    ASSERT_THAT((*nested)->writable()->Flush(), IsOk());
    ASSERT_THAT(outer->Flush(), IsOk());
  }
  for (int round = 0; round < 2; ++round) {  // the second one after an update of other things
    const auto outer = OpenToUpdate(file);
    auto nested = OpenNested(*outer, kMaskAttribute, 1);
    ASSERT_THAT(nested, IsOk());
    EXPECT_EQ(ReadBytes(**nested), elements);
    ASSERT_THAT(outer->editable_attributes()->Set("other" + std::to_string(round), "\xa1x"),
                IsOk());
    ASSERT_THAT(outer->Flush(), IsOk());
  }
}

TEST(NestedArray, GrowsNoLargerThanAnAttributeMayBe) {
  auto file = std::make_shared<StringFile>("outer.b2nd", FrameBytes(SmallFrame()), Access::kUpdate);
  const auto outer = OpenToUpdate(file);
  ASSERT_THAT(AddNested(*outer, kMaskAttribute, {6000, 6000}), IsOk());
  auto nested = OpenNested(*outer, kMaskAttribute, 2);
  ASSERT_THAT(nested, IsOk());
  std::string noise(6000 * 6000, '\0');
  std::mt19937_64 random(1);
  for (size_t i = 0; i < noise.size(); i += 8) *reinterpret_cast<uint64_t*>(&noise[i]) = random();
  ASSERT_THAT(WriteBytes(**nested, noise), IsOk());
  EXPECT_THAT((*nested)->writable()->Flush(),
              FailsWith(StatusCode::kNotSupported, "outer.b2nd: attribute 'gdal:mask': size: "));
}

TEST(NestedArray, RefusesValuesThatAreNotOneBinary) {
  const std::string frame = FrameBytes(SmallFrame());
  const std::string packed = Binary(frame);
  EXPECT_EQ(PackNested(frame), packed);
  EXPECT_EQ(*UnpackNested(packed), frame);
  EXPECT_EQ(*UnpackNested("\xc4\x02xy"), "xy");
  EXPECT_EQ(*UnpackNested(std::string("\xc5\0\x02xy", 5)), "xy");
  for (size_t length = 0; length < packed.size(); ++length) {
    EXPECT_THAT(UnpackNested(packed.substr(0, length)),
                FailsWith(StatusCode::kCorrupt, "msgpack: found"))
        << length;
  }
  EXPECT_THAT(UnpackNested(packed + "x"), FailsWith(StatusCode::kCorrupt, "msgpack: found"));
  EXPECT_THAT(UnpackNested("\xa2xy"), FailsWith(StatusCode::kCorrupt, "msgpack: found"));
}

// Opens or is refused with a reason that names the attribute, and is read within its bounds.
bool ReadsOrFailsCleanly(const std::string& frame) {
  const auto array = OpenToRead(FileWith(Binary(frame)));
  const auto nested = OpenNested(*array, kMaskAttribute, 1);
  Status status = nested.status();
  if (nested.ok() && (*nested)->info().shape == AxisVector{6, 8} &&
      (*nested)->info().fields[0].dtype.size_bytes() == 2) {
    uint16_t elements[48];
    status = (*nested)->Read(0, {{0, 0}, {6, 8}}, {elements, {16, 2}});
  }
  if (status.ok()) return true;
  EXPECT_EQ(status.message().rfind("memory.npy: attribute 'gdal:mask': ", 0), 0u)
      << status.message();
  return false;
}

TEST(NestedArray, SurvivesFramesCutOffAnywhere) {
  const std::string frame = FrameBytes(SmallFrame());
  for (size_t length = 0; length < frame.size(); ++length) {
    EXPECT_FALSE(ReadsOrFailsCleanly(frame.substr(0, length))) << length;
  }
}

TEST(NestedArray, SurvivesAnyByteChanged) {
  const std::string frame = FrameBytes(SmallFrame());
  EXPECT_TRUE(ReadsOrFailsCleanly(frame));
  int failures = 0;
  for (size_t at = 0; at < frame.size(); ++at) {
    for (const int flip : {0x01, 0x80, 0xff}) {
      std::string changed = frame;
      changed[at] = static_cast<char>(changed[at] ^ flip);
      if (!ReadsOrFailsCleanly(changed)) ++failures;
    }
  }
  EXPECT_GT(failures, 100);
}

TEST(NestedArray, HasChunksOfBoundedNumber) {
  const auto small = PlanNested({7, 2000});
  ASSERT_THAT(small, IsOk());
  EXPECT_EQ(small->block_shape, (AxisVector{7, 256}));
  EXPECT_EQ(small->chunk_shape, (AxisVector{7, 1024}));
  const auto large = PlanNested({3, int64_t{1} << 18, int64_t{1} << 18});
  ASSERT_THAT(large, IsOk());
  EXPECT_EQ(large->chunk_shape, (AxisVector{1, 2048, 2048}));
  EXPECT_LE(large->chunk_count, 1 << 16);
}

TEST(BloscEncoder, WritesOneValueForAChunkOfIt) {
  const auto encoder = BloscEncoder::Make(NestedCompression(), 2, 512, "");
  ASSERT_THAT(encoder, IsOk());
  std::vector<uint16_t> elements(1024, 0xff01);
  const auto* bytes = reinterpret_cast<const std::byte*>(elements.data());
  std::string chunk;
  ASSERT_THAT((*encoder)->EncodeChunk(bytes, 2048, chunk), IsOk());
  EXPECT_EQ(chunk.size(), kChunkHeaderBytes + 2u);
  EXPECT_EQ(ParseChunkHeader(chunk, chunk.size())->kind, ChunkKind::kRepeated);
  elements.back() = 0xff02;
  ASSERT_THAT((*encoder)->EncodeChunk(bytes, 2048, chunk), IsOk());
  EXPECT_EQ(ParseChunkHeader(chunk, chunk.size())->kind, ChunkKind::kBlocks);
  elements.assign(1024, 0);
  ASSERT_THAT((*encoder)->EncodeChunk(bytes, 2048, chunk), IsOk());
  EXPECT_EQ(ParseChunkHeader(chunk, chunk.size())->kind, ChunkKind::kZeros);
}

TEST(StringOutput, RefusesToBecomeTooLong) {
  StringOutput output("name", 4);
  EXPECT_THAT(output.WriteAt(1, "abc", 3), IsOk());
  EXPECT_THAT(output.WriteAt(0, "_", 1), IsOk());
  EXPECT_FALSE(output.full());
  EXPECT_THAT(output.WriteAt(4, "x", 1),
              FailsWith(StatusCode::kNotSupported, "name: size: found 5 bytes, wanted at most 4"));
  EXPECT_TRUE(output.full());
  EXPECT_EQ(output.TakeBytes(), "_abc");
}

TEST(StringFile, RefusesToReadBeyondItsEnd) {
  StringFile file("name", "abc", Access::kUpdate);
  char bytes[4] = {};
  EXPECT_THAT(file.Read({{1, 2, bytes}}), IsOk());
  EXPECT_EQ(std::string(bytes), "bc");
  EXPECT_THAT(file.Read({{2, 2, bytes}}), FailsWith(StatusCode::kCorrupt, "name: size: "));
  EXPECT_THAT(file.Read({{UINT64_MAX, 2, bytes}}), FailsWith(StatusCode::kCorrupt, "name"));
  EXPECT_THAT(file.WriteAt(5, "xy", 2), IsOk());
  EXPECT_EQ(file.size_bytes(), 7u);
}

}  // namespace
}  // namespace ndarray
