// Checksums in chunks: c-blosc2 passes over them, and every changed bit is found.
#include "driver/store/blosc2/chunk_checks.h"

#include <blosc2.h>
#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <string>
#include <tuple>

#include "driver/store/blosc2/blosc_codec.h"
#include "driver/store/blosc2/codecs.h"
#include "tests/support/b2nd_files.h"
#include "tests/support/frame_bytes.h"
#include "tests/support/status_matchers.h"

namespace ndarray {
namespace {

using testing::B2ndOptions;
using testing::IsOk;

constexpr int kBlockBytes = 1000;

enum Kind { kSmooth, kHalfNoise, kNoise, kOneValue };

std::string Elements(Kind kind) {
  std::mt19937 random(3);
  std::string elements;
  for (int i = 0; i < 3 * kBlockBytes / 2; ++i) {
    const auto noise = static_cast<int>(random() & 0xFFFF);
    const int value = kind == kSmooth      ? i / 3
                      : kind == kHalfNoise ? (i / 100 << 8 | (noise & 0xFF))
                      : kind == kNoise     ? noise
                                           : 0x1234;
    elements += testing::Little(static_cast<uint64_t>(value), 2);
  }
  return elements;
}

std::string Encoded(int compressor, Kind kind, bool checksums = true, int level = 5) {
  Compression compression;
  compression.compressor = compressor;
  compression.level = level;
  compression.pipeline = PipelineOf(filter_id::kShuffle, 2);
  compression.checksums = checksums;
  const auto encoder = BloscEncoder::Make(compression, 2, kBlockBytes, "");
  EXPECT_THAT(encoder, IsOk());
  const std::string elements = Elements(kind);
  std::string chunk;
  EXPECT_THAT((*encoder)->EncodeChunk(reinterpret_cast<const std::byte*>(elements.data()),
                                      elements.size(), chunk),
              IsOk());
  return chunk;
}

// By c-blosc2; empty where it fails.
std::string Decoded(const std::string& chunk) {
  blosc2_context* const context = blosc2_create_dctx(BLOSC2_DPARAMS_DEFAULTS);
  std::string elements(3 * kBlockBytes, '\0');
  const int result =
      blosc2_decompress_ctx(context, chunk.data(), static_cast<int32_t>(chunk.size()),
                            elements.data(), static_cast<int32_t>(elements.size()));
  blosc2_free_ctx(context);
  return result == static_cast<int>(elements.size()) ? elements : "";
}

// Whether a chunk has checksums, and they are right.
Result<bool> Checked(const std::string& chunk) {
  const auto header = ParseChunkHeader(chunk, chunk.size());
  if (!header.ok()) return header.status();
  Result<bool> has_checks = CheckDirectory(*header, chunk);
  if (!has_checks.ok() || !*has_checks || header->kind != ChunkKind::kBlocks) return has_checks;
  const Status status =
      CheckBlocks(*header, {chunk.data(), static_cast<size_t>(header->compressed_bytes)});
  return status.ok() ? has_checks : status;
}

class EncodedChunk : public ::testing::TestWithParam<std::tuple<int, Kind>> {};

TEST_P(EncodedChunk, IsReadByCBlosc2AsIfItHadNoChecksums) {
  const auto [compressor, kind] = GetParam();
  const std::string chunk = Encoded(compressor, kind);
  ASSERT_THAT(Checked(chunk), IsOk());
  EXPECT_TRUE(*Checked(chunk));
  EXPECT_EQ(Decoded(chunk), Elements(kind));
  EXPECT_FALSE(*Checked(Encoded(compressor, kind, false)));
}

TEST_P(EncodedChunk, ShowsEveryFlippedBit) {
  const auto [compressor, kind] = GetParam();
  const std::string chunk = Encoded(compressor, kind);
  const auto mark_at = static_cast<size_t>(kChunkHeaderBytes + 4 * 3);
  int found = 0;
  for (size_t bit = 0; bit < 8 * chunk.size(); ++bit) {
    std::string flipped = chunk;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ 1 << bit % 8);
    const auto checked = Checked(flipped);
    if (!checked.ok()) {
      ++found;
      continue;
    }
    // What says that there are checksums, or how many: the file knows that (FrameIndex).
    EXPECT_FALSE(*checked) << "bit " << bit;
    EXPECT_TRUE(bit / 8 < 32 || (bit / 8 >= mark_at && bit / 8 < mark_at + 8)) << "bit " << bit;
  }
  EXPECT_GT(found, static_cast<int>(8 * chunk.size()) - 8 * 40);
}

// c-blosc2 reads a block of a file into a buffer of just so many bytes, up to the next block's
// start or the end of the chunk.
TEST_P(EncodedChunk, HasBlocksAsShortAsCBlosc2ReadsThem) {
  const auto [compressor, kind] = GetParam();
  const std::string chunk = Encoded(compressor, kind);
  const auto header = ParseChunkHeader(chunk, chunk.size());
  ASSERT_THAT(header, IsOk());
  if (header->kind != ChunkKind::kBlocks) return;
  for (int block = 0; block < 3; ++block) {
    const auto start_of = [&](int number) {
      uint32_t start = 0;
      std::memcpy(&start, chunk.data() + kChunkHeaderBytes + 4 * number, sizeof(start));
      return number < 3 ? start : static_cast<uint32_t>(chunk.size());
    };
    EXPECT_LE(start_of(block + 1) - start_of(block), kBlockBytes + 4u * header->element_bytes);
  }
}

INSTANTIATE_TEST_SUITE_P(
    , EncodedChunk,
    ::testing::Combine(::testing::Values(BLOSC_ZSTD, BLOSC_LZ4, BLOSC_ZLIB, BLOSC_BLOSCLZ),
                       ::testing::Values(kSmooth, kHalfNoise, kNoise, kOneValue)));

// Planes that are stored, too, as long as their block has room for the frame.
TEST(ChunkChecks, OfZstdAreComparedByEveryReader) {
  const std::string chunk = Encoded(BLOSC_ZSTD, kHalfNoise, true, 1);
  const auto header = ParseChunkHeader(chunk, chunk.size());
  ASSERT_THAT(header, IsOk());
  const auto first = static_cast<size_t>(kChunkHeaderBytes + 4 * 3 + CheckTableBytes(3));
  int noticed = 0;
  int bits = 0;
  for (size_t bit = 8 * first; bit < 8 * chunk.size(); bit += 5) {
    std::string flipped = chunk;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ 1 << bit % 8);
    const std::string decoded = Decoded(flipped);
    ++bits;
    if (decoded != Elements(kHalfNoise)) noticed += decoded.empty() ? 1 : -bits;
  }
  EXPECT_GT(noticed, bits * 9 / 10);
}

