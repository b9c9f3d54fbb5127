// Memory of any strides that knows which of its bytes must not be touched, and element-by-element
// loops over arrays that are too simple to be wrong.
#ifndef GDAL_NDARRAY_TESTS_SUPPORT_STRIDED_BUFFER_H_
#define GDAL_NDARRAY_TESTS_SUPPORT_STRIDED_BUFFER_H_

#include <cstddef>
#include <ostream>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "driver/store/array.h"
#include "driver/store/dtype/dtype.h"

namespace ndarray {

void PrintTo(const AxisVector& axes, std::ostream* out);
void PrintTo(const Box& box, std::ostream* out);

namespace testing {

using Random = std::mt19937;

// In [low, high].
int64_t RandomInt(Random& random, int64_t low, int64_t high);
std::string RandomBytes(Random& random, size_t size_bytes);

std::vector<DType> AllDTypes();             // every type in both byte orders
std::string DTypeName(const DType& dtype);  // "u2_big", fit for the name of a test

AxisVector Counts(const Box& box);
int64_t Product(const AxisVector& counts);

// Calls visit with each index of the shape, the last axis fastest.
template <typename Visit>
void ForEachIndex(const AxisVector& counts, const Visit& visit) {
  AxisVector index(counts.size(), 0);
  while (true) {
    visit(index);
    int axis = counts.size() - 1;
    while (axis >= 0 && ++index[axis] == counts[axis]) index[axis--] = 0;
    if (axis < 0) return;
  }
}

// The same bytes with those of each number reversed.
std::string SwapBytes(std::string elements, const DType& dtype);

// A block of memory for the elements of a box, with guard bytes around it and in every gap.
class StridedBuffer {
 public:
  // Elements in C order, nothing in between.
  StridedBuffer(const AxisVector& counts, size_t element_bytes);
  // Any order of axes, any sign of strides, gaps of any size.
  StridedBuffer(const AxisVector& counts, size_t element_bytes, Random& random);

  StridedView view() { return {bytes_.data() + start_, strides_bytes_}; }
  ConstStridedView const_view() const { return {bytes_.data() + start_, strides_bytes_}; }

  // All elements in C order.
  std::string Elements() const;
  void SetElements(std::string_view elements);

  // Whether all bytes that are no element's are as the constructor left them.
  bool GuardsUntouched() const;

 private:
  void Allocate(size_t extent_bytes);
  size_t OffsetOf(const AxisVector& index) const;

  AxisVector counts_;
  size_t element_bytes_;
  AxisVector strides_bytes_;
  size_t start_ = 0;  // of the element (0, 0, ...)
  std::vector<char> bytes_;
};

}  // namespace testing
}  // namespace ndarray

#endif  // GDAL_NDARRAY_TESTS_SUPPORT_STRIDED_BUFFER_H_
