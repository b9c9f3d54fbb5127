// What DecodeFrame and FindExtents say of sound and of damaged files.
#include "driver/store/b2nd/frame_check.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <random>
#include <set>
#include <string>

#include "driver/store/blosc2/codecs.h"
#include "driver/store/frame/frame_extents.h"
#include "driver/store/io/local_file.h"
#include "tests/support/b2nd_files.h"
#include "tests/support/mapped_bytes.h"
#include "tests/support/memory_file.h"
#include "tests/support/status_matchers.h"

namespace ndarray {
namespace {

using testing::B2ndBytes;
using testing::B2ndOptions;
using testing::FailsWith;
using testing::IsOk;
using testing::MappedBytes;
using testing::MemoryFile;

constexpr size_t kMaxListed = 1000;

std::shared_ptr<ByteFile> FileOf(const std::string& bytes, bool mapped) {
  if (mapped) return std::make_shared<MappedBytes>(bytes);
  return std::make_shared<MemoryFile>(bytes);
}

FrameDamage Decode(const ByteFile& file, int threads = 2, size_t max_listed = kMaxListed) {
  const auto index = FrameIndex::Open(file);
  EXPECT_THAT(index.status(), IsOk());
  auto damage = DecodeFrame(**index, file, threads, max_listed, {});
  EXPECT_THAT(damage.status(), IsOk());
  return std::move(*damage);
}

// 24 chunks of 6 blocks, of which some are all padding.
std::string Image(int compressor, std::vector<std::pair<int, int>> filters = {{BLOSC_SHUFFLE, 0}}) {
  std::string elements;
  std::mt19937 random(7);
  for (uint32_t y = 0; y < 90; ++y) {
    for (uint32_t x = 0; x < 110; ++x) {
      const auto value = static_cast<uint64_t>(x / 4 * 3 + y + (random() % 30) / 29);
      elements += testing::Little(value, 2);
    }
  }
  B2ndOptions options;
  options.chunk_shape = {24, 20};
  options.block_shape = {8, 16};
  options.compressor = compressor;
  options.filters = std::move(filters);
  return B2ndBytes("<u2", 2, {90, 110}, elements, options);
}

TEST(FrameCheck, FindsGoldenFilesSound) {
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(NDARRAY_DATA "/golden")) {
    if (entry.path().extension() != ".b2nd") continue;
    SCOPED_TRACE(entry.path());
    const auto file = OpenLocalFile(entry.path());
    ASSERT_THAT(file.status(), IsOk());
    const auto index = FrameIndex::Open(**file);
    ASSERT_THAT(index.status(), IsOk());
    EXPECT_EQ(Decode(**file).places, 0);
    const auto extents = FindExtents(**index, **file);
    ASSERT_THAT(extents.status(), IsOk());
    EXPECT_TRUE(extents->overlaps.empty());
    EXPECT_EQ(extents->trailing_bytes, 0u);
    const auto attributes = DecodeAttributes(**index, **file);
    ASSERT_THAT(attributes.status(), IsOk());
    EXPECT_TRUE(attributes->empty());
    ++files;
  }
  EXPECT_GT(files, 20);
}

TEST(FrameCheck, CountsEveryBlockOnce) {
  for (const bool mapped : {false, true}) {
    for (const int threads : {1, 3}) {
      const FrameDamage damage = Decode(*FileOf(Image(BLOSC_ZLIB), mapped), threads);
      EXPECT_EQ(damage.decoded_blocks, (std::map<std::string, int64_t>{{"ZLIB", 24 * 6}}));
      EXPECT_EQ(damage.places, 0);
    }
  }
}

// The chunk whose bytes have that one; -1: none, since it is in the padding or the index.
int64_t ChunkAt(const FrameExtents& extents, uint64_t at) {
  for (const ChunkExtent& chunk : extents.chunks) {
    if (at >= chunk.offset_bytes && at < chunk.offset_bytes + chunk.size_bytes) return chunk.chunk;
  }
  return -1;
}

TEST(FrameCheck, BlamesTheChunkWhoseByteWasChanged) {
  std::mt19937 random(11);
  for (const int compressor : {BLOSC_BLOSCLZ, BLOSC_LZ4, BLOSC_ZLIB, BLOSC_ZSTD}) {
    for (const int filter : {BLOSC_SHUFFLE, BLOSC_DELTA}) {
      SCOPED_TRACE(CompressorName(compressor) + " " + FilterName(filter));
      const std::string sound = Image(compressor, {{filter, 0}});
      const MemoryFile sound_file(sound);
      const auto index = FrameIndex::Open(sound_file);
      ASSERT_THAT(index.status(), IsOk());
      const auto extents = FindExtents(**index, sound_file);
      ASSERT_THAT(extents.status(), IsOk());
      const uint64_t first = extents->chunks.front().offset_bytes;
      const uint64_t end = extents->chunks.back().offset_bytes + extents->chunks.back().size_bytes;
      int found = 0;
      for (int i = 0; i < 300; ++i) {
        const uint64_t at = first + random() % (end - first);
        std::string bytes = sound;
        bytes[at] = static_cast<char>(static_cast<uint8_t>(bytes[at]) ^ (1 + random() % 255));
        const FrameDamage damage = Decode(*FileOf(bytes, i % 2 == 0));
        for (const ChunkDamage& place : damage.listed) {
          EXPECT_EQ(place.chunk, ChunkAt(*extents, at)) << at << ": " << place.what.message();
        }
        EXPECT_LE(damage.chunks, 1);
        found += damage.places > 0;
      }
      EXPECT_GT(found, 2);
    }
  }
}

TEST(FrameCheck, ListsTheFirstPlacesAndCountsAll) {
  std::string bytes = Image(BLOSC_ZSTD);
  const auto index = FrameIndex::Open(MemoryFile(bytes));
  ASSERT_THAT(index.status(), IsOk());
  for (int64_t chunk = 0; chunk < 24; chunk += 2) {
    bytes[(*index)->Chunk(chunk).offset_bytes + testing::kChunkStartsAt + 4 * 2 + 3] = 0x7f;
  }
  for (const bool mapped : {false, true}) {
    const FrameDamage damage = Decode(*FileOf(bytes, mapped), 2, 3);
    EXPECT_EQ(damage.places, 12);
    EXPECT_EQ(damage.chunks, 12);
    ASSERT_EQ(damage.listed.size(), 3u);
    for (int64_t i = 0; i < 3; ++i) {
      const ChunkDamage& place = damage.listed[static_cast<size_t>(i)];
      EXPECT_EQ(place.chunk, 2 * i);
      EXPECT_EQ(place.block, 2);
      EXPECT_EQ(place.offset_bytes, (*index)->Chunk(2 * i).offset_bytes);
    }
  }
}

// Chunks of 2 GiB are looked at in a thousand parts each: of so many that would take days.
TEST(FrameCheck, LooksOnceAtMillionsOfChunksThatAreOneKind) {
  testing::FrameParts parts = testing::SmallFrame();
  constexpr int64_t kSide = int64_t{1} << 13;
  constexpr int64_t kChunkSide = int64_t{1} << 15;
  parts.shape = {kSide * kChunkSide, kSide * kChunkSide / 2};
  parts.chunk_shape = parts.block_shape = {kChunkSide, kChunkSide / 2};
  parts.chunk_bytes = parts.block_bytes = kChunkSide * kChunkSide;
  parts.uncompressed_bytes = kSide * kSide * parts.chunk_bytes;
  parts.chunks.clear();
  for (const int kind : {1, 2}) {  // zeros, and NaNs, of which whole numbers have none
    const auto offset = static_cast<uint64_t>(testing::SpecialOffset(kind));
    parts.offsets_chunk = testing::RepeatedChunk(testing::Little(offset, 8), 8 * kSide * kSide, 8);
    const auto file = FileOf(testing::FrameBytes(parts), true);
    EXPECT_EQ(Decode(*file).places, kind - 1);
    const auto index = FrameIndex::Open(*file);
    ASSERT_THAT(index.status(), IsOk());
    const auto extents = FindExtents(**index, *file);
    ASSERT_THAT(extents.status(), IsOk());
    EXPECT_EQ(extents->dead_bytes, 0u);
  }
}

TEST(FrameCheck, StopsWhenItIsAskedTo) {
  const std::string bytes = Image(BLOSC_ZSTD);
  const MemoryFile file(bytes);
  const auto index = FrameIndex::Open(file);
  ASSERT_THAT(index.status(), IsOk());
  int calls = 0;
  const auto damage = DecodeFrame(**index, file, 2, kMaxListed, [&](double done) {
    EXPECT_GT(done, 0);
    EXPECT_LT(done, 1);
    return ++calls < 5;
  });
  EXPECT_THAT(damage, FailsWith(StatusCode::kCancelled, "interrupted"));
  EXPECT_LT(calls, 8);
}

TEST(FrameExtents, AccountForEveryByte) {
  const std::string bytes = Image(BLOSC_ZSTD) + "after the frame";
  const MemoryFile file(bytes);
  const auto index = FrameIndex::Open(file);
  ASSERT_THAT(index.status(), IsOk());
  const auto extents = FindExtents(**index, file);
  ASSERT_THAT(extents.status(), IsOk());
  EXPECT_EQ(extents->trailing_bytes, 15u);
  EXPECT_EQ(extents->dead_bytes, 0u);
  EXPECT_EQ(extents->chunks.size(), 24u);
}

TEST(FrameExtents, FindChunksThatOverlap) {
  testing::FrameParts parts = testing::SmallFrame();
  const auto size = static_cast<int64_t>(parts.chunks[0].size());
  parts.offsets = {0, size, size + 8, 3 * size};
  const std::string bytes = testing::FrameBytes(parts);
  const MemoryFile file(bytes);
  const auto index = FrameIndex::Open(file);
  ASSERT_THAT(index.status(), IsOk());
  const auto extents = FindExtents(**index, file);
  ASSERT_THAT(extents.status(), IsOk());
  // Eight bytes into chunk 1 there is no header of a chunk.
  ASSERT_EQ(extents->headless.size() + extents->overlaps.size(), 1u);
  parts.offsets = {0, size, size, 3 * size};
  const std::string twice = testing::FrameBytes(parts);
  const MemoryFile other(twice);
  const auto other_index = FrameIndex::Open(other);
  ASSERT_THAT(other_index.status(), IsOk());
  const auto overlapping = FindExtents(**other_index, other);
  ASSERT_THAT(overlapping.status(), IsOk());
  ASSERT_EQ(overlapping->overlaps.size(), 1u);
  EXPECT_EQ(overlapping->overlaps[0].first.chunk + overlapping->overlaps[0].second.chunk, 3);
  EXPECT_EQ(overlapping->dead_bytes, static_cast<uint64_t>(size));
}

}  // namespace
}  // namespace ndarray
