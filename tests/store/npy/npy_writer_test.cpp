#include "driver/store/npy/npy_writer.h"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "driver/store/box.h"
#include "driver/store/npy/npy_array.h"
#include "tests/support/array_conformance.h"
#include "tests/support/memory_file.h"
#include "tests/support/status_matchers.h"

namespace ndarray {
namespace {

using testing::FailsWith;
using testing::IsOk;
using testing::MemoryFile;

// Records what is asked of an OutputFile.
class Output final : public OutputFile {
 public:
  Output() : OutputFile("out.npy") {}

  Status Resize(uint64_t size_bytes) override {
    bytes.resize(size_bytes);
    return {};
  }
  Status Reserve(uint64_t size_bytes) override {
    reserved = size_bytes;
    return {};
  }
  Status WriteAt(uint64_t offset_bytes, const void* from, size_t size_bytes) override {
    ++writes;
    bytes.replace(offset_bytes, size_bytes, static_cast<const char*>(from), size_bytes);
    return {};
  }
  Status Commit() override { return {}; }

  std::string bytes;
  uint64_t reserved = 0;
  int writes = 0;
};

TEST(NpyWriter, MakesAnArrayOfZerosThatOpens) {
  for (const DType& dtype : testing::AllDTypes()) {
    Output output;
    const auto writer = NpyWriter::Start(output, PlainElement(dtype), {3, 5}, Contents::kElements);
    ASSERT_THAT(writer, IsOk());
    const uint64_t offset = (*writer)->data_offset_bytes();
    EXPECT_EQ(offset % 4096, 0u) << "elements do not start a page";
    EXPECT_EQ(output.bytes.size(), offset + 15 * dtype.size_bytes());
    EXPECT_EQ(output.reserved, output.bytes.size());
    const auto array = OpenNpyArray(std::make_shared<MemoryFile>(output.bytes), 1);
    ASSERT_THAT(array, IsOk());
    EXPECT_EQ((*array)->info().shape, (AxisVector{3, 5}));
    EXPECT_EQ(output.bytes.substr(offset), std::string(15 * dtype.size_bytes(), '\0'));
  }
  Output output;
  for (const AxisVector& shape :
       {AxisVector{INT64_MAX}, AxisVector{INT64_MAX / 2}, AxisVector{1 << 30, 1 << 30, 8}}) {
    EXPECT_THAT(NpyWriter::Start(output, PlainElement({ScalarType::kUInt16, kNativeOrder}), shape,
                                 Contents::kZeros),
                FailsWith(StatusCode::kInvalidArgument, "out.npy: shape"));
    EXPECT_TRUE(output.bytes.empty());
  }
  ElementType dict;
  dict.is_record = true;
  dict.literal = dict.text = "{'names': ['a'], ...}";
  EXPECT_THAT(NpyWriter::Start(output, dict, {2}, Contents::kZeros),
              FailsWith(StatusCode::kInvalidArgument, "out.npy: dtype"));
}

constexpr DType kUInt16{ScalarType::kUInt16, kNativeOrder};

// 4 x 5 x 6 numbers in the file's order.
std::vector<uint16_t> Numbers() {
  std::vector<uint16_t> numbers(4 * 5 * 6);
  std::iota(numbers.begin(), numbers.end(), uint16_t{0});
  return numbers;
}

// Writes the boxes out of memory of these strides; the elements of the file.
std::vector<uint16_t> Written(const std::vector<Box>& boxes, const std::vector<uint16_t>& memory,
                              const AxisVector& strides) {
  Output output;
  const auto writer = NpyWriter::Start(output, PlainElement(kUInt16), {4, 5, 6}, Contents::kZeros);
  EXPECT_THAT(writer, IsOk());
  const Box whole{AxisVector(3, 0), {4, 5, 6}};
  for (const Box& box : boxes) {
    const ConstStridedView from{memory.data(), strides};
    EXPECT_THAT((*writer)->Write(box, Shifted(from, whole, box)), IsOk());
  }
  EXPECT_THAT((*writer)->Finish(), IsOk());
  std::vector<uint16_t> elements(4 * 5 * 6);
  std::memcpy(elements.data(), output.bytes.data() + (*writer)->data_offset_bytes(),
              2 * elements.size());
  return elements;
}

TEST(NpyWriter, WritesBoxesWhereTheyBelong) {
  for (const int axis : {0, 1, 2}) {
    Box first{AxisVector(3, 0), {4, 5, 6}};
    Box second = first;
    first.stop[axis] = second.start[axis] = 2;
    EXPECT_EQ(Written({second, first}, Numbers(), {60, 12, 2}), Numbers());
  }
  Box one{{1, 2, 3}, {2, 3, 4}};
  std::vector<uint16_t> expected(4 * 5 * 6);
  expected[30 + 12 + 3] = Numbers()[30 + 12 + 3];
  EXPECT_EQ(Written({one}, Numbers(), {60, 12, 2}), expected);
}

TEST(NpyWriter, TakesMemoryOfAnyStrides) {
  std::vector<uint16_t> transposed(4 * 5 * 6);
  for (size_t i = 0; i < transposed.size(); ++i) {
    transposed[i % 6 * 20 + i / 6 % 5 * 4 + i / 30] = static_cast<uint16_t>(i);
  }
  const Box whole{AxisVector(3, 0), {4, 5, 6}};
  EXPECT_EQ(Written({whole}, transposed, {2, 8, 40}), Numbers());
}

TEST(NpyWriter, WritesWholeLinesAtOnce) {
  Output output;
  const auto writer = NpyWriter::Start(output, PlainElement(kUInt16), {4, 5, 6}, Contents::kZeros);
  ASSERT_THAT(writer, IsOk());
  const std::vector<uint16_t> numbers = Numbers();
  output.writes = 0;
  ASSERT_THAT((*writer)->Write({{1, 0, 0}, {3, 5, 6}}, {numbers.data(), {60, 12, 2}}), IsOk());
  EXPECT_EQ(output.writes, 1);
  ASSERT_THAT((*writer)->Write({{0, 1, 0}, {1, 3, 6}}, {numbers.data(), {60, 12, 2}}), IsOk());
  EXPECT_EQ(output.writes, 2);
}

}  // namespace
}  // namespace ndarray
