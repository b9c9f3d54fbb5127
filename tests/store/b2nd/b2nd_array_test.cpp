#include "driver/store/b2nd/b2nd_array.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <memory>
#include <string>
#include <tuple>

#include "driver/store/frame/block_cache.h"
#include "driver/store/io/local_file.h"
#include "tests/support/array_conformance.h"
#include "tests/support/b2nd_files.h"
#include "tests/support/memory_file.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_folder.h"

namespace ndarray {
namespace {

using namespace testing;  // NOLINT: nearly all of the conformance suite is used here

constexpr DType kU16{ScalarType::kUInt16, ByteOrder::kLittle};
constexpr DType kF32{ScalarType::kFloat32, ByteOrder::kLittle};

// kBounded: mapped, and all of the map is released after each piece that is read.
enum class Kind { kMapped, kBounded, kUnmapped, kInMemory };

constexpr const char* kKindNames[] = {"mapped", "bounded", "unmapped", "in_memory"};

class B2ndFileTest : public ::testing::Test {
 protected:
  std::string Path() const { return folder_.Path("array.b2nd"); }

  std::shared_ptr<Array> Open(Kind kind, const std::string& bytes, int threads = 2) const {
    std::shared_ptr<ByteFile> file = std::make_shared<MemoryFile>(bytes);
    if (kind != Kind::kInMemory) {
      WriteFile(Path(), bytes);
      MapPolicy policy;
      if (kind == Kind::kUnmapped) policy.max_mapped_bytes = 0;
      if (kind == Kind::kBounded) policy.max_resident_bytes = 0;
      const auto mapped = OpenLocalFile(Path(), policy);
      EXPECT_THAT(mapped, IsOk());
      if (!mapped.ok()) return nullptr;
      file = *mapped;
    }
    auto array = OpenB2ndArray(std::move(file), threads);
    EXPECT_THAT(array, IsOk());
    return array.ok() ? *array : nullptr;
  }

  void ExpectBothKindsRead(const std::string& bytes, const ReferenceArray& reference,
                           int boxes = 4) const {
    for (const Kind kind : {Kind::kMapped, Kind::kBounded, Kind::kUnmapped, Kind::kInMemory}) {
      SCOPED_TRACE(kKindNames[static_cast<int>(kind)]);
      Random random(7);
      const auto array = Open(kind, bytes);
      ASSERT_NE(array, nullptr);
      ExpectReadsLike(*array, 0, reference, random, boxes);
    }
  }

