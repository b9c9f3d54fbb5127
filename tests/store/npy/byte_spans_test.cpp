#include "driver/store/npy/byte_spans.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "tests/support/array_conformance.h"
#include "tests/support/status_matchers.h"
#include "tests/support/strided_buffer.h"

namespace ndarray {
namespace {

using testing::Counts;
using testing::FailsWith;
using testing::ForEachIndex;
using testing::IsOk;
using testing::Product;
using testing::Random;
using testing::RandomBox;
using testing::RandomInt;
using testing::WholeBox;

RawLayout LayoutOf(const AxisVector& shape, int64_t element_bytes, bool fortran,
                   uint64_t offset_bytes = 100) {
  RawLayout layout{offset_bytes, AxisVector(shape.size()), {}};
  int64_t stride = element_bytes;
  for (int i = 0; i < shape.size(); ++i) {
    const int axis = fortran ? i : shape.size() - 1 - i;
    layout.strides_bytes[axis] = stride;
    stride *= shape[axis];
  }
  return layout;
}

uint64_t OffsetOf(const RawLayout& layout, const AxisVector& start, const AxisVector& index) {
  uint64_t offset = layout.offset_bytes;
  for (int axis = 0; axis < start.size(); ++axis) {
    offset += static_cast<uint64_t>((start[axis] + index[axis]) * layout.strides_bytes[axis]);
  }
  return offset;
}

std::vector<uint64_t> ElementOffsets(const RawLayout& layout, const Box& box) {
  std::vector<uint64_t> offsets;
  ForEachIndex(Counts(box), [&](const AxisVector& index) {
    offsets.push_back(OffsetOf(layout, box.start, index));
  });
  std::sort(offsets.begin(), offsets.end());
  return offsets;
}

std::vector<Span> SpansOf(const RawLayout& layout, int64_t element_bytes, const Box& box,
                          const SpanLimits& limits) {
  std::vector<Span> spans;
  EXPECT_THAT(ForEachSpan(layout, element_bytes, box, limits,
                          [&](const Span& span) {
                            spans.push_back(span);
                            return Status();
                          }),
              IsOk());
  return spans;
}

// One span, seen byte by byte.
void ExpectTrue(const Span& span, const RawLayout& layout, int64_t element_bytes,
                const SpanLimits& limits) {
  const auto size = static_cast<uint64_t>(element_bytes);
  const std::vector<uint64_t> offsets = ElementOffsets(layout, span.box);
  ASSERT_EQ(span.offset_bytes, offsets.front());
  ASSERT_EQ(span.size_bytes, offsets.back() + size - offsets.front());
  uint64_t widest_gap = 0;
  for (size_t i = 1; i < offsets.size(); ++i) {
    widest_gap = std::max(widest_gap, offsets[i] - offsets[i - 1] - size);
  }
  EXPECT_EQ(span.dense, widest_gap == 0);
  EXPECT_LE(widest_gap, limits.max_gap_bytes);
  EXPECT_TRUE(span.size_bytes <= limits.max_size_bytes || offsets.size() == 1) << span.size_bytes;
}

void ExpectSpansHoldBox(const RawLayout& layout, int64_t element_bytes, const Box& box,
                        const SpanLimits& limits) {
  std::vector<uint64_t> held;
  uint64_t end = 0;
  for (const Span& span : SpansOf(layout, element_bytes, box, limits)) {
    ExpectTrue(span, layout, element_bytes, limits);
    EXPECT_GE(span.offset_bytes, end) << "spans are not in file order";
    end = span.offset_bytes + span.size_bytes;
    const std::vector<uint64_t> offsets = ElementOffsets(layout, span.box);
    held.insert(held.end(), offsets.begin(), offsets.end());
  }
  std::sort(held.begin(), held.end());
  EXPECT_TRUE(held == ElementOffsets(layout, box)) << "not each element once";
}

TEST(ByteSpans, HoldEachElementOnceInFileOrder) {
  Random random(1);
  for (int i = 0; i < 1500 && !::testing::Test::HasFailure(); ++i) {
    AxisVector shape;
    const int64_t axes = RandomInt(random, 1, 5);
    for (int64_t axis = 0; axis < axes; ++axis) {
      shape.push_back(RandomInt(random, 0, 3) == 0 ? 1 : RandomInt(random, 1, 9));
    }
    const int64_t field_bytes = int64_t{1} << RandomInt(random, 0, 4);
    // Half of the arrays are records, of which one field is wanted.
    const int64_t record_bytes = field_bytes + RandomInt(random, 0, 1) * RandomInt(random, 1, 20);
    const RawLayout layout = LayoutOf(shape, record_bytes, RandomInt(random, 0, 1) == 0);
    const SpanLimits limits = {static_cast<uint64_t>(RandomInt(random, 1, 800)),
                               static_cast<uint64_t>(RandomInt(random, 0, 60))};
    const Box box = RandomInt(random, 0, 4) == 0 ? WholeBox(shape) : RandomBox(shape, random);
    SCOPED_TRACE(::testing::PrintToString(box) + " of " + ShapeString(shape));
    ExpectSpansHoldBox(layout, field_bytes, box, limits);
  }
}

TEST(ByteSpans, AreOneForAWholeArray) {
  for (const bool fortran : {false, true}) {
    const AxisVector shape = {5, 6, 7};
    const std::vector<Span> spans =
        SpansOf(LayoutOf(shape, 4, fortran), 4, WholeBox(shape), {UINT64_MAX, 0});
    ASSERT_EQ(spans.size(), 1u);
    EXPECT_TRUE(spans[0].dense);
    EXPECT_EQ(spans[0].size_bytes, 840u);
  }
}

TEST(ByteSpans, AreOneForEachRowOfAWindowWithWideGaps) {
  const AxisVector shape = {50, 1000};
  const Box box = {{10, 100}, {20, 164}};
  const std::vector<Span> spans = SpansOf(LayoutOf(shape, 2, false), 2, box, {1 << 20, 100});
  ASSERT_EQ(spans.size(), 10u);
  for (const Span& span : spans) {
    EXPECT_TRUE(span.dense);
    EXPECT_EQ(span.size_bytes, 128u);
  }
}

TEST(ByteSpans, JoinRowsOverNarrowGaps) {
  const AxisVector shape = {50, 100};
  const Box box = {{10, 0}, {20, 90}};
  const std::vector<Span> spans = SpansOf(LayoutOf(shape, 2, false), 2, box, {1 << 20, 20});
  ASSERT_EQ(spans.size(), 1u);
  EXPECT_FALSE(spans[0].dense);
  EXPECT_EQ(SpansOf(LayoutOf(shape, 2, false), 2, box, {1 << 20, 19}).size(), 10u);
}

// One row of bytes: as many steps of one byte as there are numbers would fit into such a span.
TEST(ByteSpans, EndWhereNoLimitIsSet) {
  for (const int64_t stride : {1, 2, 3}) {
    const AxisVector shape = {3, 70000};
    const Box row = {{1, 0}, {2, 70000}};
    const auto spans = SpansOf(LayoutOf(shape, stride, false), 1, row, {UINT64_MAX, 1 << 20});
    ASSERT_EQ(spans.size(), 1u);
    EXPECT_EQ(spans[0].size_bytes, static_cast<uint64_t>(stride) * 69999 + 1);
  }
}

TEST(ByteSpans, AreRightAtTheEndOfTheLargestArray) {
  const AxisVector shape = {INT64_MAX / 1024, 1024};
  const Box box = {{shape[0] - 3, 1000}, {shape[0], 1024}};
  for (const uint64_t most : {uint64_t{1}, uint64_t{4} << 20, UINT64_MAX}) {
    ExpectSpansHoldBox(LayoutOf(shape, 1, false, 0), 1, box, {most, 0});
    ExpectSpansHoldBox(LayoutOf(shape, 1, false, 0), 1, box, {most, UINT64_MAX});
  }
}

TEST(ByteSpans, CutLongRunsBySize) {
  const AxisVector shape = {10, 1000};
  const auto spans = SpansOf(LayoutOf(shape, 4, false), 4, WholeBox(shape), {10000, 0});
  ASSERT_EQ(spans.size(), 5u);
  for (const Span& span : spans) EXPECT_EQ(span.size_bytes, 8000u);
}

TEST(ByteSpans, StopAtTheFirstFailure) {
  const AxisVector shape = {4, 4};
  int calls = 0;
  const Status status =
      ForEachSpan(LayoutOf(shape, 2, false), 2, WholeBox(shape), {2, 0}, [&](const Span&) {
        return ++calls < 3 ? Status() : Status(StatusCode::kIo, "disk on fire");
      });
  EXPECT_THAT(status, FailsWith(StatusCode::kIo, "disk on fire"));
  EXPECT_EQ(calls, 3);
}

}  // namespace
}  // namespace ndarray
