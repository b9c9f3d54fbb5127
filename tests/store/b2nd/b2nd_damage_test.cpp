// .b2nd files that are cut off, changed or made up: refused with a reason, or read as what they
// say, and never beyond any memory.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "driver/store/b2nd/b2nd_array.h"
#include "tests/support/b2nd_files.h"
#include "tests/support/frame_bytes.h"
#include "tests/support/mapped_bytes.h"
#include "tests/support/memory_file.h"
#include "tests/support/small_box.h"
#include "tests/support/status_matchers.h"

namespace ndarray {
namespace {

using testing::FailsWith;
using testing::FrameBytes;
using testing::FrameParts;
using testing::IsOk;
using testing::Little;
using testing::MappedBytes;
using testing::MemoryFile;
using testing::SmallBox;
using testing::SmallFrame;

void ExpectReasonedFailure(const Status& status) {
  EXPECT_EQ(status.message().rfind("memory.npy: ", 0), 0u) << status.message();
  EXPECT_TRUE(status.code() == StatusCode::kCorrupt || status.code() == StatusCode::kNotSupported)
      << status.message();
}

// Opens and reads; whatever is returned is right in size, and all memory around it untouched.
Status ReadAll(const std::string& bytes, bool mapped) {
  const std::shared_ptr<ByteFile> file =
      mapped ? std::shared_ptr<ByteFile>(std::make_shared<MappedBytes>(bytes))
             : std::make_shared<MemoryFile>(bytes);
  const auto array = OpenB2ndArray(file, 1);
  if (!array.ok()) return array.status();
  Status status;
  for (size_t field = 0; field < std::min<size_t>((*array)->info().fields.size(), 3); ++field) {
    for (const bool at_end : {false, true}) {
      const Box box = SmallBox((*array)->info().shape, at_end);
      testing::StridedBuffer buffer(testing::Counts(box),
                                    (*array)->info().fields[field].dtype.size_bytes());
      const Status read = (*array)->Read(field, box, buffer.view());
      EXPECT_TRUE(buffer.GuardsUntouched());
      if (!read.ok()) status = read;
    }
  }
  return status;
}

// Reads both kinds of files. Returns how many of the two failed.
int ExpectReadsOrFailsCleanly(const std::string& bytes) {
  int failures = 0;
  for (const bool mapped : {false, true}) {
    const Status status = ReadAll(bytes, mapped);
    if (status.ok()) continue;
    ExpectReasonedFailure(status);
    ++failures;
  }
  return failures;
}

// Files of every kind of chunk, small enough to damage each of their bytes.
std::vector<std::string> GoodFiles() {
  std::vector<std::string> files;
  for (const auto style : {testing::ChunkStyle::kStored, testing::ChunkStyle::kOfBlocks}) {
    FrameParts parts = SmallFrame(style);
    parts.vlmetalayers = {{"crs", testing::StoredChunk("\xa9"
                                                       "EPSG:4326",
                                                       10, 1)}};
    parts.chunks[1] = testing::RepeatedChunk("\x07\x01", 32, 16);
    parts.offsets = {0, static_cast<int64_t>(parts.chunks[0].size()), testing::SpecialOffset(1),
                     static_cast<int64_t>(parts.chunks[0].size() + parts.chunks[1].size() +
                                          parts.chunks[2].size())};
    files.push_back(FrameBytes(parts));
  }
  testing::ReferenceArray ramp{{ScalarType::kUInt16, ByteOrder::kLittle}, {24, 32}, ""};
  for (uint64_t i = 0; i < 24 * 32; ++i) ramp.elements += Little(i / 5, 2);
  testing::B2ndOptions options;
  options.chunk_shape = {16, 20};
  options.block_shape = {6, 20};
  for (const int compressor : {BLOSC_BLOSCLZ, BLOSC_LZ4, BLOSC_ZLIB, BLOSC_ZSTD}) {
    options.compressor = compressor;
    options.level = 5;
    files.push_back(B2ndBytes(ramp, options));
  }
  options.filters = {{BLOSC_DELTA, 0}, {BLOSC_SHUFFLE, 0}};
  files.push_back(B2ndBytes(ramp, options));
  options.filters = {{BLOSC_SHUFFLE, 0}, {35, 0}};  // BYTEDELTA
  options.vlmetalayers = {{"gdal",
                           "\x81\xa1"
                           "a\x01"}};
  files.push_back(B2ndBytes(ramp, options));
  return files;
}

TEST(DamagedB2nd, IsCorruptWhenCutAtAnyByte) {
  for (const std::string& file : GoodFiles()) {
    ASSERT_EQ(ExpectReadsOrFailsCleanly(file), 0);
    for (size_t size = 0; size < file.size(); ++size) {
      for (const bool mapped : {false, true}) {
        const Status status = ReadAll(file.substr(0, size), mapped);
        ASSERT_EQ(status.code(), StatusCode::kCorrupt) << size << " " << status.message();
        ExpectReasonedFailure(status);
      }
    }
  }
}

TEST(DamagedB2nd, ReadsOrFailsCleanlyWithAnyBitFlipped) {
  for (const auto style : {testing::ChunkStyle::kStored, testing::ChunkStyle::kOfBlocks}) {
    const std::string file = FrameBytes(SmallFrame(style));
    for (size_t at = 0; at < file.size(); ++at) {
      for (int bit = 0; bit < 8; ++bit) {
        std::string flipped = file;
        flipped[at] = static_cast<char>(flipped[at] ^ (1 << bit));
        ExpectReadsOrFailsCleanly(flipped);
      }
    }
  }
}

TEST(DamagedB2nd, ReadsOrFailsCleanlyWithAnyByteReplaced) {
  for (const std::string& file : GoodFiles()) {
    for (size_t at = 0; at < file.size(); ++at) {
      for (const char byte : {'\0', '\x7F', '\xFF', static_cast<char>(file[at] ^ 1)}) {
        std::string changed = file;
        changed[at] = byte;
        ExpectReadsOrFailsCleanly(changed);
      }
    }
  }
}

TEST(DamagedB2nd, ReadsOrFailsCleanlyWithAnyFourBytesReplaced) {
  for (const std::string& file : GoodFiles()) {
    for (size_t at = 0; at + 4 <= file.size(); ++at) {
      for (const uint64_t number : {uint64_t{0x7FFFFFFF}, uint64_t{0xFFFFFFFF}}) {
        ExpectReadsOrFailsCleanly(std::string(file).replace(at, 4, Little(number, 4)));
      }
    }
  }
}

TEST(DamagedB2nd, ReadsOrFailsCleanlyWithAnyByteMissingOrTwice) {
  for (const std::string& file : GoodFiles()) {
    for (size_t at = 0; at < file.size(); ++at) {
      ExpectReadsOrFailsCleanly(std::string(file).erase(at, 1));
      ExpectReadsOrFailsCleanly(std::string(file).insert(at, 1, file[at]));
    }
  }
}

// Around powers of two.
std::vector<uint64_t> Sizes(int bits) {
  std::vector<uint64_t> sizes = {0, 1, 2, 3};
  for (int k = 2; k < bits; ++k) {
    for (const uint64_t offset : {uint64_t{0} - 1, uint64_t{0}, uint64_t{1}}) {
      sizes.push_back((uint64_t{1} << k) + offset);
    }
  }
  sizes.push_back(~uint64_t{0});
  return sizes;
}

TEST(DamagedB2nd, ReadsOrFailsCleanlyWithAnySizeInTheHeader) {
  for (const std::string& file : GoodFiles()) {
    for (const size_t at : {11u, 48u, 53u, 58u}) {
      for (const uint64_t size : Sizes(32)) {
        ExpectReadsOrFailsCleanly(std::string(file).replace(at, 4, testing::Big(size, 4)));
      }
    }
    for (const size_t at : {16u, 30u, 39u}) {
      for (const uint64_t size : Sizes(64)) {
        ExpectReadsOrFailsCleanly(std::string(file).replace(at, 8, testing::Big(size, 8)));
      }
    }
  }
}

// The numbers in a chunk's header and the starts of its blocks.
TEST(DamagedB2nd, ReadsOrFailsCleanlyWithAnyNumberInAChunk) {
  const FrameParts parts = SmallFrame();
  const size_t start = ChunkStart(parts, 2);
  const std::string frame = FrameBytes(parts);
  for (const size_t at :
       {testing::kChunkUncompressedAt, testing::kChunkBlockAt, testing::kChunkCompressedAt,
        testing::kChunkStartsAt, testing::kChunkStartsAt + 4, testing::kChunkStartsAt + 8}) {
    for (const uint64_t size : Sizes(32)) {
      ExpectReadsOrFailsCleanly(std::string(frame).replace(start + at, 4, Little(size, 4)));
    }
  }
}

// The last chunk, whose blocks have nothing but the index behind them.
TEST(DamagedB2nd, FailsOnBlocksThatStartOutsideTheirChunk) {
  const FrameParts good = SmallFrame();
  const auto chunk_bytes = static_cast<uint64_t>(good.chunks[3].size());
  for (const uint64_t start : {uint64_t{0x80000000}, uint64_t{0xFFFFFFFF}, uint64_t{0xFFFFFFFC},
                               chunk_bytes, chunk_bytes + 1, chunk_bytes - 3}) {
    FrameParts parts = good;
    parts.chunks[3].replace(testing::kChunkStartsAt, 4, Little(start, 4));
    EXPECT_EQ(ExpectReadsOrFailsCleanly(FrameBytes(parts)), 2) << start;
  }
}

TEST(DamagedB2nd, FailsOnStreamsThatEndOutsideTheirChunk) {
  const FrameParts good = SmallFrame();
  const size_t stream = testing::kChunkStartsAt + 8;  // the first block's
  for (const uint64_t size : {uint64_t{37}, uint64_t{1000}, uint64_t{0x7FFFFFFF}}) {
    FrameParts parts = good;
    parts.chunks[3].replace(stream, 4, Little(size, 4));
    EXPECT_EQ(ExpectReadsOrFailsCleanly(FrameBytes(parts)), 2) << size;
  }
}

TEST(DamagedB2nd, ReadsChunksThatOverlap) {
  FrameParts parts = SmallFrame();
  parts.offsets = {0, 0, 0, 0};
  EXPECT_EQ(ExpectReadsOrFailsCleanly(FrameBytes(parts)), 0);
  const auto end = static_cast<int64_t>(3 * parts.chunks[0].size());
  for (int64_t offset = 1; offset <= end + 1; ++offset) {
    parts.offsets = {offset, 0, end - offset + 1, 0};
    ExpectReadsOrFailsCleanly(FrameBytes(parts));
  }
}

TEST(DamagedB2nd, FailsWhereAChunkIsLongerThanWhatIsLeft) {
  FrameParts parts = SmallFrame();
  parts.chunks.back().pop_back();
  EXPECT_EQ(ExpectReadsOrFailsCleanly(FrameBytes(parts)), 2);
}

TEST(DamagedB2nd, TakesNoTimeOrMemoryForClaims) {
  struct Claim {
    AxisVector shape, chunks, blocks;
    int64_t chunk_bytes;
  };
  for (const auto& [shape, chunks, blocks, chunk_bytes] : std::vector<Claim>{
           {{int64_t{1} << 31, 1}, {1, 1}, {1, 1}, 2},                    // 2^31 chunks
           {{int64_t{1} << 31, int64_t{1} << 31}, {1, 1}, {1, 1}, 2},     // 2^62
           {{int64_t{1} << 26, 1}, {1, 1}, {1, 1}, 2},                    // as many as are read
           {{1, int64_t{1} << 30}, {1, 1 << 29}, {1, 1}, 1 << 30},        // 2^29 blocks each
           {{1, int64_t{1} << 30}, {1, 1 << 29}, {1, 1 << 29}, 1 << 30},  // of 1 GiB
       }) {
    SCOPED_TRACE(ShapeString(shape));
    FrameParts parts = SmallFrame();
    parts.shape = shape;
    parts.chunk_shape = chunks;
    parts.block_shape = blocks;
    parts.chunk_bytes = chunk_bytes;
    const int64_t count = shape[0] / chunks[0] * (shape[1] / chunks[1]);
    parts.uncompressed_bytes = count <= INT64_MAX / chunk_bytes ? count * chunk_bytes : INT64_MAX;
    // All that the file has to say of its chunks.
    for (const bool right_size : {false, true}) {
      testing::ChunkFields fields;
      fields.uncompressed_bytes = right_size ? 8 * std::min<int64_t>(count, INT32_MAX / 8) : 8;
      parts.offsets_chunk = ChunkHeader(fields);
      EXPECT_EQ(ExpectReadsOrFailsCleanly(FrameBytes(parts)), 2);
    }
    // Chunks whose header is right but for what should follow it.
    parts.offsets.assign(static_cast<size_t>(std::min<int64_t>(count, 4)), 0);
    parts.offsets_chunk.reset();
    testing::ChunkFields fields;
    fields.uncompressed_bytes = chunk_bytes;
    fields.block_bytes = 2 * testing::Product(blocks);
    fields.compressed_bytes = 40;
    parts.chunks = {ChunkHeader(fields) + std::string(8, '\0')};
    EXPECT_EQ(ExpectReadsOrFailsCleanly(FrameBytes(parts)), 2);
  }
}

TEST(DamagedB2nd, FailsOnNansOfOtherSizes) {
  FrameParts parts = SmallFrame();
  parts.offsets = std::vector<int64_t>(4, testing::SpecialOffset(2));
  for (const bool mapped : {false, true}) {
    EXPECT_THAT(ReadAll(FrameBytes(parts), mapped),
                FailsWith(StatusCode::kCorrupt, "NaN elements: found 2 bytes, wanted 4 or 8"));
  }
}

TEST(DamagedB2nd, FailsOnRepeatedValuesOfOtherSizes) {
  for (const std::string value : {"a", "abcd"}) {
    FrameParts parts = SmallFrame();
    parts.chunks[0] = testing::RepeatedChunk(value, 32, 16);
    for (const bool mapped : {false, true}) {
      EXPECT_THAT(ReadAll(FrameBytes(parts), mapped),
                  FailsWith(StatusCode::kCorrupt, "chunk 0 at byte 165: repeated value: found " +
                                                      std::to_string(value.size()) + " bytes"));
    }
  }
}

// Blocks of another size than the metalayer says: read as a whole, where the chunk is right.
TEST(DamagedB2nd, ReadsChunksOfOtherBlocks) {
  FrameParts parts = SmallFrame();
  parts.chunks[2] = testing::ChunkOfBlocks(std::string(32, 'x'), 7);
  EXPECT_EQ(ExpectReadsOrFailsCleanly(FrameBytes(parts)), 0);
}

}  // namespace
}  // namespace ndarray
