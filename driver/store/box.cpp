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

int64_t GridIndex(const AxisVector& grid, const AxisVector& position) {
  int64_t index = 0;
  for (int axis = 0; axis < grid.size(); ++axis) index = index * grid[axis] + position[axis];
  return index;
}

AxisVector GridPosition(const AxisVector& grid, int64_t index) {
  AxisVector position(grid.size());
  for (int axis = grid.size() - 1; axis >= 0; --axis) {
    position[axis] = index % grid[axis];
    index /= grid[axis];
  }
  return position;
}

bool Advance(const Box& box, AxisVector& position) {
  for (int axis = position.size() - 1; axis >= 0; --axis) {
    if (++position[axis] < box.stop[axis]) return true;
    position[axis] = box.start[axis];
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

std::string SliceText(const Box& box) {
  std::string text;
  for (int axis = 0; axis < box.start.size(); ++axis) {
    text += (axis == 0 ? "" : ", ") + std::to_string(box.start[axis]) + ":" +
            std::to_string(box.stop[axis]);
  }
  return "[" + text + "]";
}

}  // namespace ndarray
