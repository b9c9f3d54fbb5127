// What a .b2nd asks the system for where it is not in memory.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>

#include "driver/store/b2nd/b2nd_array.h"
#include "tests/support/array_conformance.h"
#include "tests/support/b2nd_files.h"
#include "tests/support/mapped_bytes.h"
#include "tests/support/status_matchers.h"

namespace ndarray {
namespace {

using namespace testing;  // NOLINT

constexpr DType kU16{ScalarType::kUInt16, ByteOrder::kLittle};

// Random elements: chunks of 128 KB and blocks of 8 KB, which compression does not make smaller.
class ColdBlocks : public ::testing::Test {
 protected:
  ColdBlocks() : reference_(ReferenceArray::OfRandom(kU16, {1024, 1024}, random_)) {
    for (size_t i = 1; i < reference_.elements.size(); i += 8) reference_.elements[i] = 0;
    B2ndOptions options;
    options.chunk_shape = {256, 256};
    options.block_shape = {64, 64};
    options.compressor = BLOSC_LZ4;
    file_ = std::make_shared<MappedBytes>(B2ndBytes(reference_, options));
    auto array = OpenB2ndArray(file_, 1);
    EXPECT_THAT(array, IsOk());
    array_ = *array;
  }

  void ExpectWindow(const Box& box) const {
    StridedBuffer buffer(testing::Counts(box), 2);
    ASSERT_THAT(array_->Read(0, box, buffer.view()), IsOk());
    EXPECT_TRUE(buffer.Elements() == reference_.ElementsOf(box));
  }

  uint64_t AskedBytes() const {
    uint64_t bytes = 0;
    for (const ByteRange& range : file_->advised()) {
      EXPECT_LE(range.offset_bytes + range.size_bytes, file_->size_bytes());
      bytes += range.size_bytes;
    }
    return bytes;
  }

  Random random_{1};
  ReferenceArray reference_;
  std::shared_ptr<MappedBytes> file_;
  std::shared_ptr<Array> array_;
};

TEST_F(ColdBlocks, AreAskedForAtOnceAndNoOthers) {
  file_->set_resident(false);
  ExpectWindow({{320, 320}, {384, 384}});  // one block
  EXPECT_EQ(file_->advised().size(), 2u);  // the starts of the chunk's blocks, the block
  EXPECT_GT(AskedBytes(), uint64_t{4} << 10);
  EXPECT_LT(AskedBytes(), uint64_t{9} << 10);
}

TEST_F(ColdBlocks, OfSeveralChunksAreAskedForAtOnce) {
  file_->set_resident(false);
  ExpectWindow({{200, 200}, {320, 320}});  // four blocks in four chunks
  EXPECT_GE(file_->advised().size(), 6u);
  EXPECT_LE(file_->advised().size(), 8u);
  EXPECT_LT(AskedBytes(), uint64_t{40} << 10);
}

TEST_F(ColdBlocks, AreAskedForOnlyWhereTheyAreNotInMemory) {
  ExpectWindow({{200, 200}, {320, 320}});
  EXPECT_GT(file_->looks(), 0u);
  EXPECT_TRUE(file_->advised().empty());
}

TEST_F(ColdBlocks, OfTheWholeArrayAreAskedForOnce) {
  file_->set_resident(false);
  ExpectWindow(WholeBox(reference_.shape));
  EXPECT_LT(AskedBytes(), file_->size_bytes() + (uint64_t{16} << 10));
  EXPECT_GT(AskedBytes(), file_->size_bytes() * 9 / 10);
}

}  // namespace
}  // namespace ndarray
