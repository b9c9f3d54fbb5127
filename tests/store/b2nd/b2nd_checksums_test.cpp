// Flipped bits anywhere in files that are written here: each is an error on reading, or found by
// what `verify` looks at, or changes nothing. NDARRAY_FLIPS: how many of each file (1,000).
#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "driver/store/b2nd/b2nd_array.h"
#include "driver/store/b2nd/b2nd_update.h"
#include "driver/store/b2nd/b2nd_writer.h"
#include "driver/store/b2nd/frame_check.h"
#include "driver/store/b2nd/nested_array.h"
#include "driver/store/blosc2/codecs.h"
#include "driver/store/box.h"
#include "driver/store/frame/frame_copy.h"
#include "driver/store/frame/frame_extents.h"
#include "driver/store/frame/frame_open.h"
#include "driver/store/io/string_file.h"
#include "tests/support/array_conformance.h"
#include "tests/support/b2nd_files.h"
#include "tests/support/faulty_file.h"
#include "tests/support/mapped_bytes.h"
#include "tests/support/memory_file.h"
#include "tests/support/status_matchers.h"

namespace ndarray {
namespace {

using namespace testing;  // NOLINT

constexpr uint16_t kRepeatedValue = 7;

// A quarter each: zeros, one value, a slope with some noise, noise.
ReferenceArray Image(Random& random) {
  ReferenceArray image{{ScalarType::kUInt16, kNativeOrder}, {64, 64}, ""};
  for (uint64_t y = 0; y < 64; ++y) {
    for (uint64_t x = 0; x < 64; ++x) {
      const uint64_t value = y < 32   ? (x < 32 ? 0 : kRepeatedValue)
                             : x < 32 ? 100 * y + 3 * x + random() % 8
                                      : random() % 65536;
      image.elements += Little(value, 2);
    }
  }
  return image;
}

std::string Written(const ReferenceArray& image, const Compression& compression,
                    const std::vector<Attribute>& attributes) {
  AxisVector chunk = image.shape;
  AxisVector block = image.shape;
  for (int axis = 0; axis < chunk.size(); ++axis) {
    chunk[axis] = std::min<int64_t>(chunk[axis], 32);
    block[axis] = std::min<int64_t>(block[axis], 16);
  }
  const auto layout = MakeB2ndLayout(image.dtype, image.shape, chunk, block);
  EXPECT_THAT(layout, IsOk());
  FaultyOutput output;
  const auto writer = B2ndWriter::Start(output, *layout, compression, attributes, 1);
  EXPECT_THAT(writer, IsOk());
  const auto element_bytes = static_cast<int64_t>(image.dtype.size_bytes());
  EXPECT_THAT((*writer)->Write(WholeBox(image.shape),
                               {image.elements.data(), CStrides(image.shape, element_bytes)}),
              IsOk());
  EXPECT_THAT((*writer)->Finish(), IsOk());
  return output.bytes();
}

Compression CompressionOf(int compressor, int level, bool checksums = true) {
  Compression compression;
  compression.compressor = compressor;
  compression.level = level;
  compression.pipeline = PipelineOf(filter_id::kShuffle, 2);
  compression.checksums = checksums;
  return compression;
}

std::vector<Attribute> SomeAttributes(Random& random, size_t long_bytes) {
  ReferenceArray mask{{ScalarType::kUInt8, kNativeOrder}, {64, 64}, ""};
  for (int i = 0; i < 64 * 64; ++i) mask.elements.push_back(random() % 5 == 0 ? '\0' : '\xFF');
  std::vector<Attribute> attributes = {
      {"proj:wkt2",
       "\xa9"
       "EPSG:4326"},
      {"gdal:mask", PackNested(Written(mask, NestedCompression(), {}))},
      {"zero", std::string(1, '\0')}};
  if (long_bytes > 0) attributes.emplace_back("long", RandomBytes(random, long_bytes));
  return attributes;
}

struct Contents {
  Status status;
  AxisVector shape;
  std::string dtype, elements;
  std::vector<Attribute> attributes;

