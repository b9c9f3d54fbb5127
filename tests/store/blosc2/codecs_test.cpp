#include "driver/store/blosc2/codecs.h"

#include <blosc2.h>
#include <blosc2/codecs-registry.h>
#include <blosc2/filters-registry.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "driver/store/blosc2/blosc_chunk.h"
#include "driver/store/blosc2/blosc_codec.h"
#include "tests/support/status_matchers.h"

namespace ndarray {
namespace {

using testing::IsOk;

TEST(CodecsTest, NamesAreThoseOfTheLibrarysNumbers) {
  EXPECT_EQ(CompressorName(BLOSC_BLOSCLZ), "BLOSCLZ");
  EXPECT_EQ(CompressorName(BLOSC_LZ4), "LZ4");
  EXPECT_EQ(CompressorName(BLOSC_LZ4HC), "LZ4HC");
  EXPECT_EQ(CompressorName(BLOSC_ZLIB), "ZLIB");
  EXPECT_EQ(CompressorName(BLOSC_ZSTD), "ZSTD");
  EXPECT_EQ(CodecName(BLOSC_LZ4_FORMAT), "LZ4");
  EXPECT_EQ(CodecName(BLOSC_ZLIB_FORMAT), "ZLIB");
  EXPECT_EQ(CodecName(BLOSC_ZSTD_FORMAT), "ZSTD");
  EXPECT_EQ(CodecName(BLOSC_CODEC_NDLZ), "NDLZ");
  EXPECT_EQ(CodecName(BLOSC_CODEC_ZFP_FIXED_ACCURACY), "ZFP_ACC");
  EXPECT_EQ(CodecName(BLOSC_CODEC_ZFP_FIXED_PRECISION), "ZFP_PREC");
  EXPECT_EQ(CodecName(BLOSC_CODEC_ZFP_FIXED_RATE), "ZFP_RATE");
  EXPECT_EQ(CodecName(BLOSC_CODEC_OPENHTJ2K), "OPENHTJ2K");
  EXPECT_EQ(CodecName(BLOSC_CODEC_GROK), "GROK");
  EXPECT_EQ(FilterName(BLOSC_BITSHUFFLE), "BITSHUFFLE");
  EXPECT_EQ(FilterName(BLOSC_TRUNC_PREC), "TRUNC_PREC");
  EXPECT_EQ(FilterName(BLOSC_FILTER_NDCELL), "NDCELL");
  EXPECT_EQ(FilterName(BLOSC_FILTER_NDMEAN), "NDMEAN");
  EXPECT_EQ(FilterName(BLOSC_FILTER_BYTEDELTA_BUGGY), "BYTEDELTA_BUGGY");
  EXPECT_EQ(FilterName(BLOSC_FILTER_BYTEDELTA), "BYTEDELTA");
}

TEST(CodecsTest, UnknownNumbersAreShownAsNumbers) {
  EXPECT_EQ(CodecName(41), "codec 41");
  EXPECT_EQ(FilterName(41), "filter 41");
  EXPECT_EQ(CompressorName(3), "codec 3");  // Snappy, of old; the chunks of ZLIB have this number
  EXPECT_FALSE(CanReadCodec(2) || CanReadCodec(41) || CanReadFilter(5));
}

TEST(CodecsTest, PluginsCannotBeRead) {
  EXPECT_FALSE(CanReadCodec(BLOSC_CODEC_GROK));
  EXPECT_TRUE(CanReadCodec(BLOSC_CODEC_NDLZ));
}

TEST(CodecsTest, WordsForWritingAreThoseOfWritableRows) {
  EXPECT_EQ(FindWritableCodec("LZ4HC")->compressor, BLOSC_LZ4HC);
  EXPECT_EQ(FindWritableCodec("NDLZ"), nullptr);
  EXPECT_EQ(FindWritableFilter("BYTEDELTA")->id, BLOSC_FILTER_BYTEDELTA);
  EXPECT_EQ(FindWritableFilter("DELTA"), nullptr);
}

// What a row must have for the options that are made of it to work.
TEST(CodecsTest, EachWritableRowCompressesAsItSays) {
  std::string bytes;
  for (int i = 0; i < 4096; ++i) bytes.push_back(static_cast<char>(i / 64));
  std::set<int> turns;
  for (const CodecRow& row : kCodecs) {
    if (!row.can_write()) continue;
    SCOPED_TRACE(row.name);
    EXPECT_LE(row.default_level, 9);
    EXPECT_TRUE(row.float32_level >= 1 && row.float32_level <= 9);
    for (const TrialLevel& trial : row.trials) {
      if (trial.level == 0) break;
      EXPECT_TRUE(turns.insert(trial.turn).second);
    }
    Compression compression;
    compression.compressor = row.compressor;
    compression.level = row.default_level;
    compression.pipeline = PipelineOf(row.default_filter(), 1);
    const auto encoder = BloscEncoder::Make(compression, 1, 4096, {});
    ASSERT_THAT(encoder, IsOk());
    std::string chunk;
    ASSERT_THAT((*encoder)->EncodeChunk(reinterpret_cast<const std::byte*>(bytes.data()),
                                        bytes.size(), chunk),
                IsOk());
    const Result<BloscChunk> header = ParseChunkHeader(chunk, chunk.size());
    ASSERT_THAT(header, IsOk());
    EXPECT_FALSE(header->stored);
    EXPECT_EQ(header->codec, row.codec);
    EXPECT_EQ(header->filters[kMaxFilters - 1], row.default_filter());
  }
}

}  // namespace
}  // namespace ndarray
