#include "driver/store/frame/frame_index.h"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "driver/store/io/local_file.h"
#include "tests/support/b2nd_files.h"
#include "tests/support/frame_bytes.h"
#include "tests/support/memory_file.h"
#include "tests/support/resident_memory.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_folder.h"

namespace ndarray {
namespace {

using testing::FailsWith;
using testing::FrameBytes;
using testing::FrameParts;
using testing::IsOk;
using testing::MemoryFile;
using testing::SmallFrame;
using testing::SpecialOffset;

Result<std::shared_ptr<const FrameIndex>> Open(const std::string& bytes) {
  return FrameIndex::Open(MemoryFile(bytes));
}

Status RefusalOf(const std::function<void(FrameParts&)>& change) {
  FrameParts parts = SmallFrame();
  change(parts);
  return Open(FrameBytes(parts)).status();
}

TEST(FrameIndex, FindsEachChunk) {
  const FrameParts parts = SmallFrame();
  const auto index = Open(FrameBytes(parts));
  ASSERT_THAT(index, IsOk());
  for (size_t chunk = 0; chunk < 4; ++chunk) {
    const ChunkLocation location = (*index)->Chunk(static_cast<int64_t>(chunk));
    EXPECT_EQ(location.kind, ChunkKind::kBlocks);
    EXPECT_EQ(location.offset_bytes, ChunkStart(parts, chunk));
    EXPECT_EQ(location.available_bytes, ChunkStart(parts, 4) - ChunkStart(parts, chunk));
  }
}

TEST(FrameIndex, FindsChunksInAnyOrderWithGapsBetween) {
  FrameParts parts = SmallFrame();
  const auto chunk_bytes = static_cast<int64_t>(parts.chunks[0].size());
  parts.chunks = {parts.chunks[2], "dead space", parts.chunks[0], parts.chunks[3], parts.chunks[1]};
  parts.offsets = {chunk_bytes + 10, 3 * chunk_bytes + 10, 0, 2 * chunk_bytes + 10};
  const auto index = Open(FrameBytes(parts));
  ASSERT_THAT(index, IsOk());
  EXPECT_EQ((*index)->Chunk(2).offset_bytes, ChunkStart(parts, 0));
  EXPECT_EQ((*index)->Chunk(0).offset_bytes, ChunkStart(parts, 2));
}

TEST(FrameIndex, TellsSpecialChunks) {
  FrameParts parts = SmallFrame();
  parts.offsets = {SpecialOffset(1), SpecialOffset(2), SpecialOffset(4), 0};
  const auto index = Open(FrameBytes(parts));
  ASSERT_THAT(index, IsOk());
  EXPECT_EQ((*index)->Chunk(0).kind, ChunkKind::kZeros);
  EXPECT_EQ((*index)->Chunk(1).kind, ChunkKind::kNans);
  EXPECT_EQ((*index)->Chunk(2).kind, ChunkKind::kUninitialized);
  EXPECT_EQ((*index)->Chunk(3).kind, ChunkKind::kBlocks);
  EXPECT_EQ((*index)->summary().special_chunks, 3);
}

TEST(FrameIndex, ReadsOffsetsThatAreCompressed) {
  std::string offsets;
  for (uint64_t i = 0; i < 1000; ++i) offsets += testing::Little(i * 50 % 131, 8);
  for (const int compressor : {BLOSC_BLOSCLZ, BLOSC_LZ4, BLOSC_ZSTD}) {
    FrameParts parts = SmallFrame();
    parts.shape = {4000, 4};
    parts.uncompressed_bytes = 1000 * 32;
    parts.chunks = {std::string(32 * 1000, 'x')};  // room for as many headers
    parts.offsets_chunk = testing::CompressedChunk(offsets, 8, 1024, compressor);
    ASSERT_LT(parts.offsets_chunk->size(), offsets.size());
    const auto index = Open(FrameBytes(parts));
    ASSERT_THAT(index, IsOk());
    for (uint64_t i = 0; i < 1000; ++i) {
      EXPECT_EQ((*index)->Chunk(static_cast<int64_t>(i)).offset_bytes,
                ChunkStart(parts, 0) + i * 50 % 131);
    }
  }
}

// As c-blosc2 writes the offsets of an array of zeros.
TEST(FrameIndex, ReadsOffsetsThatRepeat) {
  FrameParts parts = SmallFrame();
  parts.shape = {4000, 4};
  parts.uncompressed_bytes = 1000 * 32;
  parts.chunks.clear();
  parts.offsets_chunk = testing::RepeatedChunk(
      testing::Little(static_cast<uint64_t>(SpecialOffset(1)), 8), 8000, 8000);
  const auto index = Open(FrameBytes(parts));
  ASSERT_THAT(index, IsOk());
  EXPECT_EQ((*index)->Chunk(999).kind, ChunkKind::kZeros);
}

TEST(FrameIndex, TakesTheMetalayerByItsOldName) {
  FrameParts parts = SmallFrame();
  parts.b2nd_name = "caterva";
  EXPECT_THAT(Open(FrameBytes(parts)), IsOk());
}

TEST(FrameIndex, IgnoresWhatFollowsTheFrame) {
  const std::string frame = FrameBytes(SmallFrame());
  const auto index = Open(frame + "what an interrupted update left");
  ASSERT_THAT(index, IsOk());
  EXPECT_EQ((*index)->summary().frame_bytes, static_cast<int64_t>(frame.size()));
}

TEST(FrameIndex, RefusesWhatIsNoArray) {
  EXPECT_THAT(RefusalOf([](FrameParts& p) { p.b2nd_name = "other"; }),
              FailsWith(StatusCode::kNotSupported,
                        "memory.npy: content: found a super-chunk without a shape"));
  EXPECT_THAT(RefusalOf([](FrameParts& p) { p.frame_type = 1; }),
              FailsWith(StatusCode::kNotSupported, "memory.npy: frame: found a sparse one"));
  for (const char* layer : {"b2o", "LazyArray", "proxy-source", "b2embed", "vlarray"}) {
    EXPECT_THAT(RefusalOf([=](FrameParts& p) {
                  p.more_metalayers = {{layer, "\xc0"}};
                }),
                FailsWith(StatusCode::kNotSupported, "memory.npy: content: found a "))
        << layer;
  }
}

TEST(FrameIndex, RefusesHeadersAndMetalayersThatDisagree) {
  struct Case {
    std::function<void(FrameParts&)> change;
    const char* message;
  };
  for (const auto& [change, message] : std::vector<Case>{
           {[](FrameParts& p) { p.element_bytes = 4; }, "element size: found 4 bytes, wanted 2"},
           {[](FrameParts& p) { p.chunk_bytes = 31; }, "chunk size: found 31 bytes, wanted 32"},
           {[](FrameParts& p) { p.chunk_bytes = 0; }, "chunk size: found 0 bytes, wanted 32"},
           {[](FrameParts& p) { p.uncompressed_bytes = 129; }, "uncompressed size: found 129"},
           {[](FrameParts& p) { p.uncompressed_bytes = 96; }, "wanted 4 chunks of 32"},
           {[](FrameParts& p) {
              p.shape = {6, 9};
            },
            "uncompressed size: found 128 bytes"},
           {[](FrameParts& p) { p.frame_bytes = 1 << 20; }, " of 1048576 bytes; copy it again"},
           {[](FrameParts& p) { p.frame_bytes = UINT64_MAX; }, "frame length: found 18446744073"},
           {[](FrameParts& p) { p.trailer_bytes = 0; }, "trailer length: found 0 bytes"},
           {[](FrameParts& p) { p.trailer_bytes = 24; }, "trailer length: found 24 bytes"},
           {[](FrameParts& p) { p.trailer_bytes = 0xFFFFFFFF; }, "trailer length: found 42949"},
           {[](FrameParts& p) { p.b2nd = "\xc1"; }, "metalayer b2nd: content: found"},
           {[](FrameParts& p) { p.header_bytes = 5000; }, " of at least 5000 bytes; copy it again"},
       }) {
    const Status status = RefusalOf(change);
    EXPECT_THAT(status, FailsWith(StatusCode::kCorrupt, message));
    EXPECT_EQ(status.message().rfind("memory.npy: ", 0), 0u) << status.message();
    EXPECT_EQ(status.message().find("memory.npy: ", 1), std::string::npos) << status.message();
  }
}

TEST(FrameIndex, RefusesBlocksOfVaryingLength) {
  EXPECT_THAT(RefusalOf([](FrameParts& p) { p.general_flags = 0x93; }),
              FailsWith(StatusCode::kNotSupported, "blocks: found blocks of varying length"));
}

TEST(FrameIndex, RefusesOffsetsThatLeadNowhere) {
  const int64_t all = static_cast<int64_t>(4 * SmallFrame().chunks[0].size());
  for (const int64_t offset : {all - 31, all, INT64_MAX, int64_t{1} << 32, SpecialOffset(0),
                               SpecialOffset(3), SpecialOffset(5), SpecialOffset(7)}) {
    EXPECT_THAT(RefusalOf([=](FrameParts& p) {
                  p.offsets = {0, 0, offset, 0};
                }),
                FailsWith(StatusCode::kCorrupt,
                          "memory.npy: damaged (copy it again): offset of chunk 2: found "))
        << offset;
  }
  EXPECT_THAT(RefusalOf([=](FrameParts& p) { p.offsets = {0, 0, 0, all - 32}; }), IsOk());
}

TEST(FrameIndex, RefusesOffsetsOfAnotherCount) {
  for (const size_t count : {3u, 5u}) {
    EXPECT_THAT(
        RefusalOf([=](FrameParts& p) {
          p.offsets_chunk = testing::StoredChunk(std::string(8 * count, '\0'), 8, 8);
        }),
        FailsWith(StatusCode::kCorrupt, "chunk offsets: found " + std::to_string(8 * count) +
                                            " bytes, wanted 32 for 4 chunks"));
  }
  EXPECT_THAT(RefusalOf([](FrameParts& p) { p.offsets_chunk = ""; }),
              FailsWith(StatusCode::kCorrupt, "chunk offsets"));
  EXPECT_THAT(RefusalOf([](FrameParts& p) { p.offsets_chunk = std::string(32, '\xff'); }),
              FailsWith(StatusCode::kNotSupported, "chunk offsets"));
}

// All chunks of zeros: an index of 8 bytes that claims hundreds of megabytes.
TEST(FrameIndex, TakesNoMemoryForChunksThatAreAlike) {
  FrameParts parts = SmallFrame();
  const int64_t chunks = int64_t{1} << 26;
  parts.shape = {4 * chunks, 4};
  parts.uncompressed_bytes = chunks * 32;
  parts.chunks.clear();
  parts.offsets_chunk =
      testing::RepeatedChunk(testing::Little(uint64_t{0x81} << 56, 8), 8 * chunks, 8);
  const int64_t before = testing::ResidentBytes();
  const auto index = Open(FrameBytes(parts));
  ASSERT_THAT(index, IsOk());
  EXPECT_LT(testing::ResidentBytes() - before, int64_t{64} << 20);
  EXPECT_EQ((*index)->summary().special_chunks, chunks);
  EXPECT_EQ((*index)->Chunk(0).kind, ChunkKind::kZeros);
  EXPECT_EQ((*index)->Chunk(chunks - 1).kind, ChunkKind::kZeros);
}

TEST(FrameIndex, RefusesAnIndexThatClaimsMoreThanCodecsMake) {
  EXPECT_THAT(RefusalOf([](FrameParts& p) {
                p.shape = {4 << 20, 4};
                p.uncompressed_bytes = int64_t{32} << 20;
                testing::ChunkFields fields;  // 100 bytes that claim 8 MiB
                fields.element_bytes = 8;
                fields.uncompressed_bytes = fields.block_bytes = 8 << 20;
                fields.compressed_bytes = 100;
                p.offsets_chunk = ChunkHeader(fields) + std::string(68, '\0');
              }),
              FailsWith(StatusCode::kNotSupported, "chunk offsets: found 100 bytes for 1048576"));
}

TEST(FrameIndex, RefusesMoreChunksThanItKeeps) {
  FrameParts parts = SmallFrame();
  parts.shape = {(int64_t{1} << 28) + 4, 4};  // 2^26 + 1 chunks of zeros, in a few bytes
  const int64_t chunks = (int64_t{1} << 26) + 1;
  parts.uncompressed_bytes = chunks * 32;
  parts.chunks.clear();
  parts.offsets_chunk =
      testing::RepeatedChunk(testing::Little(uint64_t{0x81} << 56, 8), 8 * chunks, 8);
  EXPECT_THAT(Open(FrameBytes(parts)),
              FailsWith(StatusCode::kNotSupported, "chunks: found 67108865, wanted at most"));
}

class FrameIndexFiles : public ::testing::Test {
 protected:
  std::shared_ptr<const FrameIndex> OpenPath(const std::string& path) const {
    const auto file = OpenLocalFile(path);
    EXPECT_THAT(file, IsOk());
    auto index = FrameIndex::Open(**file);
    EXPECT_THAT(index, IsOk());
    return index.ok() ? *index : nullptr;
  }

