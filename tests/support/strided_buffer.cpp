#include "tests/support/strided_buffer.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace ndarray {

void PrintTo(const AxisVector& axes, std::ostream* out) { *out << ShapeString(axes); }

void PrintTo(const Box& box, std::ostream* out) {
  *out << ShapeString(box.start) << " to " << ShapeString(box.stop);
}

namespace testing {
namespace {

constexpr size_t kGuardBytes = 64;

char GuardByte(size_t i) { return static_cast<char>(i * 37 + 11); }

}  // namespace

int64_t RandomInt(Random& random, int64_t low, int64_t high) {
  return std::uniform_int_distribution<int64_t>(low, high)(random);
}

std::string RandomBytes(Random& random, size_t size_bytes) {
  std::string bytes(size_bytes, '\0');
  uint32_t word = 0;
  for (size_t i = 0; i < size_bytes; ++i) {
    word = i % 4 == 0 ? static_cast<uint32_t>(random()) : word >> 8;
    bytes[i] = static_cast<char>(word & 0xFF);
  }
  return bytes;
}

std::vector<DType> AllDTypes() {
  std::vector<DType> dtypes;
  for (int type = 0; type <= static_cast<int>(ScalarType::kComplex128); ++type) {
    for (const ByteOrder order : {ByteOrder::kLittle, ByteOrder::kBig}) {
      dtypes.push_back({static_cast<ScalarType>(type), order});
    }
  }
  return dtypes;
}

std::string DTypeName(const DType& dtype) {
  return TypeString(dtype).substr(1) + (dtype.order == ByteOrder::kBig ? "_big" : "_little");
}

AxisVector Counts(const Box& box) {
  AxisVector counts;
  for (int axis = 0; axis < box.start.size(); ++axis) counts.push_back(box.count(axis));
  return counts;
}

int64_t Product(const AxisVector& counts) {
  int64_t product = 1;
  for (const int64_t count : counts) product *= count;
  return product;
}

std::string SwapBytes(std::string elements, const DType& dtype) {
  const bool is_complex =
      dtype.type == ScalarType::kComplex64 || dtype.type == ScalarType::kComplex128;
  const size_t unit = dtype.size_bytes() / (is_complex ? 2 : 1);
  for (size_t i = 0; i + unit <= elements.size(); i += unit) {
    std::reverse(elements.data() + i, elements.data() + i + unit);
  }
  return elements;
}

StridedBuffer::StridedBuffer(const AxisVector& counts, size_t element_bytes)
    : counts_(counts), element_bytes_(element_bytes), strides_bytes_(counts.size()) {
  auto stride = static_cast<int64_t>(element_bytes);
  for (int axis = counts.size() - 1; axis >= 0; --axis) {
    strides_bytes_[axis] = stride;
    stride *= counts[axis];
  }
  Allocate(static_cast<size_t>(stride));
}

StridedBuffer::StridedBuffer(const AxisVector& counts, size_t element_bytes, Random& random)
    : counts_(counts), element_bytes_(element_bytes), strides_bytes_(counts.size()) {
  std::vector<int> axes;
  for (int axis = counts.size() - 1; axis >= 0; --axis) axes.push_back(axis);
  if (RandomInt(random, 0, 1) == 0) std::shuffle(axes.begin(), axes.end(), random);

  auto stride = static_cast<int64_t>(element_bytes);
  size_t start = 0;
  for (const int axis : axes) {
    // Most gaps are none, whole elements or odd numbers of bytes: elements need no alignment.
    const int64_t kind = RandomInt(random, 0, 5);
    if (kind == 0) stride += static_cast<int64_t>(element_bytes) * RandomInt(random, 1, 3);
    if (kind == 1) stride += RandomInt(random, 1, 9);
    const bool backwards = RandomInt(random, 0, 3) == 0;
    strides_bytes_[axis] = backwards ? -stride : stride;
    if (backwards) start += static_cast<size_t>(stride * (counts[axis] - 1));
    stride *= counts[axis];
  }
  Allocate(static_cast<size_t>(stride));
  start_ += start;
}

void StridedBuffer::Allocate(size_t extent_bytes) {
  start_ = kGuardBytes;
  bytes_.resize(kGuardBytes + extent_bytes + kGuardBytes);
  for (size_t i = 0; i < bytes_.size(); ++i) bytes_[i] = GuardByte(i);
}

size_t StridedBuffer::OffsetOf(const AxisVector& index) const {
  auto offset = static_cast<int64_t>(start_);
  for (int axis = 0; axis < index.size(); ++axis) offset += index[axis] * strides_bytes_[axis];
  return static_cast<size_t>(offset);
}

std::string StridedBuffer::Elements() const {
  std::string elements;
  ForEachIndex(counts_, [&](const AxisVector& index) {
    elements.append(bytes_.data() + OffsetOf(index), element_bytes_);
  });
  return elements;
}

void StridedBuffer::SetElements(std::string_view elements) {
  size_t at = 0;
  ForEachIndex(counts_, [&](const AxisVector& index) {
    std::memcpy(bytes_.data() + OffsetOf(index), elements.data() + at, element_bytes_);
    at += element_bytes_;
  });
}

bool StridedBuffer::GuardsUntouched() const {
  const size_t extent_bytes = bytes_.size() - 2 * kGuardBytes;
  for (size_t i = 0; i < kGuardBytes; ++i) {
    const size_t behind = kGuardBytes + extent_bytes + i;
    if (bytes_[i] != GuardByte(i) || bytes_[behind] != GuardByte(behind)) return false;
  }
  const bool has_gaps = static_cast<size_t>(Product(counts_)) * element_bytes_ != extent_bytes;
  if (!has_gaps) return true;
  std::vector<bool> is_element(bytes_.size(), false);
  ForEachIndex(counts_, [&](const AxisVector& index) {
    const size_t offset = OffsetOf(index);
    for (size_t i = 0; i < element_bytes_; ++i) is_element[offset + i] = true;
  });
  for (size_t i = 0; i < bytes_.size(); ++i) {
    if (!is_element[i] && bytes_[i] != GuardByte(i)) return false;
  }
  return true;
}

}  // namespace testing
}  // namespace ndarray
