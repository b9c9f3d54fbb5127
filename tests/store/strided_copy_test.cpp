#include "driver/store/strided_copy.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/strided_buffer.h"

namespace ndarray {
namespace {

using testing::AllDTypes;
using testing::DTypeName;
using testing::Product;
using testing::Random;
using testing::RandomBytes;
using testing::RandomInt;
using testing::StridedBuffer;
using testing::SwapBytes;

// Copies random elements between two buffers and compares with the loop that is too simple to be
// wrong.
void ExpectCopies(const DType& dtype, const AxisVector& counts, StridedBuffer from,
                  StridedBuffer to, int threads, Random& random) {
  const size_t size_bytes = static_cast<size_t>(Product(counts)) * dtype.size_bytes();
  const std::string elements = RandomBytes(random, size_bytes);
  from.SetElements(elements);
  StridedCopy(dtype, counts, from.const_view(), to.view(), threads);
  const bool equal = to.Elements() == (dtype.swapped() ? SwapBytes(elements, dtype) : elements);
  EXPECT_TRUE(equal) << DTypeName(dtype) << " " << ::testing::PrintToString(counts) << ", from "
                     << ::testing::PrintToString(from.view().strides_bytes) << " to "
                     << ::testing::PrintToString(to.view().strides_bytes);
  EXPECT_TRUE(to.GuardsUntouched()) << DTypeName(dtype) << ::testing::PrintToString(counts);
  EXPECT_TRUE(from.GuardsUntouched());
}

StridedBuffer AnyBuffer(const DType& dtype, const AxisVector& counts, Random& random) {
  return RandomInt(random, 0, 3) == 0 ? StridedBuffer(counts, dtype.size_bytes())
                                      : StridedBuffer(counts, dtype.size_bytes(), random);
}

void ExpectCopiesBetweenAnyBuffers(const DType& dtype, const AxisVector& counts, int threads,
                                   Random& random) {
  ExpectCopies(dtype, counts, AnyBuffer(dtype, counts, random), AnyBuffer(dtype, counts, random),
               threads, random);
}

AxisVector RandomCounts(Random& random, int max_axes, int64_t max_elements) {
  AxisVector counts;
  const auto axes = RandomInt(random, 0, max_axes);
  for (int64_t i = 0; i < axes; ++i) {
    // One element is the most special count there is.
    const int64_t most = std::max<int64_t>(max_elements / Product(counts), 1);
    counts.push_back(
        RandomInt(random, 0, 3) == 0 ? 1 : RandomInt(random, 1, std::min<int64_t>(most, 90)));
  }
  return counts;
}

class StridedCopyOfDType : public ::testing::TestWithParam<DType> {};

TEST_P(StridedCopyOfDType, EqualsElementByElement) {
  Random random(1);
  for (int i = 0; i < 300 && !HasFailure(); ++i) {
    const AxisVector counts = RandomCounts(random, 5, 3000);
    ExpectCopiesBetweenAnyBuffers(GetParam(), counts, i % 2 == 0 ? 1 : 4, random);
  }
}

TEST_P(StridedCopyOfDType, EqualsElementByElementWithSeveralThreads) {
  Random random(2);
  const auto element_bytes = static_cast<int64_t>(GetParam().size_bytes());
  const int64_t elements = (int64_t{5} << 19) / element_bytes;
  const size_t size = GetParam().size_bytes();
  const AxisVector line = {elements};
  ExpectCopies(GetParam(), line, StridedBuffer(line, size), StridedBuffer(line, size), 4, random);
  for (const AxisVector& counts :
       {AxisVector{elements / 700, 7, 100}, AxisVector{elements / 2, 2}}) {
    ExpectCopies(GetParam(), counts, StridedBuffer(counts, size),
                 StridedBuffer(counts, size, random), 4, random);
  }
}

INSTANTIATE_TEST_SUITE_P(AllDTypes, StridedCopyOfDType, ::testing::ValuesIn(AllDTypes()),
                         [](const auto& test) { return DTypeName(test.param); });

// The sizes at which a copy goes to one more thread, and one element to either side.
TEST(StridedCopy, IsRightAroundTheParallelThreshold) {
  Random random(3);
  const DType dtype{ScalarType::kUInt16, ByteOrder::kBig};
  for (const int64_t mebibytes : {1, 2, 3}) {
    for (const int64_t delta : {-1, 0, 1}) {
      const AxisVector counts = {(mebibytes << 19) + delta};
      const StridedBuffer buffer(counts, 2);
      for (const int threads : {0, 1, 2, 4}) {
        ExpectCopies(dtype, counts, buffer, buffer, threads, random);
      }
    }
  }
}

TEST(StridedCopy, TransposesLargeImages) {
  Random random(4);
  for (const ScalarType type : {ScalarType::kUInt8, ScalarType::kFloat32}) {
    for (const ByteOrder order : {ByteOrder::kLittle, ByteOrder::kBig}) {
      const DType dtype{type, order};
      const AxisVector counts = {701, 3, 1009};
      for (int i = 0; i < 2; ++i) {
        const StridedBuffer packed(counts, dtype.size_bytes());
        ExpectCopies(dtype, counts, packed, StridedBuffer(counts, dtype.size_bytes(), random), 4,
                     random);
      }
    }
  }
}

TEST(StridedCopy, CopiesOneElementWithoutAxes) {
  Random random(5);
  for (const DType& dtype : AllDTypes()) {
    ExpectCopiesBetweenAnyBuffers(dtype, {}, 4, random);
  }
}

TEST(StridedCopy, CopiesSixtyFourAxes) {
  Random random(6);
  for (const DType& dtype : AllDTypes()) {
    AxisVector counts(kMaxAxes, 1);
    for (const int axis : {0, 5, 6, 31, 40, 62, 63}) counts[axis] = 2;
    ExpectCopiesBetweenAnyBuffers(dtype, counts, 1, random);
  }
}

TEST(StridedCopy, JoinsSixtyFourAxesAndTheHalvesOfComplexNumbers) {
  // As many axes as can be, none of them one that could be left out beforehand.
  Random random(7);
  const DType dtype{ScalarType::kComplex64, ByteOrder::kBig};
  AxisVector counts(kMaxAxes, 1);
  for (int axis = 0; axis < kMaxAxes; axis += 5) counts[axis] = 2;
  ExpectCopies(dtype, counts, StridedBuffer(counts, 8), StridedBuffer(counts, 8), 1, random);
}

// A constant row or pixel repeated: the source may stand still, the destination may not.
TEST(StridedCopy, RepeatsASourceOfStrideZero) {
  const uint16_t value = 0xABCD;
  std::vector<uint16_t> to(12);
  StridedCopy({ScalarType::kUInt16, kNativeOrder}, {3, 4}, {&value, {0, 0}}, {to.data(), {8, 2}},
              1);
  EXPECT_EQ(to, std::vector<uint16_t>(12, value));
}

}  // namespace
}  // namespace ndarray
