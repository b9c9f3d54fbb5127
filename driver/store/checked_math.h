// Arithmetic on numbers that a file supplied: an overflow is an absent result, never a wrapped one.
#ifndef GDAL_NDARRAY_STORE_CHECKED_MATH_H_
#define GDAL_NDARRAY_STORE_CHECKED_MATH_H_

#include <optional>

namespace ndarray {

template <typename T>
std::optional<T> CheckedAdd(T a, T b) {
  T result;
  if (__builtin_add_overflow(a, b, &result)) return std::nullopt;
  return result;
}

template <typename T>
std::optional<T> CheckedMultiply(T a, T b) {
  T result;
  if (__builtin_mul_overflow(a, b, &result)) return std::nullopt;
  return result;
}

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_CHECKED_MATH_H_
