// What is read of a file that cannot be mapped, and when.
#include "driver/store/frame/chunk_loader.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "driver/store/b2nd/b2nd_array.h"
#include "tests/support/array_conformance.h"
#include "tests/support/b2nd_files.h"
#include "tests/support/frame_bytes.h"
#include "tests/support/memory_file.h"
#include "tests/support/status_matchers.h"

namespace ndarray {
namespace {

using testing::FailsWith;
using testing::FrameBytes;
using testing::FrameParts;
using testing::IsOk;
using testing::MemoryFile;
using testing::ReferenceArray;

// 2 x 2 chunks of 512 x 512 bytes, in 4 x 4 blocks of 128 x 128: 16 KiB each, and as much in the
// file.
// What is read of a chunk first: header, starts, and where checksums would be.
constexpr size_t DirectoryBytes(size_t blocks) {
  return 32 + 4 * blocks + static_cast<size_t>(CheckTableBytes(static_cast<int64_t>(blocks)));
}

class ChunkLoaderTest : public ::testing::Test {
 protected:
  ChunkLoaderTest() {
    testing::Random random(1);
    reference_ = ReferenceArray::OfRandom({ScalarType::kUInt8, kNativeOrder}, {1024, 1024}, random);
    parts_ = testing::FrameOf(reference_, {512, 512}, {128, 128});
  }

  void Open() {
    file_ = std::make_shared<MemoryFile>(FrameBytes(parts_));
    auto index = FrameIndex::Open(*file_);
    ASSERT_THAT(index, IsOk());
    index_ = *index;
    file_->ForgetCounts();
  }

  std::vector<LoadedChunk> Headers(const std::vector<int64_t>& numbers, Status& status) const {
    std::vector<LoadedChunk> chunks(numbers.size());
    for (size_t i = 0; i < numbers.size(); ++i) chunks[i].chunk_index = numbers[i];
    status = ChunkLoader(*index_, *file_).LoadHeaders(chunks);
    return chunks;
  }

  std::vector<LoadedChunk> Load(const std::vector<int64_t>& numbers,
                                const std::vector<std::vector<int64_t>>& wanted) const {
    Status status;
    std::vector<LoadedChunk> chunks = Headers(numbers, status);
    EXPECT_THAT(status, IsOk());
    EXPECT_THAT(ChunkLoader(*index_, *file_).LoadBlocks(chunks, wanted), IsOk());
    return chunks;
  }

  void ExpectBlock(const LoadedChunk& chunk, int64_t block) const {
    std::string decoded(static_cast<size_t>(index_->layout().block_bytes), '\0');
    ASSERT_THAT(index_->codec().DecodeBlock(chunk.bytes, chunk.header, block,
                                            reinterpret_cast<std::byte*>(decoded.data())),
                IsOk());
    const Box box =
        BlockBox(index_->layout(), GridPosition(index_->layout().chunk_grid, chunk.chunk_index),
                 GridPosition(index_->layout().block_grid, block));
    EXPECT_TRUE(decoded == reference_.ElementsOf(box))
        << "chunk " << chunk.chunk_index << ", " << block;
  }

