#include "driver/store/blosc2/blosc_chunk.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "driver/store/blosc2/blosc_codec.h"
#include "tests/support/b2nd_files.h"
#include "tests/support/frame_bytes.h"
#include "tests/support/status_matchers.h"

namespace ndarray {
namespace {

using testing::ChunkFields;
using testing::ChunkHeader;
using testing::ChunkOfBlocks;
using testing::FailsWith;
using testing::IsOk;
using testing::StoredChunk;

constexpr uint64_t kMuch = 1 << 20;

// 64 bytes in 4 blocks; all they need is there.
ChunkFields GoodFields() {
  ChunkFields fields;
  fields.uncompressed_bytes = 64;
  fields.block_bytes = 16;
  fields.compressed_bytes = 32 + 16 + 4 * 20;
  return fields;
}

TEST(BloscChunk, ReadsEveryField) {
  ChunkFields fields = GoodFields();
  fields.flags |= testing::kChunkZstd;
  fields.filters = {0, 0, 0, 3, 35, 1};
  fields.special_flags = 1;
  const auto chunk = ParseChunkHeader(ChunkHeader(fields), kMuch);
  ASSERT_THAT(chunk, IsOk());
  EXPECT_EQ(chunk->kind, ChunkKind::kBlocks);
  EXPECT_FALSE(chunk->stored);
  EXPECT_TRUE(chunk->has_dictionary);
  EXPECT_EQ(chunk->codec, 4);
  EXPECT_EQ(chunk->filters, (std::array<uint8_t, 6>{0, 0, 0, 3, 35, 1}));
  EXPECT_EQ(chunk->uncompressed_bytes, 64);
  EXPECT_EQ(chunk->block_bytes, 16);
  EXPECT_EQ(chunk->compressed_bytes, 128);
  EXPECT_EQ(chunk->block_count(), 4);
  EXPECT_EQ(chunk->directory_bytes(), 48);
}

TEST(BloscChunk, TakesThePluginsCodecFromItsOwnByte) {
  ChunkFields fields = GoodFields();
  fields.flags |= testing::kChunkPluginCodec;
  fields.plugin_codec = 37;
  EXPECT_EQ(ParseChunkHeader(ChunkHeader(fields), kMuch)->codec, 37);
}

TEST(BloscChunk, TellsStoredChunks) {
  const std::string bytes = StoredChunk(std::string(64, 'x'), 16);
  const auto chunk = ParseChunkHeader(bytes, bytes.size());
  ASSERT_THAT(chunk, IsOk());
  EXPECT_TRUE(chunk->stored);
  EXPECT_EQ(chunk->directory_bytes(), 32);
}

TEST(BloscChunk, TellsKinds) {
  for (int kind = 0; kind <= 4; ++kind) {
    ChunkFields fields = GoodFields();
    fields.special_flags = kind << 4;
    if (kind == 3) fields.compressed_bytes = 32 + 2;
    const auto chunk = ParseChunkHeader(ChunkHeader(fields), kMuch);
    ASSERT_THAT(chunk, IsOk());
    EXPECT_EQ(static_cast<int>(chunk->kind), kind);
  }
  for (int kind = 5; kind <= 7; ++kind) {
    ChunkFields fields = GoodFields();
    fields.special_flags = kind << 4;
    EXPECT_THAT(ParseChunkHeader(ChunkHeader(fields), kMuch),
                FailsWith(StatusCode::kCorrupt, "special value: found " + std::to_string(kind)));
  }
}

TEST(BloscChunk, ShortensBlocksLargerThanTheChunk) {
  ChunkFields fields = GoodFields();
  fields.block_bytes = INT32_MAX;
  const auto chunk = ParseChunkHeader(ChunkHeader(fields), kMuch);
  ASSERT_THAT(chunk, IsOk());
  EXPECT_EQ(chunk->block_bytes, 64);
  EXPECT_EQ(chunk->block_count(), 1);
}

TEST(BloscChunk, CountsAShorterLastBlock) {
  ChunkFields fields = GoodFields();
  fields.uncompressed_bytes = 50;
  EXPECT_EQ(ParseChunkHeader(ChunkHeader(fields), kMuch)->block_count(), 4);
}

TEST(BloscChunk, RefusesHeadersCutShort) {
  const std::string header = ChunkHeader(GoodFields());
  for (size_t size = 0; size < header.size(); ++size) {
    const std::vector<char> cut(header.begin(), header.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_FALSE(ParseChunkHeader({cut.data(), cut.size()}, kMuch).ok()) << size;
  }
}

TEST(BloscChunk, RefusesSizesThatContradictEachOther) {
  const auto refusal = [](int64_t uncompressed, int64_t block, int64_t compressed,
                          uint64_t available = kMuch) {
    ChunkFields fields;
    fields.uncompressed_bytes = uncompressed;
    fields.block_bytes = block;
    fields.compressed_bytes = compressed;
    return ParseChunkHeader(ChunkHeader(fields), available).status();
  };
  EXPECT_THAT(refusal(0, 16, 128), FailsWith(StatusCode::kCorrupt, "uncompressed size: found 0"));
  EXPECT_THAT(refusal(-1, 16, 128), FailsWith(StatusCode::kCorrupt, "uncompressed size: found -1"));
  EXPECT_THAT(refusal(INT32_MIN, 16, 128), FailsWith(StatusCode::kCorrupt, "uncompressed size"));
  EXPECT_THAT(refusal(64, 0, 128), FailsWith(StatusCode::kCorrupt, "block size: found 0"));
  EXPECT_THAT(refusal(64, -16, 128), FailsWith(StatusCode::kCorrupt, "block size: found -16"));
  EXPECT_THAT(refusal(64, 16, 31), FailsWith(StatusCode::kCorrupt, "compressed size: found 31"));
  EXPECT_THAT(refusal(64, 16, 0), FailsWith(StatusCode::kCorrupt, "compressed size: found 0"));
  EXPECT_THAT(refusal(64, 16, -7), FailsWith(StatusCode::kCorrupt, "compressed size: found -7"));
  EXPECT_THAT(refusal(64, 16, 128, 127),
              FailsWith(StatusCode::kCorrupt, "compressed size: found 128, wanted 32 to 127"));
  EXPECT_THAT(refusal(64, 16, 128, 0), FailsWith(StatusCode::kCorrupt, "compressed size"));
  // 4 starts do not fit.
  EXPECT_THAT(refusal(64, 16, 47),
              FailsWith(StatusCode::kCorrupt, "room for the starts of 4 blocks"));
  // 2^31 - 1 blocks of a byte would need 8 GiB of starts.
  EXPECT_THAT(refusal(INT32_MAX, 1, 128),
              FailsWith(StatusCode::kCorrupt, "room for the starts of 2147483647 blocks"));
  EXPECT_THAT(refusal(64, 16, 48), IsOk());
}

TEST(BloscChunk, RefusesStoredChunksOfOtherSizes) {
  for (const int64_t compressed : {32 + 63, 32 + 65, 32}) {
    ChunkFields fields = GoodFields();
    fields.flags |= testing::kChunkStored;
    fields.compressed_bytes = compressed;
    EXPECT_THAT(ParseChunkHeader(ChunkHeader(fields), kMuch),
                FailsWith(StatusCode::kCorrupt, "wanted 96 when stored"));
  }
}

TEST(BloscChunk, RefusesRepeatedValuesThatDoNotFit) {
  for (const int64_t value_bytes : {0, 3, 65}) {
    ChunkFields fields = GoodFields();
    fields.special_flags = 3 << 4;
    fields.compressed_bytes = 32 + value_bytes;
    EXPECT_THAT(
        ParseChunkHeader(ChunkHeader(fields), kMuch),
        FailsWith(StatusCode::kCorrupt, "repeated value: found " + std::to_string(value_bytes)));
  }
}

TEST(BloscChunk, RefusesWhatIsNotReadHere) {
  ChunkFields fields = GoodFields();
  fields.version = 7;
  EXPECT_THAT(ParseChunkHeader(ChunkHeader(fields), kMuch),
              FailsWith(StatusCode::kNotSupported, "chunk version: found 7, wanted at most 6"));
  fields = GoodFields();
  fields.flags = 0x01;
  EXPECT_THAT(ParseChunkHeader(ChunkHeader(fields), kMuch),
              FailsWith(StatusCode::kNotSupported, "chunk: found one of Blosc 1"));
  fields = GoodFields();
  fields.more_flags = 1;
  EXPECT_THAT(ParseChunkHeader(ChunkHeader(fields), kMuch),
              FailsWith(StatusCode::kNotSupported, "blocks of varying length"));
  fields = GoodFields();
  fields.special_flags = 0x80;
  EXPECT_THAT(ParseChunkHeader(ChunkHeader(fields), kMuch),
              FailsWith(StatusCode::kNotSupported, "chunk: found measurements"));
  fields = GoodFields();
  fields.special_flags = 0x08;
  EXPECT_THAT(ParseChunkHeader(ChunkHeader(fields), kMuch),
              FailsWith(StatusCode::kCorrupt, "chunk: found one without its blocks"));
}

TEST(BloscChunk, ReadsWhatCBlosc2Writes) {
  std::string elements;
  for (uint64_t i = 0; i < 4096; ++i) elements += testing::Little(i / 3, 2);
  for (const int compressor : {BLOSC_BLOSCLZ, BLOSC_LZ4, BLOSC_LZ4HC, BLOSC_ZLIB, BLOSC_ZSTD}) {
    const std::string bytes = testing::CompressedChunk(elements, 2, 1000, compressor);
    const auto chunk = ParseChunkHeader(bytes, bytes.size());
    ASSERT_THAT(chunk, IsOk());
    EXPECT_EQ(chunk->uncompressed_bytes, 8192);
    EXPECT_EQ(chunk->block_bytes, 1000);
    EXPECT_EQ(chunk->block_count(), 9);
    EXPECT_THAT(BloscCodec::CheckSupported(*chunk), IsOk());
  }
}

class BloscCodecTest : public ::testing::Test {
 protected:
  std::unique_ptr<BloscCodec> codec_ = std::move(*BloscCodec::Make(2, ""));
};

TEST_F(BloscCodecTest, DecodesEachBlockAndTheWhole) {
  std::string elements;
  for (uint64_t i = 0; i < 512; ++i) elements += testing::Little(i * 7, 2);
  for (const std::string& bytes :
       {ChunkOfBlocks(elements, 128), testing::CompressedChunk(elements, 2, 128, BLOSC_LZ4)}) {
    const auto chunk = ParseChunkHeader(bytes, bytes.size());
    ASSERT_THAT(chunk, IsOk());
    std::string whole(elements.size(), '\0');
    ASSERT_THAT(codec_->DecodeChunk(bytes, *chunk, reinterpret_cast<std::byte*>(whole.data())),
                IsOk());
    EXPECT_TRUE(whole == elements);
    for (int64_t block = 0; block < 8; ++block) {
      std::string part(128, '\0');
      ASSERT_THAT(
          codec_->DecodeBlock(bytes, *chunk, block, reinterpret_cast<std::byte*>(part.data())),
          IsOk());
      EXPECT_TRUE(part == elements.substr(static_cast<size_t>(block) * 128, 128)) << block;
    }
  }
}

TEST_F(BloscCodecTest, FailsOnBytesThatAreNoStream) {
  std::string bytes = ChunkOfBlocks(std::string(64, 'x'), 16);
  bytes.replace(testing::kChunkStartsAt, 4, testing::Little(0xFFFFFFF0, 4));
  const auto chunk = ParseChunkHeader(bytes, bytes.size());
  ASSERT_THAT(chunk, IsOk());
  std::byte to[64];
  EXPECT_THAT(codec_->DecodeBlock(bytes, *chunk, 0, to),
              FailsWith(StatusCode::kCorrupt, "compressed data: found"));
  EXPECT_THAT(codec_->DecodeBlock(bytes, *chunk, 1, to), IsOk());
  EXPECT_THAT(codec_->DecodeChunk(bytes, *chunk, to),
              FailsWith(StatusCode::kCorrupt, "compressed data: found"));
}

// However short, all blocks of a chunk may be one and the same stream of megabytes.
TEST_F(BloscCodecTest, FailsOnStreamsLongerThanTheirBlock) {
  std::string bytes = ChunkOfBlocks(std::string(64, 'x'), 16);
  const size_t second = testing::kChunkStartsAt + 4 * 4 + 4 + 16;
  ASSERT_EQ(bytes.substr(second, 4), testing::Little(16, 4));
  bytes.replace(second, 4, testing::Little(17, 4));
  const auto chunk = ParseChunkHeader(bytes, bytes.size());
  ASSERT_THAT(chunk, IsOk());
  std::byte to[64];
  EXPECT_THAT(codec_->DecodeBlock(bytes, *chunk, 0, to), IsOk());
  EXPECT_THAT(codec_->DecodeBlock(bytes, *chunk, 1, to),
              FailsWith(StatusCode::kCorrupt, "found 17 bytes in stream 0, wanted at most 16"));
  EXPECT_THAT(codec_->DecodeChunk(bytes, *chunk, to),
              FailsWith(StatusCode::kCorrupt, "block 1: compressed data: found 17 bytes"));
}

TEST_F(BloscCodecTest, NamesWhatItCannotDecode) {
  BloscChunk chunk;
  chunk.codec = 37;  // Grok, a plugin of its own
  EXPECT_THAT(BloscCodec::CheckSupported(chunk),
              FailsWith(StatusCode::kNotSupported, "codec: found "));
  chunk.codec = 200;
  EXPECT_THAT(BloscCodec::CheckSupported(chunk),
              FailsWith(StatusCode::kNotSupported, "codec: found codec 200"));
  chunk.codec = 1;
  chunk.filters = {0, 0, 0, 0, 99, 1};
  EXPECT_THAT(BloscCodec::CheckSupported(chunk),
              FailsWith(StatusCode::kNotSupported, "filter: found filter 99"));
  // Neither matters to elements that are stored.
  chunk.stored = true;
  EXPECT_THAT(BloscCodec::CheckSupported(chunk), IsOk());
}

TEST_F(BloscCodecTest, KnowsChunksWhoseBlocksNeedEachOther) {
  BloscChunk chunk;
  chunk.block_bytes = 16;
  EXPECT_FALSE(NeedsWholeChunk(chunk, 16));
  EXPECT_TRUE(NeedsWholeChunk(chunk, 32));
  chunk.has_dictionary = true;
  EXPECT_TRUE(NeedsWholeChunk(chunk, 16));
  chunk.has_dictionary = false;
  chunk.filters[4] = 3;  // DELTA
  EXPECT_TRUE(NeedsWholeChunk(chunk, 16));
  chunk.stored = true;
  EXPECT_FALSE(NeedsWholeChunk(chunk, 16));
}

// c-blosc2 puts what the third filter makes where the elements are, and stores that.
TEST(BloscEncoder, StoresTheElementsWhateverTheFilters) {
  Compression compression;
  compression.compressor = BLOSC_LZ4;
  compression.level = 5;
  compression.pipeline.filters = {0, BLOSC_SHUFFLE, BLOSC_BITSHUFFLE, BLOSC_SHUFFLE, BLOSC_SHUFFLE,
                                  0};
  compression.checksums = false;
  const auto encoder = BloscEncoder::Make(compression, 2, 1024, "");
  ASSERT_THAT(encoder, IsOk());
  std::string elements;
  uint64_t noise = 1;
  for (int i = 0; i < 2048; ++i) {
    noise = noise * 6364136223846793005u + 1442695040888963407u;
    elements += testing::Little(noise >> 48, 2);
  }
  const std::string before = elements;
  std::string bytes;
  ASSERT_THAT((*encoder)->EncodeChunk(reinterpret_cast<const std::byte*>(elements.data()),
                                      elements.size(), bytes),
              IsOk());
  EXPECT_TRUE(elements == before);
  const auto chunk = ParseChunkHeader(bytes, bytes.size());
  ASSERT_THAT(chunk, IsOk());
  EXPECT_TRUE(chunk->stored);
  EXPECT_TRUE(bytes.substr(32) == before);
}

}  // namespace
}  // namespace ndarray
