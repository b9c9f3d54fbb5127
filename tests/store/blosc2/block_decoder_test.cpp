// Blocks decoded here, compared with c-blosc2, which wrote them.
#include "driver/store/blosc2/block_decoder.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "driver/store/blosc2/blosc_codec.h"
#include "tests/support/b2nd_files.h"
#include "tests/support/frame_bytes.h"
#include "tests/support/status_matchers.h"
#include "tests/support/strided_buffer.h"

namespace ndarray {
namespace {

using namespace testing;  // NOLINT

constexpr int kByteDelta = 35;
constexpr int kInt16Bytes = 2;

// A chunk, its bytes in memory of just their size: a step outside is seen under ASan.
struct Chunk {
  explicit Chunk(const std::string& from, int32_t file_element_bytes)
      : memory(from.begin(), from.end()),
        bytes(memory.data(), memory.size()),
        codec(std::move(*BloscCodec::Make(file_element_bytes, ""))) {
    const auto parsed = ParseChunkHeader(bytes, bytes.size());
    if (!(is_parsed = parsed.ok())) return;
    header = *parsed;
    format = FindBlockFormat(header, file_element_bytes);
  }

  size_t BlockBytes(int64_t block) const { return format->BlockBytes(block); }

  Status Decode(int64_t block, std::string& to) const {
    std::vector<char> elements(BlockBytes(block));
    auto* const data = reinterpret_cast<std::byte*>(elements.data());
    Status status = DecodeWholeBlock(*format, bytes, block, data);
    to.assign(elements.begin(), elements.end());
    return status;
  }

  // All of it by c-blosc2.
  Status Reference(std::string& to) const {
    to.assign(static_cast<size_t>(header.uncompressed_bytes), '\0');
    return codec->DecodeChunk(bytes, header, reinterpret_cast<std::byte*>(to.data()));
  }

