// What is done for a window: filters undone straight into its memory, and no more than it needs.

#include "driver/store/b2nd/block_reader.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <tuple>

#include "tests/support/array_conformance.h"
#include "tests/support/b2nd_files.h"
#include "tests/support/memory_file.h"
#include "tests/support/status_matchers.h"

namespace ndarray {
namespace {

using namespace testing;  // NOLINT

constexpr int kByteDelta = 35;
constexpr DType kU16{ScalarType::kUInt16, ByteOrder::kLittle};

using Filters = std::vector<std::pair<int, int>>;

// An array whose windows are read by BlockReader itself.
struct Opened {
  Opened(const ReferenceArray& from, const B2ndOptions& options)
      : reference(from),
        file(std::make_shared<MemoryFile>(B2ndBytes(from, options))),
        index(std::move(*FrameIndex::Open(*file))) {}

  void ExpectWindow(const Box& box, Random* strides = nullptr) const {
    const AxisVector counts = testing::Counts(box);
    const size_t element_bytes = reference.dtype.size_bytes();
    StridedBuffer buffer = strides != nullptr ? StridedBuffer(counts, element_bytes, *strides)
                                              : StridedBuffer(counts, element_bytes);
    ASSERT_THAT(BlockReader(*index, *file, {{0, box, buffer.view()}}, 1).Run(), IsOk());
    EXPECT_TRUE(buffer.Elements() == reference.ElementsOf(box));
  }

