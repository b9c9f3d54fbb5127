// Half precision: IEEE 754 binary16, 1 sign bit, 5 of the exponent (bias 15) and 10 of the
// fraction.
#ifndef GDAL_NDARRAY_STORE_DTYPE_HALF_H_
#define GDAL_NDARRAY_STORE_DTYPE_HALF_H_

#include <cstdint>
#include <cstring>

namespace ndarray {

template <typename To, typename From>
To BitCast(From from) {
  static_assert(sizeof(To) == sizeof(From));
  To to;
  std::memcpy(&to, &from, sizeof(to));
  return to;
}

inline float HalfToFloat(uint16_t half) {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000u) << 16;
  const uint32_t magnitude = static_cast<uint32_t>(half & 0x7FFFu) << 13;
  constexpr uint32_t kInfinity = 0x7C00u << 13;
  if (magnitude >= kInfinity) return BitCast<float>(sign | magnitude | 0x7F800000u);
  // Read as a float, the bits are the value times 2^-112; multiplying mends subnormals, too.
  return BitCast<float>(sign | BitCast<uint32_t>(BitCast<float>(magnitude) * 0x1p112f));
}

inline uint16_t FloatToHalf(float value) {
  const auto bits = BitCast<uint32_t>(value);
  const auto sign = static_cast<uint16_t>((bits >> 16) & 0x8000u);
  const uint32_t magnitude = bits & 0x7FFFFFFFu;
  const auto half = [sign](uint32_t rest) { return static_cast<uint16_t>(sign | rest); };
  if (magnitude > 0x7F800000u) return half(0x7E00u | ((magnitude >> 13) & 0x3FFu));  // NaN
  if (magnitude >= 0x477FF000u) return half(0x7C00u);  // 65520 and more round to infinity
  if (magnitude < 0x38800000u) {
    // Subnormal: adding 0.5 lets the processor round the fraction to units of 2^-24.
    return half(BitCast<uint32_t>(BitCast<float>(magnitude) + 0.5f) - 0x3F000000u);
  }
  const uint32_t odd = (magnitude >> 13) & 1u;  // ties go to even
  return half((magnitude - 0x38000000u + 0xFFFu + odd) >> 13);
}

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_DTYPE_HALF_H_