  ReferenceArray reference_;
  FrameParts parts_;
  std::shared_ptr<MemoryFile> file_;
  std::shared_ptr<const FrameIndex> index_;
};

TEST_F(ChunkLoaderTest, ReadsDirectoriesOfAllChunksFirst) {
  Open();
  Status status;
  const auto chunks = Headers({0, 1, 2, 3}, status);
  ASSERT_THAT(status, IsOk());
  EXPECT_EQ(file_->calls(), 1u);
  EXPECT_EQ(file_->ranges(), 4u);
  EXPECT_EQ(file_->bytes_read(), 4 * DirectoryBytes(16));
  for (const LoadedChunk& chunk : chunks) {
    EXPECT_EQ(chunk.header.uncompressed_bytes, 512 * 512);
    EXPECT_EQ(chunk.bytes.size(), parts_.chunks[0].size());
  }
}

TEST_F(ChunkLoaderTest, RemembersDirectories) {
  Open();
  Status status;
  Headers({0, 1, 2, 3}, status);
  file_->ForgetCounts();
  Headers({2, 1}, status);
  EXPECT_THAT(status, IsOk());
  EXPECT_EQ(file_->calls(), 0u);
}

TEST_F(ChunkLoaderTest, ReadsOnlyTheWantedBlocks) {
  Open();
  const auto chunks = Load({1, 2}, {{5}, {0, 15}});
  EXPECT_EQ(file_->calls(), 2u) << "one for directories, one for blocks";
  EXPECT_EQ(file_->ranges(), 2u + 3u);
  EXPECT_EQ(file_->bytes_read(), 2 * DirectoryBytes(16) + 3u * (4 + (16 << 10)));
  ExpectBlock(chunks[0], 5);
  ExpectBlock(chunks[1], 0);
  ExpectBlock(chunks[1], 15);
}

TEST_F(ChunkLoaderTest, MergesBlocksThatLieTogether) {
  Open();
  const auto chunks = Load({0}, {{6, 5, 4}});
  EXPECT_EQ(file_->ranges(), 1u + 1u);
  EXPECT_EQ(file_->bytes_read(), DirectoryBytes(16) + 3u * (4 + (16 << 10)));
  for (const int64_t block : {4, 5, 6}) ExpectBlock(chunks[0], block);
}

TEST_F(ChunkLoaderTest, ReadsThroughSmallGaps) {
  testing::Random random(2);
  reference_ = ReferenceArray::OfRandom({ScalarType::kUInt8, kNativeOrder}, {1024, 1024}, random);
  parts_ = testing::FrameOf(reference_, {512, 512}, {64, 128});  // 8 KiB
  Open();
  const auto chunks = Load({0}, {{0, 2, 10}});
  EXPECT_EQ(file_->ranges(), 1u + 2u);
  EXPECT_EQ(file_->bytes_read(), DirectoryBytes(32) + 4u * (4 + (8 << 10)));
  for (const int64_t block : {0, 2, 10}) ExpectBlock(chunks[0], block);
}

TEST_F(ChunkLoaderTest, ReadsTheWholeChunkWhereHalfIsWanted) {
  Open();
  const auto chunks = Load({3}, {{0, 2, 4, 6, 8, 10, 12, 14, 15}});
  EXPECT_EQ(file_->ranges(), 1u + 1u);
  EXPECT_EQ(file_->bytes_read(), DirectoryBytes(16) + parts_.chunks[3].size() - 32);
  for (const int64_t block : {0, 1, 15}) ExpectBlock(chunks[0], block);
}

TEST_F(ChunkLoaderTest, ReadsSmallChunksInOnePiece) {
  parts_ = testing::FrameOf(reference_, {64, 128}, {16, 16});
  Open();
  Load({0}, {{3}});
  EXPECT_EQ(file_->bytes_read(), DirectoryBytes(32) + parts_.chunks[0].size() - 32);
}

TEST_F(ChunkLoaderTest, ReadsChunksWithChecksumsOnce) {
  for (std::string& chunk : parts_.chunks) {
    const auto header = ParseChunkHeader(chunk, chunk.size());
    ASSERT_THAT(header, IsOk());
    chunk = *WithChecks(*header, chunk);
  }
  Open();
  std::vector<LoadedChunk> chunks(1);
  chunks[0].wants_most = true;
  ASSERT_THAT(ChunkLoader(*index_, *file_).LoadHeaders(chunks), IsOk());
  EXPECT_TRUE(chunks[0].is_loaded) << "of noise: longer than its elements";
  EXPECT_EQ(file_->bytes_read(), parts_.chunks[0].size());
  ExpectBlock(chunks[0], 15);
}

TEST_F(ChunkLoaderTest, FindsBlocksWrittenInAnyOrder) {
  // The blocks of the first chunk back to front, as threads may finish them.
  std::string& chunk = parts_.chunks[0];
  const std::string directory = chunk.substr(0, 96);
  const size_t block_bytes = 4 + (16 << 10);
  std::string blocks;
  std::string starts;
  for (size_t block = 16; block-- > 0;)
    blocks += chunk.substr(96 + block * block_bytes, block_bytes);
  for (size_t block = 0; block < 16; ++block) {
    starts += testing::Little(96 + (15 - block) * block_bytes, 4);
  }
  chunk = directory.substr(0, 32) + starts + blocks;
  Open();
  const auto chunks = Load({0}, {{3, 9}});
  EXPECT_EQ(file_->bytes_read(), DirectoryBytes(16) + 2u * block_bytes);
  ExpectBlock(chunks[0], 3);
  ExpectBlock(chunks[0], 9);
}

TEST_F(ChunkLoaderTest, ReadsBlocksOfStoredChunks) {
  parts_ = testing::FrameOf(reference_, {512, 512}, {128, 128}, testing::ChunkStyle::kStored);
  Open();
  const auto chunks = Load({1}, {{7}});
  EXPECT_LE(file_->bytes_read(), DirectoryBytes(16) + (16u << 10));
  EXPECT_TRUE(chunks[0].bytes.substr(32 + 7 * (16 << 10), 16 << 10) ==
              reference_.ElementsOf({{128, 512 + 3 * 128}, {256, 1024}}));
}

TEST_F(ChunkLoaderTest, ReadsNothingOfChunksThatTakeNoBytes) {
  parts_.offsets = std::vector<int64_t>(4, testing::SpecialOffset(1));
  Open();
  Load({0, 3}, {{}, {}});
  EXPECT_EQ(file_->calls(), 0u);
}

TEST_F(ChunkLoaderTest, ReadsNothingMoreWhereNothingIsWanted) {
  Open();
  Load({0, 1}, {{}, {}});
  EXPECT_EQ(file_->calls(), 1u);
}

TEST_F(ChunkLoaderTest, RefusesHeadersThatDisagreeWithTheFile) {
  const auto refusal = [&](size_t at, const std::string& bytes) {
    FrameParts parts = parts_;
    parts.chunks[2].replace(at, bytes.size(), bytes);
    std::swap(parts, parts_);
    Open();
    std::swap(parts, parts_);
    Status status;
    Headers({2}, status);
    return status;
  };
  const std::string where =
      "memory.npy: chunk 2 at byte " + std::to_string(ChunkStart(parts_, 2)) + ": ";
  EXPECT_THAT(refusal(testing::kChunkUncompressedAt, testing::Little(512 * 512 - 1, 4)),
              FailsWith(StatusCode::kCorrupt, where + "uncompressed size: found 262143 bytes"));
  EXPECT_THAT(refusal(testing::kChunkCompressedAt, testing::Little(31, 4)),
              FailsWith(StatusCode::kCorrupt, where + "compressed size: found 31"));
  EXPECT_THAT(refusal(testing::kChunkCompressedAt, testing::Little(0x7FFFFFFF, 4)),
              FailsWith(StatusCode::kCorrupt, where + "compressed size: found 2147483647"));
  EXPECT_THAT(refusal(2, "\xA5"),
              FailsWith(StatusCode::kNotSupported, where + "codec: found codec 5"));
  EXPECT_THAT(refusal(16, "\x63"),
              FailsWith(StatusCode::kNotSupported, where + "filter: found filter 99"));
}

TEST_F(ChunkLoaderTest, RefusesStartsOutsideOfTheChunk) {
  const auto chunk_bytes = static_cast<uint64_t>(parts_.chunks[0].size());
  for (const uint64_t start : {uint64_t{0}, uint64_t{32}, uint64_t{95}, chunk_bytes,
                               uint64_t{0x7FFFFFFF}, uint64_t{0xFFFFFFFF}}) {
    FrameParts damaged = parts_;
    damaged.chunks[0].replace(testing::kChunkStartsAt + 4 * 3, 4, testing::Little(start, 4));
    const auto file = std::make_shared<MemoryFile>(FrameBytes(damaged));
    const auto array = OpenB2ndArray(file, 1);
    ASSERT_THAT(array, IsOk());
    uint8_t to = 0;
    EXPECT_THAT(
        (*array)->Read(0, {{0, 400}, {1, 401}}, {&to, {1, 1}}),
        FailsWith(StatusCode::kCorrupt, "start of block 3: found " + std::to_string(start)));
    EXPECT_THAT((*array)->Read(0, {{0, 0}, {1, 1}}, {&to, {1, 1}}), IsOk());
  }
}

TEST_F(ChunkLoaderTest, SaysWhatReadingFailedOf) {
  class CutFile final : public ByteFile {
   public:
    explicit CutFile(const std::string& bytes) : ByteFile("cut", bytes.size()), file_(bytes) {}
    Status Read(const std::vector<ByteRange>& ranges) const override {
      for (const ByteRange& range : ranges) {
        if (range.size_bytes > 10000) return Status(StatusCode::kIo, "cable cut");
      }
      return file_.Read(ranges);
    }

   private:
    MemoryFile file_;
  };
  const auto array = OpenB2ndArray(std::make_shared<CutFile>(FrameBytes(parts_)), 2);
  ASSERT_THAT(array, IsOk());
  uint8_t to = 0;
  EXPECT_THAT((*array)->Read(0, {{0, 0}, {1, 1}}, {&to, {1, 1}}),
              FailsWith(StatusCode::kIo, "cable cut"));
}

// A window of a file whose chunks are larger than what one batch reads.
TEST_F(ChunkLoaderTest, ReadsLargeWindowsInBatches) {
  testing::Random random(3);
  auto reference =
      ReferenceArray::OfRandom({ScalarType::kUInt8, kNativeOrder}, {5000, 7000}, random);
  const auto file = std::make_shared<MemoryFile>(
      FrameBytes(testing::FrameOf(reference, {500, 1000}, {500, 100})));
  const auto array = OpenB2ndArray(file, 2);
  ASSERT_THAT(array, IsOk());
  file->ForgetCounts();
  testing::StridedBuffer buffer({5000, 7000}, 1);
  ASSERT_THAT((*array)->Read(0, testing::WholeBox(reference.shape), buffer.view()), IsOk());
  EXPECT_TRUE(buffer.Elements() == reference.elements);
  EXPECT_EQ(file->calls(), 2u) << "two batches of whole chunks";
  EXPECT_LE(file->max_ranges(), 70u);
}

}  // namespace
}  // namespace ndarray
