// What a .npy asks the system for where it is not in memory.
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "driver/store/npy/cold_pieces.h"
#include "driver/store/npy/npy_array.h"
#include "tests/support/array_conformance.h"
#include "tests/support/mapped_bytes.h"
#include "tests/support/npy_files.h"
#include "tests/support/status_matchers.h"

namespace ndarray {
namespace {

using testing::HeaderText;
using testing::IsOk;
using testing::MappedBytes;
using testing::NpyBytes;
using testing::Random;
using testing::ReferenceArray;
using testing::StridedBuffer;

constexpr DType kByte{ScalarType::kUInt8, ByteOrder::kLittle};

class ColdNpy : public ::testing::Test {
 protected:
  ColdNpy() : reference_(ReferenceArray::OfRandom(kByte, {200, 40000}, random_)) {
    file_ = std::make_shared<MappedBytes>(
        NpyBytes(1, HeaderText("'|u1'", "(200, 40000)"), reference_.elements));
    start_ = file_->size_bytes() - reference_.elements.size();
    auto array = OpenNpyArray(file_, 1);
    EXPECT_THAT(array, IsOk());
    array_ = *array;
  }

  void ExpectWindow(const Box& box) const {
    StridedBuffer buffer(testing::Counts(box), 1);
    ASSERT_THAT(array_->Read(0, box, buffer.view()), IsOk());
    EXPECT_TRUE(buffer.Elements() == reference_.ElementsOf(box));
  }

  Random random_{1};
  const ReferenceArray reference_;
  std::shared_ptr<MappedBytes> file_;
  uint64_t start_ = 0;  // of the elements
  std::shared_ptr<Array> array_;
};

TEST_F(ColdNpy, AsksForAllRowsOfAWindowAtOnce) {
  file_->set_resident(false);
  ExpectWindow({{10, 300}, {13, 400}});
  ASSERT_EQ(file_->advised().size(), 3u);
  for (uint64_t row = 0; row < 3; ++row) {
    EXPECT_EQ(file_->advised()[row].offset_bytes, start_ + (10 + row) * 40000 + 300);
    EXPECT_EQ(file_->advised()[row].size_bytes, 100u);
  }
}

TEST_F(ColdNpy, AsksForNothingThatIsInMemory) {
  ExpectWindow({{10, 300}, {13, 400}});
  EXPECT_GT(file_->looks(), 0u);
  EXPECT_TRUE(file_->advised().empty());
}

// The system reads ahead of it by itself.
TEST_F(ColdNpy, LeavesWholeRowsToTheSystem) {
  file_->set_resident(false);
  ExpectWindow({{10, 0}, {13, 40000}});
  ExpectWindow({{20, 7}, {21, 800}});
  EXPECT_TRUE(file_->advised().empty());
}

TEST(ColdPieces, AreBoundedAndCoverTheBox) {
  const AxisVector shape = {3, 3000, 5000};
  const RawLayout layout{128, {3000 * 5000 * 2, 5000 * 2, 2}, {}};
  for (const Box& box : {Box{{0, 0, 0}, shape}, Box{{0, 100, 7}, {3, 2900, 9}},
                         Box{{1, 5, 5}, {2, 6, 6}}, Box{{0, 0, 100}, {3, 3000, 4900}}}) {
    int64_t elements = 0;
    for (const Box& piece : ColdPieces(layout, 2, box)) {
      EXPECT_LE(DiskBytes(layout, 2, piece), kMaxAheadBytes);
      std::vector<FileRange> ranges;
      AddRanges(layout, 2, piece, ranges);
      uint64_t bytes = 0;
      for (const FileRange& range : ranges) bytes += range.stop - range.start;
      EXPECT_LE(bytes, kMaxAheadBytes);
      elements += piece.count(0) * piece.count(1) * piece.count(2);
    }
    EXPECT_EQ(elements, box.count(0) * box.count(1) * box.count(2));
  }
}

// Of a sparse file there may be terabytes.
TEST(ColdPieces, AreNoMoreThanAreAskedFor) {
  const RawLayout layout{128, {int64_t{1} << 40, 1}, {}};
  const Box box = {{0, 0}, {int64_t{1} << 20, int64_t{1} << 40}};
  EXPECT_EQ(ColdPieces(layout, 1, box, 4).size(), 4u);
}

}  // namespace
}  // namespace ndarray