  const TempFolder folder_;
};

// Half of each axis, and a third of that; never 0.
AxisVector Part(const AxisVector& shape, int64_t divisor) {
  AxisVector part;
  for (const int64_t count : shape) part.push_back((count + divisor - 1) / divisor);
  return part;
}

// Shapes of chunks and blocks that divide the array, that do not, and that are larger.
std::vector<std::pair<AxisVector, AxisVector>> Grids(const AxisVector& shape) {
  AxisVector more = shape;
  for (int64_t& count : more) ++count;
  return {{shape, shape},
          {shape, Part(shape, 2)},
          {Part(shape, 2), Part(shape, 5)},
          {more, Part(shape, 3)},
          {AxisVector(shape.size(), 3), AxisVector(shape.size(), 2)}};
}

class B2ndConformance : public B2ndFileTest,
                        public ::testing::WithParamInterface<std::tuple<DType, Kind>> {
 protected:
  const DType& dtype() const { return std::get<0>(GetParam()); }
  Kind kind() const { return std::get<1>(GetParam()); }
};

TEST_P(B2ndConformance, ReadsAnyBoxIntoAnyStrides) {
  Random random(1);
  for (const AxisVector& shape : ConformanceShapes()) {
    for (const auto& [chunk_shape, block_shape] : Grids(shape)) {
      SCOPED_TRACE(ShapeString(shape) + " chunks " + ShapeString(chunk_shape) + " blocks " +
                   ShapeString(block_shape));
      const auto reference = ReferenceArray::OfRandom(dtype(), shape, random);
      B2ndOptions options;
      options.chunk_shape = chunk_shape;
      options.block_shape = block_shape;
      options.compressor = BLOSC_LZ4;
      const auto array = Open(kind(), B2ndBytes(reference, options));
      ASSERT_NE(array, nullptr);
      ExpectReadsLike(*array, 0, reference, random, 3);
    }
  }
}

TEST_P(B2ndConformance, ReadsFromManyThreadsAtOnce) {
  Random random(3);
  auto reference = ReferenceArray::OfRandom(dtype(), {7, 40, 50}, random);
  // Half of it compresses.
  std::fill_n(reference.elements.begin(), reference.elements.size() / 2, '\1');
  B2ndOptions options;
  options.chunk_shape = {3, 17, 50};
  options.block_shape = {1, 8, 16};
  const auto array = Open(kind(), B2ndBytes(reference, options));
  ASSERT_NE(array, nullptr);
  ExpectConcurrentReadsLike(*array, 0, reference, 8, 6);
}

INSTANTIATE_TEST_SUITE_P(, B2ndConformance,
                         ::testing::Combine(::testing::ValuesIn(AllDTypes()),
                                            ::testing::Values(Kind::kMapped, Kind::kBounded,
                                                              Kind::kUnmapped, Kind::kInMemory)),
                         [](const auto& test) {
                           return DTypeName(std::get<0>(test.param)) + "_" +
                                  kKindNames[static_cast<int>(std::get<1>(test.param))];
                         });

TEST_F(B2ndFileTest, ReadsFilesMadeWithoutCBlosc2) {
  Random random(2);
  for (const DType& dtype : AllDTypes()) {
    SCOPED_TRACE(DTypeName(dtype));
    const auto reference = ReferenceArray::OfRandom(dtype, {5, 7, 9}, random);
    for (const ChunkStyle style : {ChunkStyle::kStored, ChunkStyle::kOfBlocks}) {
      ExpectBothKindsRead(FrameBytes(FrameOf(reference, {2, 4, 5}, {2, 3, 2}, style)), reference);
    }
  }
}

// Chunks of one element along the first axes.
ReferenceArray ManyAxes(int axes) {
  Random random(4);
  AxisVector shape(axes, 1);
  for (int axis = 0; axis < std::min(axes, 8); ++axis) shape[axes - 1 - axis] = 2 + axis % 2;
  return ReferenceArray::OfRandom(kU16, shape, random);
}

TEST_F(B2ndFileTest, ReadsUpToFifteenAxes) {
  for (int axes = 1; axes <= 15; ++axes) {
    SCOPED_TRACE(axes);
    const auto reference = ManyAxes(axes);
    const AxisVector half = Part(reference.shape, 2);
    ExpectBothKindsRead(FrameBytes(FrameOf(reference, half, AxisVector(axes, 1))), reference, 2);
  }
}

// It marks shapes of 16 axes with 0x90 + 16, which is a text to msgpack, not an array.
TEST_F(B2ndFileTest, ReadsSixteenAxesAsCBlosc2WritesThem) {
  const auto reference = ManyAxes(16);
  B2ndOptions options;
  options.chunk_shape = options.block_shape = reference.shape;
  ExpectBothKindsRead(B2ndBytes(reference, options), reference, 2);
}

// What a camera sees: neighbours resemble each other, low bits are noise.
ReferenceArray Picture(const DType& dtype, const AxisVector& shape) {
  Random random(9);
  ReferenceArray picture{dtype, shape, ""};
  const size_t size = dtype.size_bytes();
  ForEachIndex(shape, [&](const AxisVector& index) {
    int64_t value = RandomInt(random, 0, 15);
    for (const int64_t place : index) value += 40 * place;
    std::string element(size, '\0');
    if (dtype.type == ScalarType::kFloat32) {
      const auto number = static_cast<float>(value);
      std::memcpy(element.data(), &number, size);
    } else {
      std::memcpy(element.data(), &value, size);
    }
    picture.elements += element;
  });
  return picture;
}

struct Pipeline {
  const char* name;
  int compressor;
  int level;
  std::vector<std::pair<int, int>> filters;
  bool dictionary = false;
};

class B2ndPipelines : public B2ndFileTest, public ::testing::WithParamInterface<Pipeline> {};

TEST_P(B2ndPipelines, AreDecoded) {
  B2ndOptions options;
  options.compressor = GetParam().compressor;
  options.level = GetParam().level;
  options.filters = GetParam().filters;
  options.dictionary = GetParam().dictionary;
  for (const DType& dtype : {kU16, kF32, DType{ScalarType::kUInt8, ByteOrder::kLittle},
                             DType{ScalarType::kInt64, ByteOrder::kLittle}}) {
    SCOPED_TRACE(DTypeName(dtype));
    const auto reference = Picture(dtype, {3, 70, 90});
    options.chunk_shape = {2, 50, 64};
    options.block_shape = {1, 24, 32};
    ExpectBothKindsRead(B2ndBytes(reference, options), reference);
    // Blocks whose bytes are no multiple of anything that filters like.
    options.chunk_shape = {3, 31, 29};
    options.block_shape = {1, 7, 13};
    ExpectBothKindsRead(B2ndBytes(reference, options), reference);
  }
}

using Filters = std::vector<std::pair<int, int>>;

INSTANTIATE_TEST_SUITE_P(
    , B2ndPipelines,
    ::testing::Values(
        Pipeline{"blosclz", BLOSC_BLOSCLZ, 5, {{BLOSC_SHUFFLE, 0}}},
        Pipeline{"lz4_plain", BLOSC_LZ4, 5, {}},
        Pipeline{"lz4_shuffle", BLOSC_LZ4, 5, {{BLOSC_SHUFFLE, 0}}},
        Pipeline{"lz4_bitshuffle", BLOSC_LZ4, 1, {{BLOSC_BITSHUFFLE, 0}}},
        Pipeline{"lz4hc", BLOSC_LZ4HC, 9, {{BLOSC_SHUFFLE, 0}}},
        Pipeline{"zlib", BLOSC_ZLIB, 5, {{BLOSC_SHUFFLE, 0}}},
        Pipeline{"zstd_split", BLOSC_ZSTD, 5, {{BLOSC_SHUFFLE, 0}}},
        Pipeline{"zstd_whole", BLOSC_ZSTD, 9, {{BLOSC_SHUFFLE, 0}}},
        Pipeline{"zstd_bytedelta", BLOSC_ZSTD, 1, {{BLOSC_SHUFFLE, 0}, {35, 0}}},
        Pipeline{"zstd_shuffle_3", BLOSC_ZSTD, 1, {{BLOSC_SHUFFLE, 3}, {35, 3}}},
        Pipeline{"zstd_two_filters", BLOSC_ZSTD, 1, {{BLOSC_SHUFFLE, 0}, {BLOSC_BITSHUFFLE, 0}}},
        Pipeline{"delta", BLOSC_LZ4, 5, {{BLOSC_DELTA, 0}}},
        Pipeline{"delta_shuffle", BLOSC_ZSTD, 5, {{BLOSC_DELTA, 0}, {BLOSC_SHUFFLE, 0}}},
        Pipeline{"dictionary", BLOSC_ZSTD, 5, {{BLOSC_SHUFFLE, 0}}, true},
        Pipeline{"not_compressed", BLOSC_ZSTD, 0, {{BLOSC_SHUFFLE, 0}}}),
    [](const auto& test) { return test.param.name; });

// Whole chunks, but the first and the last, of one kind.
TEST_F(B2ndFileTest, ReadsSpecialChunks) {
  const float nan = __builtin_nanf("");
  std::string nan_bytes(4, '\0');
  std::memcpy(nan_bytes.data(), &nan, 4);
  for (const auto& [kind, element] : {std::pair{BLOSC2_SPECIAL_ZERO, std::string(4, '\0')},
                                      std::pair{BLOSC2_SPECIAL_NAN, nan_bytes},
                                      std::pair{BLOSC2_SPECIAL_UNINIT, std::string(4, '\0')}}) {
    SCOPED_TRACE(kind);
    ReferenceArray reference = Picture(kF32, {40, 30});
    B2ndOptions options;
    options.chunk_shape = {10, 30};
    options.block_shape = {3, 8};
    options.special_chunks = {{1, kind}, {2, kind}};
    const std::string bytes = B2ndBytes(reference, options);
    std::string filling;
    for (int i = 0; i < 20 * 30; ++i) filling += element;
    reference.SetElementsOf({{10, 0}, {30, 30}}, filling);
    ExpectBothKindsRead(bytes, reference);
  }
}

TEST_F(B2ndFileTest, ReadsChunksThatRepeatOneValue) {
  for (const DType& dtype : AllDTypes()) {
    if (dtype.type == ScalarType::kBool) continue;
    SCOPED_TRACE(DTypeName(dtype));
    Random random(5);
    auto reference = ReferenceArray::OfRandom(dtype, {12, 20}, random);
    const std::string value = reference.elements.substr(0, dtype.size_bytes());
    std::string filling;
    for (int i = 0; i < 6 * 20; ++i) filling += value;
    reference.SetElementsOf({{0, 0}, {6, 20}}, filling);
    B2ndOptions options;
    options.chunk_shape = {6, 20};
    options.block_shape = {2, 20};
    ExpectBothKindsRead(B2ndBytes(reference, options), reference);
  }
}

TEST_F(B2ndFileTest, ReadsEachFieldOfARecord) {
  // With a gap, as python-blosc2 describes it. 9 x 11 of them.
  constexpr size_t kRecordBytes = 12;
  Random random(6);
  const std::string elements = RandomBytes(random, kRecordBytes * 99);
  B2ndOptions options;
  options.chunk_shape = {5, 6};
  options.block_shape = {2, 6};
  const std::string bytes =
      B2ndBytes("[('r', 'u1'), ('f1', 'V1'), ('g', '>u2'), ('m', '<f4', (2,))]", kRecordBytes,
                {9, 11}, elements, options);
  for (const Kind kind : {Kind::kMapped, Kind::kInMemory}) {
    const auto array = Open(kind, bytes);
    ASSERT_NE(array, nullptr);
    EXPECT_TRUE(array->info().is_record);
    ASSERT_EQ(array->info().fields.size(), 4u);
    EXPECT_EQ(array->info().fields[3].name, "m[1]");
    for (size_t field = 0; field < 4; ++field) {
      const Field& info = array->info().fields[field];
      ReferenceArray reference{info.dtype, {9, 11}, ""};
      for (size_t i = 0; i < 99; ++i) {
        reference.elements += elements.substr(
            i * kRecordBytes + static_cast<size_t>(info.offset_bytes), info.dtype.size_bytes());
      }
      if (info.dtype.swapped()) reference.elements = SwapBytes(reference.elements, info.dtype);
      ExpectReadsLike(*array, field, reference, random, 4);
    }
  }
}

TEST_F(B2ndFileTest, ConcurrentReadersShareAMap) {
  const auto reference = Picture(kU16, {600, 700});
  B2ndOptions options;
  options.chunk_shape = {256, 256};
  options.block_shape = {64, 64};
  for (const Kind kind : {Kind::kMapped, Kind::kInMemory}) {
    const auto array = Open(kind, B2ndBytes(reference, options), 4);
    ASSERT_NE(array, nullptr);
    ExpectConcurrentReadsLike(*array, 0, reference, 8, 2);
  }
}

TEST_F(B2ndFileTest, ConcurrentReadersWithASmallCache) {
  const auto reference = Picture(kU16, {300, 300});
  B2ndOptions options;
  options.chunk_shape = {100, 300};
  options.block_shape = {10, 300};  // row slabs, as python-blosc2 makes
  const auto array = Open(Kind::kMapped, B2ndBytes(reference, options), 4);
  ASSERT_NE(array, nullptr);
  BlockCache& cache = BlockCache::Process();
  const int64_t before = cache.max_bytes();
  for (const int64_t bytes : {0, 7000, 30000}) {
    cache.SetMaxBytes(bytes);
    ExpectConcurrentReadsLike(*array, 0, reference, 8, 8);
    EXPECT_LE(cache.held_bytes(), bytes);
  }
  cache.SetMaxBytes(before);
}

TEST_F(B2ndFileTest, TellsLayout) {
  const auto array = Open(Kind::kInMemory, FrameBytes(SmallFrame()));
  ASSERT_NE(array, nullptr);
  const ArrayInfo& info = array->info();
  EXPECT_EQ(info.shape, (AxisVector{6, 8}));
  EXPECT_EQ(info.read_chunk, (AxisVector{4, 4}));
  EXPECT_FALSE(info.is_record);
  EXPECT_EQ(array->writable(), nullptr);
  EXPECT_FALSE(info.raw.has_value());
  EXPECT_EQ(array->path(), "memory.npy");
  EXPECT_EQ(info.format, "B2ND");
  EXPECT_EQ(info.dtype_text, "<u2");
  EXPECT_EQ(info.chunk, (AxisVector{4, 4}));
  EXPECT_EQ(info.block, (AxisVector{2, 4}));
  EXPECT_TRUE(info.packing.has_value());
  EXPECT_EQ(array->chunked()->Details().chunk_count, 4);
  EXPECT_EQ(array->chunked()->Details().blocks_per_chunk, 2);
}

TEST_F(B2ndFileTest, ReadsASliceOfAnArrayThatNoMemoryHolds) {
  // 2^60 bytes in 4 chunks of zeros: nothing may depend on the size of the whole.
  FrameParts parts;
  parts.shape = {4, int64_t{1} << 27, 1};
  parts.chunk_shape = {1, int64_t{1} << 27, 1};
  parts.block_shape = {1, int64_t{1} << 20, 1};
  parts.chunk_bytes = int64_t{1} << 28;
  parts.block_bytes = int64_t{1} << 21;
  parts.offsets = std::vector<int64_t>(4, SpecialOffset(1));
  const auto array = Open(Kind::kInMemory, FrameBytes(parts));
  ASSERT_NE(array, nullptr);
  uint16_t to[4] = {9, 9, 9, 9};
  ASSERT_THAT(array->Read(0, {{3, (1 << 27) - 4, 0}, {4, 1 << 27, 1}}, {to, {8, 2, 2}}), IsOk());
  EXPECT_THAT(to, ::testing::Each(0));
}

TEST_F(B2ndFileTest, FailsToReadWhatWasCutOffSince) {
  const auto array = Open(Kind::kMapped, FrameBytes(SmallFrame()));
  ASSERT_NE(array, nullptr);
  ASSERT_EQ(truncate(Path().c_str(), 100), 0);
  uint16_t to = 0;
  EXPECT_THAT(array->Read(0, {{5, 7}, {6, 8}}, {&to, {2, 2}}),
              FailsWith(StatusCode::kCorrupt, "it shrank while open"));
}

}  // namespace
}  // namespace ndarray
