#include "driver/store/blosc2/chunk_filters.h"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "driver/store/blosc2/blosc_chunk.h"
#include "driver/store/blosc2/blosc_codec.h"
#include "driver/store/blosc2/codecs.h"
#include "tests/support/status_matchers.h"

namespace ndarray {
namespace {

using testing::FailsWith;
using testing::IsOk;

constexpr int64_t kSide = 1024, kBlockSide = 256, kBlockBytes = kBlockSide * kBlockSide;
using Bytes = std::vector<std::byte>;

// A chunk of bytes in blocks, out of value(y, x).
template <typename Value>
Bytes Chunk(const Value& value) {
  Bytes bytes;
  bytes.reserve(kSide * kSide);
  for (int64_t by = 0; by < kSide; by += kBlockSide) {
    for (int64_t bx = 0; bx < kSide; bx += kBlockSide) {
      for (int64_t y = by; y < by + kBlockSide; ++y) {
        for (int64_t x = bx; x < bx + kBlockSide; ++x) {
          bytes.push_back(static_cast<std::byte>(value(y, x)));
        }
      }
    }
  }
  return bytes;
}

// A slope with a little noise: differences are small.
Bytes Picture() {
  std::mt19937 random(1);
  return Chunk(
      [&](int64_t y, int64_t x) { return (2 * x + y) / 8 % 200 + static_cast<int>(random() % 4); });
}

// Patches of classes in any order: differences mean nothing.
Bytes Classes() {
  std::mt19937 random(2);
  std::vector<int> classes(kSide * kSide);
  for (int& value : classes) value = static_cast<int>(random() % 200);
  return Chunk([&](int64_t y, int64_t x) {
    return classes[static_cast<size_t>(y / 20 * kSide + (x + y % 20) / 30)];
  });
}

Compression Auto(int compressor, uint8_t group_bytes) {
  Compression compression;
  compression.compressor = compressor;
  compression.level = FindWritableCodec(compressor)->default_level;
  compression.pipeline = FiltersToTry(compressor, group_bytes)[0].pipeline;
  compression.auto_group_bytes = group_bytes;
  return compression;
}

std::string Encoded(const BloscEncoder& encoder, const Bytes& chunk) {
  std::string bytes;
  EXPECT_THAT(encoder.EncodeChunk(chunk.data(), chunk.size(), bytes), IsOk());
  return bytes;
}

FilterPipeline FiltersOf(const std::string& bytes) {
  const Result<BloscChunk> header = ParseChunkHeader(bytes, bytes.size());
  EXPECT_THAT(header, IsOk());
  return header.ok() ? FilterPipeline{header->filters, header->filters_meta} : FilterPipeline();
}

TEST(ChunkFilters, EachChunkGetsWhatSuitsIt) {
  const auto encoder = BloscEncoder::Make(Auto(compressor_id::kZstd, 1), 1, kBlockBytes, {});
  ASSERT_THAT(encoder, IsOk());
  for (const Bytes& chunk : {Picture(), Classes()}) {
    const std::string chosen = Encoded(**encoder, chunk);
    size_t smallest = SIZE_MAX;
    for (const FilterRow& filter : kFilters) {
      if (!filter.can_write) continue;
      Compression fixed = Auto(compressor_id::kZstd, 0);
      fixed.pipeline = PipelineOf(filter.id, 1);
      const auto with_it = BloscEncoder::Make(fixed, 1, kBlockBytes, {});
      ASSERT_THAT(with_it, IsOk());
      smallest = std::min(smallest, Encoded(**with_it, chunk).size());
    }
    EXPECT_LE(chosen.size(), smallest * 101 / 100);
  }
  EXPECT_EQ(PipelineText(FiltersOf(Encoded(**encoder, Picture()))), "BYTEDELTA(1)");
  EXPECT_EQ(PipelineText(FiltersOf(Encoded(**encoder, Classes()))), "NONE");
}

TEST(ChunkFilters, TheSameChunkComesOutWhateverTheThreadsDidBefore) {
  const auto encoder = BloscEncoder::Make(Auto(compressor_id::kLz4, 2), 2, kBlockBytes, {});
  ASSERT_THAT(encoder, IsOk());
  const std::vector<Bytes> chunks = {Picture(), Classes(), Bytes(kSide * kSide)};
  std::vector<std::string> first;
  for (const Bytes& chunk : chunks) first.push_back(Encoded(**encoder, chunk));
  std::vector<std::thread> threads;
  for (size_t start = 0; start < chunks.size(); ++start) {
    threads.emplace_back([&, start] {
      for (size_t i = 0; i < 2 * chunks.size(); ++i) {
        const size_t at = (start + i) % chunks.size();
        EXPECT_EQ(Encoded(**encoder, chunks[at]), first[at]);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(ChunkFilters, SamplesAreASmallShareOfAnyChunk) {
  for (const CodecRow& codec : kCodecs) {
    for (const int64_t group_bytes : {1, 2, 3, 4, 8, 16, 255}) {
      const auto candidates = static_cast<int64_t>(
          FiltersToTry(codec.compressor, static_cast<uint8_t>(group_bytes)).size());
      EXPECT_EQ(candidates > 0, codec.can_write());
      for (const int64_t block_pixels : {1, 77, 4096, 65536, 300000}) {
        for (const int64_t blocks : {1, 2, 16, 64, 1000}) {
          const int64_t block_bytes = block_pixels * group_bytes;
          const int64_t chunk_bytes = blocks * block_bytes;
          const int64_t bytes = SampleBytes(chunk_bytes, block_bytes, group_bytes, candidates);
          EXPECT_LE(bytes * candidates, chunk_bytes / kSampleShare);
          EXPECT_EQ(bytes % group_bytes, 0);
          EXPECT_TRUE(bytes <= block_bytes || bytes % block_bytes == 0);
        }
      }
    }
  }
  EXPECT_EQ(SampleBytes(int64_t{1} << 20, 1 << 16, 1, 1), 0) << "there is nothing to choose";
  EXPECT_EQ(SampleBytes(int64_t{1} << 20, 100, 254, 3), 0) << "pixels longer than blocks";
  EXPECT_EQ(SampleBytes(int64_t{1} << 20, 1 << 21, 1, 3), 0) << "a part of a block";
}

TEST(ChunkFilters, SamplesComeFromAllOverTheChunkAndPassOverPlainParts) {
  // Each piece has the number of its block; block 5 and all after 9 are of one value.
  constexpr int64_t kBlocks = 16, kBlock = 8192;
  Bytes chunk(kBlocks * kBlock);
  for (int64_t i = 0; i < kBlocks * kBlock; ++i) {
    const int64_t block = i / kBlock;
    const bool plain = block == 5 || block > 9;
    chunk[static_cast<size_t>(i)] = static_cast<std::byte>(plain ? 7 : block + 100 * (i % 2));
  }
  Bytes sample(kBlocks * 4096);
  const auto size_bytes = static_cast<int64_t>(sample.size());
  ASSERT_TRUE(TakeSample(chunk.data(), size_bytes * 2, kBlock, 1, sample.data(), size_bytes));
  std::vector<int> pieces(kBlocks);
  for (size_t at = 0; at < sample.size(); at += 4096) {
    if (sample[at + 1] != std::byte{0}) ++pieces[static_cast<size_t>(sample[at])];
  }
  EXPECT_EQ(pieces, (std::vector<int>{1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0}));

  std::memset(chunk.data(), 7, chunk.size());
  EXPECT_FALSE(TakeSample(chunk.data(), size_bytes * 2, kBlock, 1, sample.data(), size_bytes));
}

TEST(ChunkFilters, ChunksOfOneValueAreSpecialChunks) {
  const auto encoder = BloscEncoder::Make(Auto(compressor_id::kZstd, 4), 4, kBlockBytes, {});
  ASSERT_THAT(encoder, IsOk());
  Bytes chunk(kSide * kSide);
  EXPECT_EQ(ParseChunkHeader(Encoded(**encoder, chunk), 32)->kind, ChunkKind::kZeros);
  for (size_t i = 0; i < chunk.size(); i += 4) chunk[i] = std::byte{7};
  EXPECT_EQ(ParseChunkHeader(Encoded(**encoder, chunk), 36)->kind, ChunkKind::kRepeated);
}

TEST(ChunkFilters, RefusesToWriteWithFiltersThatCBlosc2CannotUndo) {
  constexpr uint8_t kDelta = filter_id::kDelta, kShuffle = filter_id::kShuffle;
  EXPECT_THAT(CheckCanWrite(compressor_id::kLz4, {{0, 0, 0, 0, kShuffle, kShuffle}, {}}), IsOk());
  EXPECT_THAT(CheckCanWrite(compressor_id::kLz4, {{0, 0, 0, 0, kDelta, kShuffle}, {}}), IsOk());
  EXPECT_THAT(CheckCanWrite(compressor_id::kLz4, {{0, 0, 0, kDelta, kShuffle, kShuffle}, {}}),
              FailsWith(StatusCode::kNotSupported,
                        "filters to write with: found DELTA,SHUFFLE,SHUFFLE, wanted DELTA once"));
  EXPECT_THAT(CheckCanWrite(compressor_id::kLz4, {{0, 0, 0, 0, kDelta, kDelta}, {}}),
              FailsWith(StatusCode::kNotSupported, "filters to write with: found DELTA,DELTA"));
}

// c-blosc2 would run a Python to find them.
TEST(ChunkFilters, RefusesToWriteWithPlugins) {
  constexpr uint8_t kJ2k = 39, kUnknown = 200;
  EXPECT_THAT(CheckCanWrite(kJ2k, FilterPipeline()),
              FailsWith(StatusCode::kNotSupported, "codec: found J2K, which a plugin"));
  EXPECT_THAT(CheckCanWrite(kUnknown, FilterPipeline()),
              FailsWith(StatusCode::kNotSupported, "codec: found codec 200, which a plugin"));
  EXPECT_THAT(CheckCanWrite(compressor_id::kLz4, {{0, 0, 0, 0, 0, kUnknown}, {}}),
              FailsWith(StatusCode::kNotSupported, "filter: found filter 200, which a plugin"));
}

TEST(ChunkFilters, HeadersSayAutoOnlyWhereItIs) {
  EXPECT_EQ(ParseAutoFilter(FormatAutoFilter(6), 2), 6);
  EXPECT_EQ(ParseAutoFilter(FormatAutoFilter(200), 1), 200);
  EXPECT_EQ(ParseAutoFilter(FormatAutoFilter(1), 300), 1) << "long elements are single bytes";
  EXPECT_EQ(ParseAutoFilter(FormatAutoFilter(5), 2), 0) << "no whole elements";
  EXPECT_EQ(ParseAutoFilter(FormatAutoFilter(2) + "x", 2), 0);
  EXPECT_EQ(ParseAutoFilter(FormatAutoFilter(2).substr(1), 2), 0);
  EXPECT_EQ(ParseAutoFilter("", 1), 0);

  Compression compression = Auto(compressor_id::kZstd, 2);
  for (const uint8_t group_bytes : {uint8_t{2}, uint8_t{0}}) {
    compression.auto_group_bytes = group_bytes;
    const auto encoder = BloscEncoder::Make(compression, 2, kBlockBytes, "b2nd");
    ASSERT_THAT(encoder, IsOk());
    const Result<std::string> bytes = (*encoder)->MakeFrameHeader();
    ASSERT_THAT(bytes, IsOk());
    std::string complete = *bytes;
    PutFrameLengths(complete, complete.size() + 64, 0, 0);
    const Result<FrameHeader> header = ParseFrameHeader(complete);
    ASSERT_THAT(header, IsOk());
    EXPECT_EQ(header->Find(kFilterMetalayer) != nullptr, group_bytes > 0);
    EXPECT_EQ((FilterPipeline{header->filters, header->filters_meta}), compression.pipeline);
  }
}

}  // namespace
}  // namespace ndarray