TEST(ChunkChecks, KeepTheStreamsOfOtherWriters) {
  const std::string elements = Elements(kHalfNoise);
  B2ndOptions options;
  for (const int compressor : {BLOSC_ZSTD, BLOSC_LZ4, BLOSC_LZ4HC, BLOSC_ZLIB, BLOSC_BLOSCLZ}) {
    options.compressor = compressor;
    const std::string chunk = testing::CompressedChunk(elements, 2, kBlockBytes, options);
    const auto header = ParseChunkHeader(chunk, chunk.size());
    ASSERT_THAT(header, IsOk());
    const auto checked = WithChecks(*header, chunk);
    ASSERT_THAT(checked, IsOk());
    EXPECT_EQ(checked->size(), chunk.size() + static_cast<size_t>(CheckTableBytes(3)));
    EXPECT_TRUE(*Checked(*checked));
    EXPECT_EQ(Decoded(*checked), elements);
  }
}

// c-blosc2 gets the same streams out of our ZSTD as out of its own, but for checksums.
TEST(ChunkChecks, SplitBlocksAsCBlosc2Does) {
  for (const int level : {1, 5, 6, 9}) {
    const std::string ours = Encoded(BLOSC_ZSTD, kHalfNoise, true, level);
    const std::string theirs = Encoded(BLOSC_ZSTD, kHalfNoise, false, level);
    EXPECT_EQ(ours.substr(0, 12), theirs.substr(0, 12)) << level;
    EXPECT_EQ(ours.substr(16, 16), theirs.substr(16, 16)) << level;
    EXPECT_LT(ours.size(), theirs.size() + static_cast<size_t>(CheckTableBytes(3)) + 3 * 2 * 20);
  }
}