  const std::vector<char> memory;
  const std::string_view bytes;
  const std::unique_ptr<BloscCodec> codec;
  bool is_parsed = false;
  BloscChunk header;
  std::optional<BlockFormat> format;
};

// Streams of every kind come of these: noise, of which the low bytes cannot be compressed, slow
// waves, zeros, one byte over and over, and pieces of each.
std::string Elements(Random& random, size_t size_bytes, size_t element_bytes) {
  std::string elements(size_bytes, '\0');
  auto kind = RandomInt(random, 0, 4);
  const bool changes = RandomInt(random, 0, 1) == 1;
  for (size_t i = 0; i < size_bytes; i += element_bytes) {
    if (changes && RandomInt(random, 0, 200) == 0) kind = RandomInt(random, 0, 4);
    for (size_t j = i; j < std::min(i + element_bytes, size_bytes); ++j) {
      const size_t byte = j - i;
      const size_t wave = i / element_bytes >> byte % 8;
      const unsigned value = kind == 0   ? static_cast<unsigned>(random())
                             : kind == 1 ? static_cast<unsigned>(wave)
                             : kind == 2 ? 0
                             : kind == 3 ? 0xA7
                             : byte == 0 ? static_cast<unsigned>(random() % 16)
                                         : static_cast<unsigned>(byte % 3);
      elements[j] = static_cast<char>(value);
    }
  }
  return elements;
}

template <typename T, size_t n>
T OneOf(Random& random, const T (&values)[n]) {
  return values[RandomInt(random, 0, n - 1)];
}

struct Made {
  int32_t element_bytes = 0;
  std::string elements;
  std::string chunk;
  std::string what;
};

Made RandomChunk(Random& random) {
  constexpr int32_t kSizes[] = {1, 1, 2, 2, 2, 3, 4, 4, 5, 7, 8, 8, 12, 16, 17, 24, 64, 255, 300};
  constexpr int kCodecs[] = {BLOSC_LZ4, BLOSC_LZ4, BLOSC_LZ4HC, BLOSC_ZSTD, BLOSC_ZSTD};
  constexpr int kSplits[] = {BLOSC_ALWAYS_SPLIT, BLOSC_NEVER_SPLIT, BLOSC_AUTO_SPLIT,
                             BLOSC_FORWARD_COMPAT_SPLIT};
  constexpr int kFilters[] = {BLOSC_SHUFFLE, BLOSC_SHUFFLE, BLOSC_BITSHUFFLE, kByteDelta,
                              BLOSC_NOFILTER};
  constexpr int kMetas[] = {0, 0, 0, 1, 2, 3, 4, 7, 8, 16, 255};
  constexpr int64_t kCounts[] = {16, 64, 128, 250, 512, 1000};
  Made made;
  made.element_bytes = OneOf(random, kSizes);
  B2ndOptions options;
  options.compressor = OneOf(random, kCodecs);
  options.level = static_cast<int>(RandomInt(random, 1, options.compressor == BLOSC_ZSTD ? 3 : 9));
  options.split_mode = OneOf(random, kSplits);
  options.filters.clear();
  // What c-blosc2 writes by itself, half of the time.
  const int64_t filters = RandomInt(random, 0, 1) == 0 ? -1 : RandomInt(random, 0, 6);
  if (filters < 0) {
    options.filters.emplace_back(OneOf(random, kFilters), 0);
    if (options.filters[0].first == BLOSC_SHUFFLE && RandomInt(random, 0, 1) == 1) {
      const int meta = RandomInt(random, 0, 2) == 0 ? OneOf(random, kMetas) : 0;
      options.filters[0].second = meta;
      options.filters.emplace_back(kByteDelta, meta);
    }
  }
  for (int64_t i = 0; i < filters; ++i) {
    options.filters.emplace_back(OneOf(random, kFilters), OneOf(random, kMetas));
  }
  const int64_t elements_of_block =
      std::min(OneOf(random, kCounts), 8192 / int64_t{made.element_bytes});
  const int64_t block_bytes = std::max<int64_t>(elements_of_block, 4) * made.element_bytes;
  int64_t bytes = RandomInt(random, 1, 3) * block_bytes;
  if (RandomInt(random, 0, 2) == 0) bytes += RandomInt(random, 1, block_bytes - 1);
  made.elements =
      Elements(random, static_cast<size_t>(bytes), static_cast<size_t>(made.element_bytes));
  made.chunk = CompressedChunk(made.elements, made.element_bytes, static_cast<int32_t>(block_bytes),
                               options);
  made.what = "elements of " + std::to_string(made.element_bytes) + ", codec " +
              std::to_string(options.compressor) + ", split " + std::to_string(options.split_mode) +
              ", blocks of " + std::to_string(block_bytes) + " of " + std::to_string(bytes);
  for (const auto& [id, meta] : options.filters) {
    made.what += ", filter " + std::to_string(id) + " (" + std::to_string(meta) + ")";
  }
  return made;
}

// Runs of bytes anywhere in the block, most often whole elements, and where they go.
BlockRuns RandomRuns(Random& random, size_t block_bytes, size_t element_bytes) {
  const size_t unit =
      RandomInt(random, 0, 3) == 0 || element_bytes > block_bytes ? 1 : element_bytes;
  const auto units = static_cast<int64_t>(block_bytes / unit);
  BlockRuns runs;
  const int64_t run = RandomInt(random, 1, units);
  int64_t step = run;
  int64_t used = run;
  runs.run_bytes = static_cast<size_t>(run) * unit;
  const auto axes = RandomInt(random, 0, 3);
  for (int64_t axis = 0; axis < axes; ++axis) {
    step = std::max(step, used) + RandomInt(random, 0, 3);
    const int64_t room = (units - used) / std::max<int64_t>(step, 1);
    const int64_t count = 1 + RandomInt(random, 0, std::min<int64_t>(room, 5));
    used += (count - 1) * step;
    // Found from the innermost on.
    std::copy_backward(runs.axes.begin(), runs.axes.begin() + runs.axes_size,
                       runs.axes.begin() + runs.axes_size + 1);
    runs.axes[0] = {static_cast<size_t>(count), static_cast<size_t>(step) * unit, 0};
    ++runs.axes_size;
  }
  runs.start = static_cast<size_t>(RandomInt(random, 0, units - used)) * unit;
  std::ptrdiff_t to_step = static_cast<std::ptrdiff_t>(runs.run_bytes) +
                           static_cast<std::ptrdiff_t>(RandomInt(random, 0, 1));
  for (int axis = runs.axes_size; axis-- > 0;) {
    BlockRuns::Axis& at = runs.axes[static_cast<size_t>(axis)];
    at.to_step = to_step;
    to_step *= static_cast<std::ptrdiff_t>(at.count);
  }
  return runs;
}

// Each run of them, one by one.
void CopySlowly(const std::string& block, const BlockRuns& runs, int axis, size_t start,
                std::ptrdiff_t to, std::string& memory) {
  if (axis == runs.axes_size) {
    memory.replace(static_cast<size_t>(to), runs.run_bytes, block, start, runs.run_bytes);
    return;
  }
  const BlockRuns::Axis& step = runs.axes[static_cast<size_t>(axis)];
  for (size_t i = 0; i < step.count; ++i) {
    CopySlowly(block, runs, axis + 1, start + i * step.block_step,
               to + static_cast<std::ptrdiff_t>(i) * step.to_step, memory);
  }
}

void ExpectRuns(const Chunk& chunk, int64_t block, const std::string& elements, Random& random) {
  const size_t block_bytes = chunk.BlockBytes(block);
  BlockRuns runs[2];
  std::string found[2];
  std::string wanted[2];
  const size_t sets = static_cast<size_t>(RandomInt(random, 1, 2));
  for (size_t i = 0; i < sets; ++i) {
    runs[i] = RandomRuns(random, block_bytes, chunk.header.element_bytes);
    const size_t room = 2 * runs[i].run_bytes * runs[i].count() + 64;
    wanted[i].assign(room, '?');
    found[i] = wanted[i];
    CopySlowly(elements, runs[i], 0, runs[i].start, 0, wanted[i]);
    runs[i].to = reinterpret_cast<std::byte*>(found[i].data());
  }
  ASSERT_THAT(DecodeRuns(*chunk.format, chunk.bytes, block, runs, sets), IsOk());
  for (size_t i = 0; i < sets; ++i) {
    ASSERT_TRUE(found[i] == wanted[i]) << runs[i].axes_size << " axes from " << runs[i].start;
  }
}

TEST(BlockDecoder, DecodesWhatCBlosc2Writes) {
  Random random(1);
  int decoded = 0;
  constexpr int kChunks = 3000;
  for (int i = 0; i < kChunks; ++i) {
    const Made made = RandomChunk(random);
    SCOPED_TRACE(std::to_string(i) + ": " + made.what);
    const Chunk chunk(made.chunk, made.element_bytes);
    ASSERT_TRUE(chunk.is_parsed);
    std::string reference;
    ASSERT_THAT(chunk.Reference(reference), IsOk());
    if (!chunk.format) continue;  // stored, or one value over and over
    ASSERT_TRUE(reference == made.elements);
    ++decoded;
    for (int64_t block = 0; block < chunk.header.block_count(); ++block) {
      const std::string wanted = reference.substr(
          static_cast<size_t>(block * chunk.header.block_bytes), chunk.BlockBytes(block));
      std::string found;
      ASSERT_THAT(chunk.Decode(block, found), IsOk());
      ASSERT_TRUE(found == wanted) << "block " << block;
      ASSERT_NO_FATAL_FAILURE(ExpectRuns(chunk, block, wanted, random)) << "block " << block;
    }
  }
  EXPECT_GT(decoded, kChunks / 2);
}

// Whatever the damage: an error where c-blosc2 has one, else the same bytes.
TEST(BlockDecoder, FailsOnDamageOrAgreesWithCBlosc2) {
  Random random(2);
  int errors = 0;
  int sound = 0;
  for (int i = 0; i < 250; ++i) {
    const Made made = RandomChunk(random);
    SCOPED_TRACE(std::to_string(i) + ": " + made.what);
    if (!Chunk(made.chunk, made.element_bytes).format) continue;
    for (int turn = 0; turn < 12; ++turn) {
      std::string damaged = made.chunk;
      const auto last = static_cast<int64_t>(damaged.size()) - 1;
      // The directory and lengths are hit more often than streams.
      const int64_t hits = RandomInt(random, 1, 3);
      for (int64_t hit = 0; hit < hits; ++hit) {
        const int64_t at = RandomInt(
            random, 32, RandomInt(random, 0, 1) == 0 ? last : std::min<int64_t>(last, 60));
        damaged[static_cast<size_t>(at)] = static_cast<char>(random());
      }
      const Chunk chunk(damaged, made.element_bytes);
      if (!chunk.is_parsed || !chunk.format) continue;
      for (int64_t block = 0; block < chunk.header.block_count(); ++block) {
        std::string found;
        const Status status = chunk.Decode(block, found);
        std::string wanted(found.size(), '\0');
        const bool is_whole = static_cast<int64_t>(found.size()) == chunk.header.block_bytes;
        if (is_whole) {
          const Status reference = chunk.codec->DecodeBlock(
              chunk.bytes, chunk.header, block, reinterpret_cast<std::byte*>(wanted.data()));
          ASSERT_TRUE(reference.ok() || !status.ok()) << reference.message();
          if (status.ok()) {
            ASSERT_TRUE(found == wanted) << "block " << block;
          }
        }
        ++(status.ok() ? sound : errors);
        BlockRuns runs = RandomRuns(random, found.size(), chunk.header.element_bytes);
        std::string to(2 * runs.run_bytes * runs.count() + 64, '\0');
        runs.to = reinterpret_cast<std::byte*>(to.data());
        const Status of_runs = DecodeRuns(*chunk.format, chunk.bytes, block, &runs, 1);
        ASSERT_TRUE(of_runs.ok() || !status.ok()) << of_runs.message();
      }
    }
  }
  EXPECT_GT(errors, 1000);
  EXPECT_GT(sound, 1000);
}

// A chunk of one block of 4096 elements of 2 bytes, of two streams.
std::string SplitChunk() {
  Random random(3);
  B2ndOptions options;
  options.compressor = BLOSC_LZ4;
  options.split_mode = BLOSC_ALWAYS_SPLIT;
  std::string elements;
  for (int i = 0; i < 4096; ++i) elements += Little(random() % 3 * 0x0101, 2);
  return CompressedChunk(elements, 2, static_cast<int32_t>(elements.size()), options);
}

TEST(BlockDecoder, StopsAfterTheLastElementThatIsWanted) {
  const Chunk sound(SplitChunk(), kInt16Bytes);
  ASSERT_TRUE(sound.format && sound.format->stream_count == 2);
  std::string elements;
  ASSERT_THAT(sound.Decode(0, elements), IsOk());

  // The second stream ends with the chunk.
  const std::string damaged_bytes =
      std::string(sound.bytes.substr(0, sound.bytes.size() - 16)) + std::string(16, '\xff');
  const Chunk damaged(damaged_bytes, kInt16Bytes);
  std::string found;
  EXPECT_THAT(damaged.Decode(0, found), FailsWith(StatusCode::kCorrupt, "damage in stream 1"));
  found.assign(elements.size(), '?');
  BlockRuns runs;
  runs.to = reinterpret_cast<std::byte*>(found.data());
  runs.start = 64;
  runs.run_bytes = 1000;
  EXPECT_THAT(DecodeRuns(*damaged.format, damaged.bytes, 0, &runs, 1), IsOk());
  EXPECT_TRUE(found.substr(0, 1000) == elements.substr(64, 1000));
  EXPECT_TRUE(found.substr(1000) == std::string(elements.size() - 1000, '?'));
}

ChunkFields Fields() {
  ChunkFields fields;
  fields.flags = kChunkExtended | kChunkUnsplit | kChunkLz4;
  fields.uncompressed_bytes = 64;
  fields.block_bytes = 32;
  fields.compressed_bytes = 32 + 8 + 2 * 36;
  return fields;
}

std::optional<BlockFormat> FormatOf(const ChunkFields& fields,
                                    int64_t file_element_bytes = kInt16Bytes) {
  const auto chunk = ParseChunkHeader(ChunkHeader(fields), 1 << 20);
  EXPECT_THAT(chunk, IsOk());
  return FindBlockFormat(*chunk, file_element_bytes);
}

TEST(BlockDecoder, LeavesToCBlosc2WhatItDoesNotKnow) {
  EXPECT_TRUE(FormatOf(Fields()));
  const auto leaves = [](const auto& change) {
    ChunkFields fields = Fields();
    change(fields);
    return !FormatOf(fields).has_value();
  };
  EXPECT_TRUE(leaves([](ChunkFields& f) { f.flags = kChunkExtended; })) << "BLOSCLZ";
  EXPECT_TRUE(leaves([](ChunkFields& f) {
    f.flags = kChunkExtended | kChunkPluginCodec;
    f.plugin_codec = 1;
  })) << "a plugin that has the number of LZ4";
  EXPECT_TRUE(leaves([](ChunkFields& f) { f.filters[4] = 3; })) << "DELTA";
  EXPECT_TRUE(leaves([](ChunkFields& f) { f.filters[0] = 34; })) << "another BYTEDELTA";
  EXPECT_TRUE(leaves([](ChunkFields& f) { f.special_flags = 1; })) << "a dictionary";
  EXPECT_TRUE(leaves([](ChunkFields& f) { f.special_flags = 1 << 4; })) << "zeros";
  EXPECT_TRUE(leaves([](ChunkFields& f) { f.version = 3; }));
  EXPECT_TRUE(leaves([](ChunkFields& f) { f.element_bytes = 0; }));
  EXPECT_TRUE(leaves([](ChunkFields& f) {
    f.flags = kChunkExtended | kChunkLz4;
    f.element_bytes = 3;
  })) << "streams of unequal size";
  EXPECT_FALSE(leaves([](ChunkFields& f) { f.filters = {1, 2, 4, 35, 1, 2}; }));
  EXPECT_FALSE(FormatOf(Fields(), 0).has_value());
}

// Two blocks of 32 bytes, the first one stream of what is given, the second 7s.
Status DecodeFirst(const std::string& stream, std::string& to, int64_t start = 40) {
  ChunkFields fields = Fields();
  std::string bytes = Little(static_cast<uint64_t>(start), 4) + Little(40, 4) + stream;
  fields.compressed_bytes = 32 + static_cast<int64_t>(bytes.size());
  const Chunk chunk(ChunkHeader(fields) + bytes, kInt16Bytes);
  EXPECT_TRUE(chunk.format);
  return chunk.Decode(0, to);
}

TEST(BlockDecoder, ReadsRunsAndRawStreams) {
  std::string found;
  EXPECT_THAT(DecodeFirst(Little(0, 4), found), IsOk());
  EXPECT_EQ(found, std::string(32, '\0'));
  EXPECT_THAT(DecodeFirst(Little(static_cast<uint64_t>(-200), 4) + "\x01", found), IsOk());
  EXPECT_EQ(found, std::string(32, '\xC8'));
  const std::string raw = "0123456789abcdef0123456789ABCDEF";
  EXPECT_THAT(DecodeFirst(Little(32, 4) + raw, found), IsOk());
  EXPECT_EQ(found, raw);
}

TEST(BlockDecoder, RefusesStreamsThatDoNotAddUp) {
  std::string found;
  const auto refuses = [&](const std::string& stream, const std::string& message) {
    EXPECT_THAT(DecodeFirst(stream, found), FailsWith(StatusCode::kCorrupt, message)) << message;
  };
  refuses(Little(0, 3), "no length in stream 0");
  refuses(Little(static_cast<uint64_t>(-256), 4) + "\x01", "length -256 in stream 0");
  refuses(Little(0x80000000, 4) + "\x01", "length -2147483648 in stream 0");
  refuses(Little(static_cast<uint64_t>(-7), 4) + "\x02", "length -7 in stream 0");
  refuses(Little(static_cast<uint64_t>(-7), 4), "length -7 in stream 0");
  refuses(Little(32, 4) + std::string(31, 'x'), "32 bytes in stream 0, wanted at most 31");
  refuses(Little(0x7FFFFFFF, 4) + "x", "2147483647 bytes in stream 0, wanted at most 1");
  refuses(Little(33, 4) + std::string(33, 'x'), "33 bytes in stream 0, wanted at most 32");
  refuses(Little(5, 4) + "xxxxx", "damage in stream 0, wanted 32 bytes when decoded");
  for (const int64_t start : {0, 32, 39, 44, -1, 0x7FFFFFFF}) {
    EXPECT_THAT(DecodeFirst(Little(0, 4), found, start),
                FailsWith(StatusCode::kCorrupt, "start: found "))
        << start;
  }
}

}  // namespace
}  // namespace ndarray
