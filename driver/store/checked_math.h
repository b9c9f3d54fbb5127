// Arithmetic on numbers that a file supplied: an overflow is an absent result, never a wrapped one.
#ifndef GDAL_NDARRAY_STORE_CHECKED_MATH_H_
#define GDAL_NDARRAY_STORE_CHECKED_MATH_H_

#include <cstdint>
#include <optional>

namespace ndarray {

// REQUIRES: value >= 0, step >= 1
constexpr int64_t DivideUp(int64_t value, int64_t step) {
  return value / step + (value % step != 0 ? 1 : 0);
}

// The next multiple of `step`, which must fit. REQUIRES: as DivideUp
constexpr int64_t RoundUp(int64_t value, int64_t step) { return DivideUp(value, step) * step; }

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