TEST(ChunkChecks, OfOtherVersionsAreNotThere) {
  std::string chunk = Encoded(BLOSC_LZ4, kSmooth);
  const auto header = ParseChunkHeader(chunk, chunk.size());
  ASSERT_THAT(header, IsOk());
  const auto mark_at = static_cast<size_t>(kChunkHeaderBytes + 4 * 3);
  for (const size_t at : {0u, 4u, 5u, 7u}) {
    std::string other = chunk;
    other[mark_at + at] = static_cast<char>(other[mark_at + at] ^ 2);
    const auto checked = CheckDirectory(*header, other);
    ASSERT_THAT(checked, IsOk());
    EXPECT_FALSE(*checked);
    EXPECT_EQ(Decoded(other), Elements(kSmooth));
  }
}

// Made up by somebody who knows how: the sums are right, what they are about makes no sense.
TEST(ChunkChecks, ThatAreForgedReadNothingOutside) {
  for (const uint32_t start : {0u, 31u, 60u, 0x7FFFFFFFu, 0xFFFFFFFFu}) {
    std::string chunk = Encoded(BLOSC_LZ4, kSmooth);
    const auto header = ParseChunkHeader(chunk, chunk.size());
    ASSERT_THAT(header, IsOk());
    for (const size_t block : {0u, 1u, 2u}) {
      std::string forged = chunk;
      forged.replace(kChunkHeaderBytes + 4 * block, 4, testing::Little(start, 4));
      EXPECT_FALSE(CheckDirectory(*header, forged).ok());
      EXPECT_FALSE(CheckBlocks(*header, forged).ok());
    }
  }
}

TEST(ChunkChecks, OfMoreBlocksThanThereWereReadNothingOutside) {
  const std::string chunk = Encoded(BLOSC_LZ4, kSmooth);
  auto header = ParseChunkHeader(chunk, chunk.size());
  ASSERT_THAT(header, IsOk());
  header->block_bytes = 1;  // the file has changed since its directory was compared
  EXPECT_FALSE(CheckBlock(*header, chunk, 2999).ok());
}

TEST(ChunkChecks, AreNotMadeWhereTheChunkWouldBeTooLong) {
  const int64_t largest = INT32_MAX - kChunkHeaderBytes;  // that c-blosc2 compresses
  EXPECT_FALSE(HaveRoomForChecks(largest, largest));
  EXPECT_TRUE(HaveRoomForChecks(largest - 28, largest));
  EXPECT_FALSE(HaveRoomForChecks(2145911040, 256)) << "blocks of 16 x 16 bytes";
  EXPECT_FALSE(HaveRoomForChecks(250000, 9));
  EXPECT_TRUE(HaveRoomForChecks(250000, 12));
  EXPECT_TRUE(HaveRoomForChecks(300, 1));
  BloscChunk chunk;
  chunk.block_bytes = 256;
  chunk.uncompressed_bytes = 2145911040;
  EXPECT_FALSE(CanHaveChecks(chunk, 256));
  chunk.uncompressed_bytes = 2000000000;
  EXPECT_TRUE(CanHaveChecks(chunk, 256));
}

TEST(ChunkChecks, AreNotMadeOfBlocksThatAreTheSameBytes) {
  const std::string chunk = Encoded(BLOSC_LZ4, kHalfNoise, false);
  const auto header = ParseChunkHeader(chunk, chunk.size());
  ASSERT_THAT(header, IsOk());
  BloscChunk many = *header;
  many.block_bytes = 1;  // 3000 blocks, whose starts are bytes of the chunk
  EXPECT_FALSE(WithChecks(many, chunk).ok());
}

}  // namespace
}  // namespace ndarray
