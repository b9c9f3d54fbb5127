// Boxes of positions in a grid: half-open, of elements, blocks or chunks.
#ifndef GDAL_NDARRAY_STORE_BOX_H_
#define GDAL_NDARRAY_STORE_BOX_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>

#include "driver/store/array.h"

namespace ndarray {

AxisVector Counts(const Box& box);

// May be empty: axes whose stop is not after their start.
Box Intersection(const Box& a, const Box& b);

bool IsEmpty(const Box& box);

// 0 for an empty box. REQUIRES: the product fits
int64_t ElementsIn(const Box& box);

// The bytes from the first element of `from` to that of `to` in memory of these strides.
int64_t OffsetOf(const AxisVector& strides_bytes, const Box& from, const Box& to);

// The view of the element at to.start, where `view` is of the one at from.start.
template <typename View>
View Shifted(View view, const Box& from, const Box& to) {
  using Byte = std::conditional_t<std::is_const_v<std::remove_pointer_t<decltype(view.data)>>,
                                  const std::byte, std::byte>;
  view.data = static_cast<Byte*>(view.data) + OffsetOf(view.strides_bytes, from, to);
  return view;
}

// Strides of elements in C order, without gaps. REQUIRES: their product with the shape fits
AxisVector CStrides(const AxisVector& shape, int64_t element_bytes);

// The number in C order of a position in a grid, and back.
int64_t GridIndex(const AxisVector& grid, const AxisVector& position);
AxisVector GridPosition(const AxisVector& grid, int64_t index);

// "[0:2, 5:9]", as NumPy slices an array.
std::string SliceText(const Box& box);

// Steps to the next position of a box in C order; false after the last one.
bool Advance(const Box& box, AxisVector& position);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_BOX_H_