  bool operator==(const Contents& other) const {
    return shape == other.shape && dtype == other.dtype && elements == other.elements &&
           attributes == other.attributes;
  }
};

std::shared_ptr<ByteFile> FileOf(const std::string& bytes, bool mapped) {
  if (mapped) return std::make_shared<MappedBytes>(bytes);
  return std::make_shared<MemoryFile>(bytes);
}

Contents ReadAll(const std::string& bytes, bool mapped,
                 Verification verification = Verification::kAll) {
  Contents contents;
  const auto array = OpenB2ndArray(FileOf(bytes, mapped), 1, verification);
  contents.status = array.status();
  if (!array.ok()) return contents;
  contents.shape = (*array)->info().shape;
  contents.dtype = (*array)->info().dtype_text;
  const auto count = CheckedProduct(contents.shape).value_or(0);
  if (count > 1 << 20) {
    contents.status = Status(StatusCode::kCorrupt, "another size");
    return contents;
  }
  const auto element_bytes = static_cast<int64_t>((*array)->info().fields[0].dtype.size_bytes());
  contents.elements.resize(static_cast<size_t>(count * element_bytes));
  contents.status =
      (*array)->Read(0, WholeBox(contents.shape),
                     {contents.elements.data(), CStrides(contents.shape, element_bytes)});
  for (const AttributeInfo& info : (*array)->attributes()->List()) {
    const auto value = (*array)->attributes()->Read(info.name, 1 << 20);
    if (!value.ok()) contents.status = value.status();
    contents.attributes.emplace_back(info.name, value.ok() ? *value : "");
  }
  return contents;
}

// What `verify` looks at besides.
bool IsFoundByVerify(const std::string& bytes) {
  const auto file = FileOf(bytes, true);
  const auto index = FrameIndex::Open(*file, Verification::kChunks);
  if (!index.ok() || !(*index)->is_frame_right() || !(*index)->is_shape_right()) return true;
  const auto attributes = DecodeAttributes(**index, *file);
  return !attributes.ok() || !attributes->empty();
}

size_t Flips() {
  const char* const text = std::getenv("NDARRAY_FLIPS");
  return text != nullptr ? static_cast<size_t>(std::atoll(text)) : 1000;
}

struct FileCase {
  const char* name;
  int compressor;
  int level;
  size_t long_bytes;  // of an attribute that makes the trailer longer than is read at once
};

class B2ndChecksums : public ::testing::TestWithParam<FileCase> {
 protected:
  B2ndChecksums() : random_(11), image_(Image(random_)) {}

  std::string File(bool checksums = true) {
    return Written(image_, CompressionOf(GetParam().compressor, GetParam().level, checksums),
                   SomeAttributes(random_, GetParam().long_bytes));
  }

  std::string Flipped(const std::string& file) {
    std::string flipped = file;
    const size_t bit = random_() % (8 * file.size());
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ 1 << bit % 8);
    at_ = bit / 8;
    return flipped;
  }

