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

Status WritableArray::TakeChunks(const Array& /*from*/, const Box& /*box*/) {
  return Mismatch(StatusCode::kNotSupported, "layout", info().format, "one of chunks").At(path());
}

Status WritableArray::CheckTakes(const Array& from, const Box& box) const {
  const ArrayInfo& own = info();
  const ArrayInfo& other = from.info();
  if (from.chunked() == nullptr || other.format != own.format ||
      other.dtype_text != own.dtype_text || !(other.shape == own.shape) ||
      !(other.chunk == own.chunk) || !(other.block == own.block)) {
    return Mismatch(StatusCode::kInvalidArgument, "array of " + from.path(),
                    "another shape, type or chunks", "those of " + path());
  }
  for (int axis = 0; axis < own.shape.size(); ++axis) {
    const int64_t step = own.chunk[axis];
    if (box.start[axis] % step != 0 ||
        (box.stop[axis] % step != 0 && box.stop[axis] != own.shape[axis])) {
      return Mismatch(StatusCode::kInvalidArgument, "window",
                      ShapeString(box.start) + " to " + ShapeString(box.stop),
                      "whole chunks of " + ShapeString(own.chunk))
          .At(path());
    }
  }
  return {};
}

}  // namespace ndarray
