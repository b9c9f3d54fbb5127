#include "driver/raster/create/copy_pixels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <vector>

#include "driver/store/box.h"
#include "tests/support/status_matchers.h"

namespace ndarray {
namespace {

using testing::FailsWith;
using testing::IsOk;

constexpr int64_t kMegabyte = int64_t{1} << 20;

// Keeps the elements (bytes), and which boxes they came in.
class MemoryWriter final : public ArrayWriter {
 public:
  MemoryWriter(const AxisVector& shape, const AxisVector& piece, bool appends_only = false)
      : elements(static_cast<size_t>(*CheckedProduct(shape))) {
    info_.shape = shape;
    info_.piece_shape = piece;
    info_.appends_only = appends_only;
  }

  const WriterInfo& info() const override { return info_; }

  Status Write(const Box& box, const ConstStridedView& from) override {
    if (!failure.ok()) return failure;
    boxes.push_back(box);
    const Box whole{AxisVector(info_.shape.size(), 0), info_.shape};
    const StridedView all{elements.data(), CStrides(info_.shape, 1)};
    AxisVector place = box.start;
    do {
      const Box at{place, place};
      std::memcpy(Shifted(all, whole, at).data, Shifted(from, box, at).data, 1);
    } while (Advance(box, place));
    return {};
  }

  Status Finish() override { return {}; }

  std::vector<uint8_t> elements;
  std::vector<Box> boxes;
  Status failure;

 private:
  WriterInfo info_;
};

uint8_t ValueAt(const AxisVector& place) {
  int64_t value = 0;
  for (const int64_t at : place) value = value * 31 + at;
  return static_cast<uint8_t>(value);
}

PixelSource Source() {
  PixelSource source;
  source.path = "source";
  source.read = [](const Box& box, const StridedView& to) {
    EXPECT_EQ(to.strides_bytes, CStrides(Counts(box), 1));
    auto* next = static_cast<uint8_t*>(to.data);
    AxisVector place = box.start;
    do {
      *next++ = ValueAt(place);
    } while (Advance(box, place));
    return Status();
  };
  return source;
}

void ExpectAll(const MemoryWriter& writer) {
  const Box whole{AxisVector(writer.info().shape.size(), 0), writer.info().shape};
  AxisVector place = whole.start;
  size_t different = 0;
  size_t i = 0;
  do {
    different += writer.elements[i++] != ValueAt(place) ? 1 : 0;
  } while (Advance(whole, place));
  EXPECT_EQ(different, 0u);
}

TEST(CopyPixels, WritesAllElementsInWholePieces) {
  MemoryWriter writer({3, 1100, 1300}, {1, 100, 64});
  double last = 0;
  ASSERT_THAT(CopyPixels(Source(), writer, "out",
                         [&](double done) {
                           EXPECT_GT(done, last);
                           last = done;
                           return true;
                         }),
              IsOk());
  ExpectAll(writer);
  EXPECT_EQ(last, 1.0);
  EXPECT_GT(writer.boxes.size(), 2u) << "reading and writing do not overlap";
  for (const Box& box : writer.boxes) {
    for (int axis = 0; axis < 3; ++axis) {
      const int64_t piece = writer.info().piece_shape[axis];
      EXPECT_EQ(box.start[axis] % piece, 0);
      EXPECT_TRUE(box.stop[axis] % piece == 0 || box.stop[axis] == writer.info().shape[axis]);
    }
    EXPECT_LE(ElementsIn(box), 2 * kMegabyte);
  }
}

TEST(CopyPixels, ReadsInTheOrderThatSuitsTheSource) {
  PixelSource source = Source();
  source.order = {1, 0, 2};
  source.unit = {3, 10, 1};
  MemoryWriter writer({3, 1100, 1300}, {1, 1, 1});
  ASSERT_THAT(CopyPixels(source, writer, "out", {}), IsOk());
  ExpectAll(writer);
  int64_t line = 0;
  for (const Box& box : writer.boxes) {
    EXPECT_EQ(box.count(0), 3);
    EXPECT_EQ(box.start[1], line);
    EXPECT_EQ(box.start[1] % 10, 0);
    line = box.stop[1];
  }
}

TEST(CopyPixels, FollowsTheFileWhereThatOnlyGrows) {
  PixelSource source = Source();
  source.order = {1, 0, 2};
  source.unit = {3, 10, 1};
  MemoryWriter writer({3, 1100, 1300}, {1, 1, 1}, true);
  ASSERT_THAT(CopyPixels(source, writer, "out", {}), IsOk());
  ExpectAll(writer);
  int64_t written = 0;
  for (const Box& box : writer.boxes) {
    EXPECT_EQ((box.start[0] * 1100 + box.start[1]) * 1300 + box.start[2], written);
    written += ElementsIn(box);
  }
}

TEST(CopyPixels, EndsWithTheFirstFailure) {
  MemoryWriter writer({4, 1000, 1000}, {1, 100, 100});
  EXPECT_THAT(CopyPixels(Source(), writer, "out", [](double) { return false; }),
              FailsWith(StatusCode::kCancelled, "out: interrupted"));
  EXPECT_LE(writer.boxes.size(), 1u);
  writer.failure = Status(StatusCode::kIo, "disk full");
  EXPECT_THAT(CopyPixels(Source(), writer, "out", {}), FailsWith(StatusCode::kIo, "disk full"));
  writer.failure = {};
  PixelSource source = Source();
  source.read = [](const Box&, const StridedView&) {
    return Status(StatusCode::kReported, "unreadable");
  };
  EXPECT_THAT(CopyPixels(source, writer, "out", {}),
              FailsWith(StatusCode::kReported, "unreadable"));
  source.read = [](const Box&, const StridedView&) -> Status {
    throw std::runtime_error("thrown");
  };
  EXPECT_THROW(static_cast<void>(CopyPixels(source, writer, "out", {})), std::runtime_error);
}

TEST(CopyPixels, RefusesUnitsThatMustBeWholeButTakeTooMuchMemory) {
  PixelSource source = Source();
  source.unit = {1, 1 << 20, 1 << 20};
  source.keep_units_whole = true;
  class Huge final : public ArrayWriter {
   public:
    Huge() {
      info_.shape = {2, 1 << 20, 1 << 20};
      info_.piece_shape = {1, 1, 1};
    }
    const WriterInfo& info() const override { return info_; }
    Status Write(const Box&, const ConstStridedView&) override { return {}; }
    Status Finish() override { return {}; }

   private:
    WriterInfo info_;
  } writer;
  EXPECT_THAT(CopyPixels(source, writer, "out", {}),
              FailsWith(StatusCode::kNotSupported, "source: (1, 1048576, 1048576) elements"));
}

}  // namespace
}  // namespace ndarray