  Random random_;
  ReferenceArray image_;
  size_t at_ = 0;
};

TEST_P(B2ndChecksums, EveryFlippedBitIsFoundOrChangesNothing) {
  const std::string file = File();
  const Contents right = ReadAll(file, true);
  ASSERT_THAT(right.status, IsOk());
  ASSERT_EQ(right.elements, image_.elements);
  size_t errors = 0;
  for (size_t i = 0; i < Flips(); ++i) {
    const std::string flipped = Flipped(file);
    const Contents found = ReadAll(flipped, i % 2 == 0);
    if (!found.status.ok()) {
      ++errors;
      EXPECT_NE(found.status.code(), StatusCode::kIo) << found.status.message();
      continue;
    }
    EXPECT_TRUE(found == right || IsFoundByVerify(flipped)) << "byte " << at_;
  }
  // Nearly all bits belong to something.
  EXPECT_GT(errors, Flips() * 9 / 10);
}

// Without comparing, wrong pixels come in silence: the test above can fail.
TEST_P(B2ndChecksums, WithoutThemDamageIsSilent) {
  const std::string file = File(false);
  const Contents right = ReadAll(file, true);
  size_t silent = 0;
  for (int i = 0; i < 200; ++i) {
    const Contents found = ReadAll(Flipped(file), i % 2 == 0, Verification::kNo);
    if (found.status.ok() && !(found == right)) ++silent;
  }
  EXPECT_GT(silent, 20u);
}

TEST_P(B2ndChecksums, DamageNamesChunkBlockPlaceAndWindow) {
  std::string file = File();
  const auto sound = std::make_shared<MappedBytes>(file);
  const auto index = FrameIndex::Open(*sound);
  ASSERT_THAT(index, IsOk());
  const auto extents = FindExtents(**index, *sound);
  ASSERT_THAT(extents, IsOk());
  EXPECT_EQ(ChecksumsText(*extents), "YES");
  const ChunkExtent last = extents->chunks.back();
  const auto at = static_cast<size_t>(last.offset_bytes + last.size_bytes - 1);
  file[at] = static_cast<char>(file[at] ^ 1);
  for (const bool mapped : {true, false}) {
    const Contents found = ReadAll(file, mapped);
    EXPECT_THAT(found.status, FailsWith(StatusCode::kCorrupt, "memory.npy: damaged"));
    EXPECT_THAT(found.status, FailsWith(StatusCode::kCorrupt, "chunk 3 at byte"));
    EXPECT_THAT(found.status, FailsWith(StatusCode::kCorrupt, "block 3, array[48:64, 48:64]"));
    EXPECT_THAT(found.status, FailsWith(StatusCode::kCorrupt, "checksum of bytes "));
  }
  // Other blocks are read all the same.
  const auto array = OpenB2ndArray(std::make_shared<MappedBytes>(file), 1);
  std::string some(2 * 16 * 64, '\0');
  EXPECT_THAT((*array)->Read(0, {{32, 0}, {48, 64}}, {some.data(), {128, 2}}), IsOk());
}

// Both who update a file and who compact it.
TEST_P(B2ndChecksums, AreAddedToFilesOfOthers) {
  B2ndOptions options;
  options.chunk_shape = {32, 32};
  options.block_shape = {16, 16};
  options.compressor = GetParam().compressor;
  options.level = GetParam().level;
  options.special_chunks = {{0, BLOSC2_SPECIAL_ZERO}};
  const std::string old = B2ndBytes(image_, options);
  const auto file = std::make_shared<StringFile>("old.b2nd", old, Access::kUpdate);
  const auto array = OpenB2ndForUpdate(file, 1);
  ASSERT_THAT(array, IsOk());
  EXPECT_EQ((*array)->chunked()->Details().checksums, "NO");
  const std::string part(2 * 10 * 10, '\3');
  ASSERT_THAT((*array)->Write(0, {{40, 40}, {50, 50}}, {part.data(), {20, 2}}), IsOk());
  ASSERT_THAT((*array)->Flush(), IsOk());
  const auto index = FrameIndex::Open(*file);
  ASSERT_THAT(index, IsOk());
  EXPECT_EQ(FindExtents(**index, *file)->with_checks, 1);
  EXPECT_FALSE((*index)->every_chunk_has_checks());
  FaultyOutput output;
  ASSERT_THAT((*array)->CopyTo(output), IsOk());
  const auto copy = std::make_shared<MappedBytes>(output.bytes());
  const auto copied = FrameIndex::Open(*copy);
  ASSERT_THAT(copied, IsOk());
  EXPECT_TRUE((*copied)->every_chunk_has_checks());
  const auto extents = FindExtents(**copied, *copy);
  EXPECT_EQ(extents->with_checks, static_cast<int64_t>(extents->chunks.size()));
  ReferenceArray expected = image_;
  expected.SetElementsOf({{40, 40}, {50, 50}}, part);
  EXPECT_EQ(ReadAll(output.bytes(), true).elements, expected.elements);
}

INSTANTIATE_TEST_SUITE_P(, B2ndChecksums,
                         ::testing::Values(FileCase{"ZSTD", BLOSC_ZSTD, 1, 0},
                                           FileCase{"LZ4", BLOSC_LZ4, 5, 0},
                                           FileCase{"ZLIB", BLOSC_ZLIB, 5, 0},
                                           FileCase{"BLOSCLZ", BLOSC_BLOSCLZ, 5, 0},
                                           FileCase{"NONE", BLOSC_LZ4, 0, 0},
                                           FileCase{"LongTrailer", BLOSC_LZ4, 5, 80000}),
                         [](const auto& test) { return std::string(test.param.name); });

// A chunk that has lost its checksums in a file all of whose chunks have some.
TEST(B2ndChecksum, ThatIsMissingIsDamage) {
  Random random(1);
  std::string file = Written(Image(random), CompressionOf(BLOSC_LZ4, 5), {});
  const auto index = FrameIndex::Open(*std::make_shared<MappedBytes>(file));
  ASSERT_THAT(index, IsOk());
  const auto table_at = static_cast<size_t>((*index)->Chunk(3).offset_bytes) + 32 + 4 * 4;
  ASSERT_EQ(file.substr(table_at, 3), "nds");
  file[table_at] = 'N';
  EXPECT_THAT(ReadAll(file, true).status,
              FailsWith(StatusCode::kCorrupt, "checksums: found none, wanted those that all"));
  EXPECT_THAT(ReadAll(file, true, Verification::kNo).status, IsOk());
}

TEST(B2ndChecksum, IsNotWrittenIntoFilesThatWantNone) {
  Random random(1);
  const std::string bytes = Written(Image(random), CompressionOf(BLOSC_ZSTD, 1, false), {});
  const auto file = std::make_shared<StringFile>("none.b2nd", bytes, Access::kUpdate);
  const auto array = OpenB2ndForUpdate(file, 1);
  ASSERT_THAT(array, IsOk());
  const std::string part(2 * 10 * 10, '\3');
  ASSERT_THAT((*array)->Write(0, {{40, 40}, {50, 50}}, {part.data(), {20, 2}}), IsOk());
  ASSERT_THAT((*array)->Flush(), IsOk());
  const auto index = FrameIndex::Open(*file);
  ASSERT_THAT(index, IsOk());
  EXPECT_TRUE((*index)->has_no_checksums());
  EXPECT_TRUE((*index)->is_frame_right());
  EXPECT_EQ(FindExtents(**index, *file)->with_checks, 0);
}

// Damage must not get checksums of its own.
TEST(B2ndChecksum, IsComparedBeforeAChunkIsWrittenAnew) {
  Random random(1);
  std::string bytes = Written(Image(random), CompressionOf(BLOSC_LZ4, 5), {});
  const auto index = FrameIndex::Open(*std::make_shared<MappedBytes>(bytes));
  const auto at = static_cast<size_t>((*index)->Chunk(3).offset_bytes) + 200;
  bytes[at] = static_cast<char>(bytes[at] ^ 4);
  const auto file = std::make_shared<StringFile>("a.b2nd", bytes, Access::kUpdate);
  const auto array = OpenB2ndForUpdate(file, 1);
  ASSERT_THAT(array, IsOk());
  const std::string part(2 * 10 * 10, '\3');
  EXPECT_THAT((*array)->Write(0, {{40, 40}, {50, 50}}, {part.data(), {20, 2}}),
              FailsWith(StatusCode::kCorrupt, "checksum"));
}

}  // namespace
}  // namespace ndarray