  const testing::TempFolder folder_;
};

TEST_F(FrameIndexFiles, AreSharedByAllWhoOpenOneFile) {
  const std::string path = folder_.Path("a.b2nd");
  testing::WriteFile(path, FrameBytes(SmallFrame()));
  testing::WriteFile(folder_.Path("b.b2nd"), FrameBytes(SmallFrame()));
  const auto first = OpenPath(path);
  EXPECT_EQ(OpenPath(path), first);
  EXPECT_NE(OpenPath(folder_.Path("b.b2nd")), first);
}

TEST_F(FrameIndexFiles, AreNotSharedAfterARewrite) {
  const std::string path = folder_.Path("a.b2nd");
  testing::WriteFile(path, FrameBytes(SmallFrame()));
  const auto first = OpenPath(path);
  FrameParts other = SmallFrame();
  other.offsets = std::vector<int64_t>(4, SpecialOffset(1));
  testing::WriteFile(path, FrameBytes(other));
  const auto second = OpenPath(path);
  ASSERT_NE(second, first);
  EXPECT_EQ(second->summary().special_chunks, 4);
  EXPECT_EQ(first->summary().special_chunks, 0);
  EXPECT_NE(first->cached_file().number(), second->cached_file().number());
}

TEST_F(FrameIndexFiles, AreForgottenWithTheirLastUser) {
  const std::string path = folder_.Path("a.b2nd");
  testing::WriteFile(path, FrameBytes(SmallFrame()));
  auto index = OpenPath(path);
  const uint64_t file = index->cached_file().number();
  index->cached_file().Insert(0, 0, std::make_shared<Buffer>(10));
  index = nullptr;
  BlockCache::Counters counters;
  EXPECT_EQ(BlockCache::Process().Find({file, 0, 0}, counters), nullptr);
  EXPECT_NE(OpenPath(path)->cached_file().number(), file);
}

TEST(FrameIndex, IsNotSharedBetweenFilesWithoutIdentity) {
  const MemoryFile file(FrameBytes(SmallFrame()));
  EXPECT_NE(*FrameIndex::Open(file), *FrameIndex::Open(file));
}

}  // namespace
}  // namespace ndarray