  const ReferenceArray& reference;
  const std::shared_ptr<MemoryFile> file;
  const std::shared_ptr<const FrameIndex> index;
};

// Slow waves with a little noise: every codec and filter makes it smaller.
ReferenceArray Waves(const DType& dtype, const AxisVector& shape) {
  Random random(4);
  ReferenceArray reference = ReferenceArray::OfRandom(dtype, shape, random);
  const size_t size = dtype.size_bytes();
  for (size_t i = 0; i < reference.elements.size(); ++i) {
    const size_t wave = i / size / 50 + 3 * (i % size);
    reference.elements[i] = static_cast<char>(wave + random() % (i % size == 0 ? 3 : 1));
  }
  return reference;
}

B2ndOptions OptionsOf(int compressor, const Filters& filters, AxisVector chunk, AxisVector block) {
  B2ndOptions options;
  options.chunk_shape = std::move(chunk);
  options.block_shape = std::move(block);
  options.compressor = compressor;
  options.filters = filters;
  return options;
}

const Filters kPipelines[] = {{{BLOSC_SHUFFLE, 0}},
                              {{BLOSC_BITSHUFFLE, 0}},
                              {{BLOSC_SHUFFLE, 0}, {kByteDelta, 0}},
                              {{BLOSC_BITSHUFFLE, 0}, {kByteDelta, 0}},
                              {{BLOSC_SHUFFLE, 3}, {kByteDelta, 3}},
                              {{BLOSC_SHUFFLE, 6}, {kByteDelta, 6}},
                              {{BLOSC_SHUFFLE, 6}},
                              {{BLOSC_SHUFFLE, 0}, {BLOSC_BITSHUFFLE, 0}},
                              {{kByteDelta, 0}},
                              {}};

TEST(BlockReader, UndoesFiltersStraightIntoTheCallersMemory) {
  const ReferenceArray reference = Waves(kU16, {300, 400});
  for (const int compressor : {BLOSC_LZ4, BLOSC_ZSTD}) {
    for (const Filters& filters : kPipelines) {
      SCOPED_TRACE(std::to_string(compressor) + ", " + std::to_string(filters.size()) + " filters");
      const Opened opened(reference, OptionsOf(compressor, filters, {128, 128}, {64, 64}));
      opened.ExpectWindow({{0, 0}, {300, 400}});
      opened.ExpectWindow({{17, 33}, {249, 385}});
      opened.ExpectWindow({{70, 70}, {101, 115}});
      opened.ExpectWindow({{64, 64}, {128, 128}});
      EXPECT_GT(opened.index->cached_file().decoded_blocks().load(), 35);
      EXPECT_EQ(opened.index->cached_file().scratch_bytes().load(), 0);
    }
  }
}

TEST(BlockReader, SwapsBytesOnTheWayThroughScratch) {
  const ReferenceArray reference = Waves({ScalarType::kUInt16, ByteOrder::kBig}, {100, 100});
  const Opened opened(reference, OptionsOf(BLOSC_LZ4, {{BLOSC_SHUFFLE, 0}}, {100, 100}, {50, 50}));
  opened.ExpectWindow({{10, 10}, {90, 90}});
  EXPECT_EQ(opened.index->cached_file().scratch_bytes().load(), 2 * 80 * 80);
}

// Who draws the same window again, or the next one of an image that is moved.
TEST(BlockReader, KeepsWholeBlocksWhereWindowsComeBack) {
  const ReferenceArray reference = Waves(kU16, {512, 512});
  const Opened opened(reference, OptionsOf(BLOSC_LZ4, {{BLOSC_SHUFFLE, 0}}, {256, 256}, {32, 32}));
  const CachedFile& file = opened.index->cached_file();
  for (int64_t x = 0; x <= 256; x += 32) opened.ExpectWindow({{0, x}, {256, x + 256}});
  const int64_t decoded = file.decoded_blocks();
  EXPECT_LT(decoded, 4 * 64) << "of 9 windows of 64 blocks, which share 128";
  EXPECT_GT(file.counters().held_bytes.load(), 0);
  opened.ExpectWindow({{0, 256}, {256, 512}});
  EXPECT_EQ(file.decoded_blocks().load(), decoded);
}

TEST(BlockReader, KeepsNoWholeBlocksOfASweep) {
  const ReferenceArray reference = Waves(kU16, {512, 512});
  const Opened opened(reference, OptionsOf(BLOSC_LZ4, {{BLOSC_SHUFFLE, 0}}, {256, 256}, {32, 32}));
  for (int64_t y = 0; y < 512; y += 64) opened.ExpectWindow({{y, 0}, {y + 64, 512}});
  EXPECT_EQ(opened.index->cached_file().counters().held_bytes.load(), 0);
  EXPECT_EQ(opened.index->cached_file().decoded_blocks().load(), 256);
}

// Reads a window of pixels of several bands into memory that has band after band.
void ExpectBands(const Opened& opened, const Box& box) {
  const int64_t element_bytes = static_cast<int64_t>(opened.reference.dtype.size_bytes());
  const AxisVector counts = testing::Counts(box);
  const int64_t plane_bytes = counts[0] * counts[1] * element_bytes;
  std::string planes(static_cast<size_t>(plane_bytes * counts[2]), '\0');
  const StridedView view = {planes.data(), {counts[1] * element_bytes, element_bytes, plane_bytes}};
  ASSERT_THAT(BlockReader(*opened.index, *opened.file, {{0, box, view}}, 1).Run(), IsOk());
  for (int64_t band = 0; band < counts[2]; ++band) {
    const Box of_band{{box.start[0], box.start[1], box.start[2] + band},
                      {box.stop[0], box.stop[1], box.start[2] + band + 1}};
    EXPECT_EQ(
        planes.substr(static_cast<size_t>(band * plane_bytes), static_cast<size_t>(plane_bytes)),
        opened.reference.ElementsOf(of_band))
        << "band " << band;
  }
}

class NoBlockCache {
 public:
  NoBlockCache() { BlockCache::Process().SetMaxBytes(0); }
  ~NoBlockCache() { BlockCache::Process().SetMaxBytes(BlockCache::kDefaultMaxBytes); }
};

// Bytes of a band are planes of their own.
TEST(BlockReader, ReadsBandsStraightOutOfPixelsThatWereShuffled) {
  const NoBlockCache no_cache;  // it would have blocks of all bands
  for (const ScalarType type : {ScalarType::kUInt8, ScalarType::kUInt16, ScalarType::kFloat32}) {
    const DType dtype{type, kNativeOrder};
    const auto pixel_bytes = static_cast<int>(5 * dtype.size_bytes());
    const ReferenceArray reference = Waves(dtype, {150, 200, 5});
    const Filters kShuffled[] = {{{BLOSC_SHUFFLE, pixel_bytes}},
                                 {{BLOSC_SHUFFLE, pixel_bytes}, {kByteDelta, pixel_bytes}}};
    for (const Filters& filters : kShuffled) {
      const Opened opened(reference, OptionsOf(BLOSC_ZSTD, filters, {128, 128, 5}, {64, 64, 5}));
      opened.ExpectWindow({{0, 0, 1}, {150, 200, 2}});
      opened.ExpectWindow({{3, 7, 4}, {140, 191, 5}});
      opened.ExpectWindow({{3, 7, 1}, {140, 191, 4}});
      ExpectBands(opened, {{0, 0, 0}, {150, 200, 5}});
      ExpectBands(opened, {{3, 7, 1}, {140, 191, 4}});
      EXPECT_EQ(opened.index->cached_file().scratch_bytes().load(), 0);
    }
  }
}

// Elsewhere no row of a band is in one piece.
TEST(BlockReader, TakesScratchWhereRunsWouldBeTiny) {
  const NoBlockCache no_cache;
  const ReferenceArray reference = Waves({ScalarType::kUInt8, kNativeOrder}, {64, 64, 3});
  const Opened opened(reference,
                      OptionsOf(BLOSC_ZSTD, {{BLOSC_BITSHUFFLE, 0}}, {64, 64, 3}, {32, 32, 3}));
  opened.ExpectWindow({{0, 0, 1}, {64, 64, 2}});
  ExpectBands(opened, {{0, 0, 0}, {64, 64, 3}});
  EXPECT_EQ(opened.index->cached_file().scratch_bytes().load(), 4 * 64 * 64);
  opened.ExpectWindow({{5, 5, 0}, {60, 61, 3}});
  EXPECT_EQ(opened.index->cached_file().scratch_bytes().load(), 4 * 64 * 64);
}

TEST(BlockReader, ReadsAnyWindowOfAnyPipeline) {
  Random random(5);
  constexpr ScalarType kTypes[] = {ScalarType::kUInt8, ScalarType::kInt16, ScalarType::kFloat32,
                                   ScalarType::kFloat64, ScalarType::kComplex128};
  const std::tuple<AxisVector, AxisVector, AxisVector> kShapes[] = {
      {{5000}, {2000}, {300}},
      {{90, 110}, {64, 64}, {16, 24}},
      {{9, 40, 50}, {4, 20, 32}, {2, 7, 9}},
      {{40, 50, 3}, {16, 32, 3}, {8, 11, 3}},
      {{3, 4, 20, 30}, {2, 2, 20, 20}, {1, 2, 10, 10}}};
  constexpr int kSplits[] = {BLOSC_ALWAYS_SPLIT, BLOSC_NEVER_SPLIT, BLOSC_AUTO_SPLIT,
                             BLOSC_FORWARD_COMPAT_SPLIT};
  for (const ScalarType type : kTypes) {
    for (const auto& [shape, chunk, block] : kShapes) {
      for (const Filters& filters : kPipelines) {
        B2ndOptions options =
            OptionsOf(RandomInt(random, 0, 1) == 0 ? BLOSC_LZ4 : BLOSC_ZSTD, filters, chunk, block);
        options.split_mode = kSplits[RandomInt(random, 0, 3)];
        const ReferenceArray reference = Waves({type, kNativeOrder}, shape);
        const Opened opened(reference, options);
        SCOPED_TRACE(ShapeString(shape) + ", codec " + std::to_string(options.compressor) +
                     ", split " + std::to_string(options.split_mode) + ", pipeline " +
                     std::to_string(&filters - kPipelines));
        for (int i = 0; i < 4; ++i) {
          const Box box = RandomBox(shape, random);
          opened.ExpectWindow(box);
          opened.ExpectWindow(box, &random);
        }
        if (HasFailure()) return;
      }
    }
  }
}

// Several windows at once, of which one block has parts.
TEST(BlockReader, DecodesABlockOnceForSeveralWindows) {
  const ReferenceArray reference = Waves(kU16, {64, 128});
  const Opened opened(reference,
                      OptionsOf(BLOSC_LZ4, {{BLOSC_BITSHUFFLE, 0}}, {64, 128}, {64, 128}));
  std::vector<StridedBuffer> buffers;
  std::vector<Box> boxes;
  for (int64_t i = 0; i < 3; ++i) {
    boxes.push_back({{4 * i, 30 * i}, {50 + 4 * i, 30 * i + 40}});
    buffers.emplace_back(testing::Counts(boxes.back()), 2);
  }
  std::vector<ReadTarget> targets;
  for (size_t i = 0; i < 3; ++i) targets.push_back({0, boxes[i], buffers[i].view()});
  ASSERT_THAT(BlockReader(*opened.index, *opened.file, targets, 1).Run(), IsOk());
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_TRUE(buffers[i].Elements() == reference.ElementsOf(boxes[i])) << i;
  }
  EXPECT_EQ(opened.index->cached_file().decoded_blocks().load(), 1);
  EXPECT_EQ(opened.index->cached_file().scratch_bytes().load(), 0);
}

}  // namespace
}  // namespace ndarray
