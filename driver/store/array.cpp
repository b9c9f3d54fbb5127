#include "driver/store/array.h"

#include "driver/store/checked_math.h"

namespace ndarray {

std::string ShapeString(const AxisVector& shape) {
  std::string text = "(";
  for (int axis = 0; axis < shape.size(); ++axis) {
    if (axis > 0) text += ", ";
    text += std::to_string(shape[axis]);
  }
  return text + (shape.size() == 1 ? ",)" : ")");
}

std::optional<int64_t> CheckedProduct(const AxisVector& shape) {
  std::optional<int64_t> product = 1;
  for (const int64_t count : shape) {
    product = CheckedMultiply(*product, count);
    if (!product) return std::nullopt;
  }
  return product;
}

}  // namespace ndarray
