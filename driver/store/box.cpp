#include "driver/store/box.h"

#include <algorithm>

namespace ndarray {

AxisVector Counts(const Box& box) {
  AxisVector counts(box.start.size());
  for (int axis = 0; axis < counts.size(); ++axis) counts[axis] = box.count(axis);
  return counts;
}

AxisVector CStrides(const AxisVector& shape, int64_t element_bytes) {
  AxisVector strides(shape.size());
  for (int axis = shape.size() - 1; axis >= 0; --axis) {
    strides[axis] = element_bytes;
    element_bytes *= shape[axis];
  }
  return strides;
}

int64_t GridNumber(const AxisVector& grid, const AxisVector& place) {
  int64_t number = 0;
  for (int axis = 0; axis < grid.size(); ++axis) number = number * grid[axis] + place[axis];
  return number;
}

AxisVector GridPlace(const AxisVector& grid, int64_t number) {
  AxisVector place(grid.size());
  for (int axis = grid.size() - 1; axis >= 0; --axis) {
    place[axis] = number % grid[axis];
    number /= grid[axis];
  }
  return place;
}

bool Advance(const Box& box, AxisVector& place) {
  for (int axis = place.size() - 1; axis >= 0; --axis) {
    if (++place[axis] < box.stop[axis]) return true;
    place[axis] = box.start[axis];
  }
  return false;
}

int64_t OffsetOf(const AxisVector& strides_bytes, const Box& from, const Box& to) {
  int64_t offset = 0;
  for (int axis = 0; axis < strides_bytes.size(); ++axis) {
    offset += (to.start[axis] - from.start[axis]) * strides_bytes[axis];
  }
  return offset;
}

Box Intersection(const Box& a, const Box& b) {
  Box both = a;
  for (int axis = 0; axis < both.start.size(); ++axis) {
    both.start[axis] = std::max(a.start[axis], b.start[axis]);
    both.stop[axis] = std::min(a.stop[axis], b.stop[axis]);
  }
  return both;
}

bool IsEmpty(const Box& box) {
  for (int axis = 0; axis < box.start.size(); ++axis) {
    if (box.count(axis) <= 0) return true;
  }
  return false;
}

int64_t ElementsIn(const Box& box) {
  int64_t elements = 1;
  for (int axis = 0; axis < box.start.size(); ++axis) {
    elements *= std::max<int64_t>(box.count(axis), 0);
  }
  return elements;
}

}  // namespace ndarray
