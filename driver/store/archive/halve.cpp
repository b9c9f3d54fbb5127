#include "driver/store/archive/halve.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstring>
#include <limits>
#include <type_traits>

#include "driver/store/box.h"
#include "driver/store/dtype/half.h"

namespace ndarray {
namespace {

struct Half {
  uint16_t bits;
};
inline float Value(Half half) { return HalfToFloat(half.bits); }
template <typename T>
T Value(T value) {
  return value;
}

template <typename T>
constexpr bool kIsComplex =
    std::is_same_v<T, std::complex<float>> || std::is_same_v<T, std::complex<double>>;
template <typename T>
constexpr bool kIsReal = std::is_floating_point_v<T> || std::is_same_v<T, Half>;

// Two lines of pixels, or the last one alone, and the line that they become.
struct Lines {
  const std::byte* from[2];
  const std::byte* mask[2];               // nullptr: all are valid
  int count;                              // of lines
  int64_t from_step, mask_step, to_step;  // bytes between neighbours along x
  int64_t from_pixels;                    // of each line, from where the first result begins
  std::byte* to;
  int64_t to_pixels;
  const std::byte* nodata;  // nullptr: none
};

template <typename T>
T Load(const std::byte* from) {
  T value;
  std::memcpy(&value, from, sizeof(T));
  return value;
}

template <typename T>
bool IsNoData(T value, const T* nodata) {
  if constexpr (kIsComplex<T>) {
    return false;
  } else if constexpr (kIsReal<T>) {
    return std::isnan(Value(value)) || (nodata != nullptr && Value(value) == Value(*nodata));
  } else {
    return nodata != nullptr && value == *nodata;
  }
}

template <typename T>
bool AreEqual(T a, T b) {
  if constexpr (std::is_same_v<T, Half>)
    return a.bits == b.bits;
  else
    return a == b;
}

// Exact for every integer type: none is wide enough for the sum of four of 64 bits.
template <typename T>
T IntegerMean(const T* values, int count) {
  const auto n = static_cast<T>(count);
  T whole = 0;
  int rest = 0;
  for (int i = 0; i < count; ++i) {
    T quotient = static_cast<T>(values[i] / n);
    auto remainder = static_cast<int>(values[i] % n);
    if (remainder < 0) {
      remainder += count;
      quotient = static_cast<T>(quotient - 1);
    }
    whole = static_cast<T>(whole + quotient);
    rest += remainder;
  }
  return static_cast<T>(whole + static_cast<T>((2 * rest + count) / (2 * count)));
}

double RealMean(const double* values, int count) {
  double sum = 0;
  for (int i = 0; i < count; ++i) sum += values[i];
  if (std::isfinite(sum)) return sum / count;
  double mean = 0;  // of numbers so large that their sum is none
  for (int i = 0; i < count; ++i) mean += values[i] / count;
  return mean;
}

template <typename T>
T Mean(const T* values, int count) {
  if constexpr (kIsComplex<T>) {
    std::complex<double> sum = 0;
    for (int i = 0; i < count; ++i) sum += std::complex<double>(values[i]);
    return static_cast<T>(sum / static_cast<double>(count));
  } else if constexpr (kIsReal<T>) {
    double numbers[4] = {};
    for (int i = 0; i < count; ++i) numbers[i] = static_cast<double>(Value(values[i]));
    const double mean = RealMean(numbers, count);
    if constexpr (std::is_same_v<T, Half>)
      return Half{FloatToHalf(static_cast<float>(mean))};
    else
      return static_cast<T>(mean);
  } else {
    return IntegerMean(values, count);
  }
}

// The number next to one.
template <typename T>
T Next(T value) {
  if constexpr (std::is_same_v<T, Half>) {
    return Half{static_cast<uint16_t>(value.bits == 0x8000u ? 1 : value.bits ^ 1)};
  } else if constexpr (std::is_floating_point_v<T>) {
    return std::nextafter(value, value < 0 ? T(0) : std::numeric_limits<T>::infinity());
  } else if constexpr (kIsComplex<T>) {
    return value;
  } else {
    return static_cast<T>(value == std::numeric_limits<T>::max() ? value - 1 : value + 1);
  }
}

// Of at most four.
template <typename T>
T Mode(const T* values, int count) {
  count = std::min(count, 4);  // newer versions of GCC take it for more, and warn
  int best = 0;
  int best_votes = 0;
  for (int i = 0; i < count; ++i) {
    int votes = 0;
    for (int j = i; j < count; ++j) votes += AreEqual(values[i], values[j]) ? 1 : 0;
    if (votes <= best_votes) continue;
    best = i;
    best_votes = votes;
  }
  return values[best];
}

// The pixel number i of the result, whatever there is of its four.
template <typename T>
T MakePixel(const Lines& lines, Resampling resampling, const T* nodata, int64_t i) {
  T all[4] = {};
  T valid[4] = {};
  int count = 0;
  int valid_count = 0;
  const T* fallback = nullptr;  // of a pixel that only its value makes no number
  const int64_t columns = std::min<int64_t>(2, lines.from_pixels - 2 * i);
  for (int line = 0; line < lines.count; ++line) {
    for (int64_t column = 2 * i; column < 2 * i + columns; ++column) {
      T& value = all[count++];
      value = Load<T>(lines.from[line] + column * lines.from_step);
      if (lines.mask[0] != nullptr && lines.mask[line][column * lines.mask_step] == std::byte{0}) {
        continue;
      }
      fallback = &value;
      if (!IsNoData(value, nodata)) valid[valid_count++] = value;
    }
  }
  if (valid_count == 0) {
    if (nodata != nullptr) return *nodata;
    return fallback != nullptr ? *fallback : all[0];
  }
  if (resampling == Resampling::kMode) return Mode(valid, valid_count);
  const T mean = Mean(valid, valid_count);
  return nodata != nullptr && IsNoData(mean, nodata) ? Next(mean) : mean;
}

// The mean of four valid pixels; false where one of them is not. Integers of up to 32 bits and
// floats: what nearly all pixels are.
template <typename T, bool kHasNoData>
bool FourMean(T a, T b, T c, T d, const T& nodata, T& mean) {
  if constexpr (std::is_integral_v<T> && sizeof(T) <= 4) {
    if (kHasNoData && ((a == nodata) | (b == nodata) | (c == nodata) | (d == nodata))) return false;
    using Sum = std::conditional_t<sizeof(T) <= 2, int32_t,
                                   std::conditional_t<std::is_signed_v<T>, int64_t, uint64_t>>;
    mean = static_cast<T>((static_cast<Sum>(a) + static_cast<Sum>(b) + static_cast<Sum>(c) +
                           static_cast<Sum>(d) + 2) >>
                          2);
    return !kHasNoData || mean != nodata;
  } else if constexpr (std::is_floating_point_v<T>) {
    if (kHasNoData && ((a == nodata) | (b == nodata) | (c == nodata) | (d == nodata))) return false;
    const double sum = static_cast<double>(a) + static_cast<double>(b) + static_cast<double>(c) +
                       static_cast<double>(d);
    mean = static_cast<T>(sum * 0.25);
    return std::isfinite(sum) && (!kHasNoData || mean != nodata);
  } else {
    return false;
  }
}

// `step`: elements between neighbours. A constant where it is 1, so that the compiler makes
// vectors.
template <typename T, bool kHasNoData, bool kDense>
void AverageFours(const Lines& lines, const T* nodata, int64_t count) {
  const auto* const first = reinterpret_cast<const T*>(lines.from[0]);
  const auto* const second = reinterpret_cast<const T*>(lines.from[1]);
  auto* const to = reinterpret_cast<T*>(lines.to);
  const auto size = static_cast<int64_t>(sizeof(T));
  const int64_t step = kDense ? 1 : lines.from_step / size;
  const int64_t to_step = kDense ? 1 : lines.to_step / size;
  const T none = kHasNoData ? *nodata : T();
  for (int64_t i = 0; i < count; ++i) {
    const int64_t at = 2 * i * step;
    T& mean = to[i * to_step];
    if (!FourMean<T, kHasNoData>(first[at], first[at + step], second[at], second[at + step], none,
                                 mean)) {
      mean = MakePixel(lines, Resampling::kAverage, nodata, i);
    }
  }
}

// The same of neighbours of one or two bytes without nodata values: two are loaded as one number,
// which the compiler makes vectors of.
template <typename T>
void AveragePairs(const Lines& lines, int64_t count) {
  using Pair = std::conditional_t<sizeof(T) == 1, uint16_t, uint32_t>;
  using Sum = std::conditional_t<std::is_signed_v<T>,
                                 std::conditional_t<sizeof(T) == 1, int16_t, int32_t>, Pair>;
  constexpr int kBits = 8 * sizeof(T);
  const auto sum = [](const std::byte* from, int64_t i) {
    const auto pair = Load<Pair>(from + i * static_cast<int64_t>(sizeof(Pair)));
    const auto first = static_cast<T>(pair & ((Pair{1} << kBits) - 1));
    const auto second = static_cast<T>(pair >> kBits);
    return static_cast<Sum>(static_cast<Sum>(first) + static_cast<Sum>(second));
  };
  auto* const to = reinterpret_cast<T*>(lines.to);
  for (int64_t i = 0; i < count; ++i) {
    to[i] = static_cast<T>(
        static_cast<Sum>(sum(lines.from[0], i) + sum(lines.from[1], i) + Sum{2}) >> 2);
  }
}

template <typename T>
void AverageLines(const Lines& lines, const T* nodata, int64_t count) {
  const bool dense = lines.from_step == sizeof(T) && lines.to_step == sizeof(T);
  if constexpr (std::is_integral_v<T> && sizeof(T) <= 2) {
    if (dense && nodata == nullptr) return AveragePairs<T>(lines, count);
  }
  const auto average = nodata != nullptr
                           ? (dense ? AverageFours<T, true, true> : AverageFours<T, true, false>)
                           : (dense ? AverageFours<T, false, true> : AverageFours<T, false, false>);
  average(lines, nodata, count);
}

template <typename T>
void HalveLines(const Lines& lines, Resampling resampling) {
  const T none = lines.nodata != nullptr ? Load<T>(lines.nodata) : T();
  const T* const nodata = lines.nodata != nullptr ? &none : nullptr;
  int64_t done = 0;
  if (resampling == Resampling::kNearest) {
    for (; done < lines.to_pixels; ++done) {
      std::memcpy(lines.to + done * lines.to_step, lines.from[0] + 2 * done * lines.from_step,
                  sizeof(T));
    }
  } else if (resampling == Resampling::kAverage && lines.count == 2 && lines.mask[0] == nullptr) {
    done = std::min(lines.to_pixels, lines.from_pixels / 2);
    AverageLines(lines, nodata, done);
  }
  for (; done < lines.to_pixels; ++done) {
    const T value = MakePixel(lines, resampling, nodata, done);
    std::memcpy(lines.to + done * lines.to_step, &value, sizeof(T));
  }
}

void HalveMaskLines(const Lines& lines, Resampling) {
  for (int64_t i = 0; i < lines.to_pixels; ++i) {
    std::byte any{0};
    const int64_t end = std::min(2 * i + 2, lines.from_pixels);
    for (int line = 0; line < lines.count; ++line) {
      for (int64_t x = 2 * i; x < end; ++x) any |= lines.from[line][x * lines.from_step];
    }
    lines.to[i * lines.to_step] = any;
  }
}

using LineKernel = void (*)(const Lines&, Resampling);

LineKernel KernelOf(const Halving& halving) {
  if (halving.resampling == Resampling::kAnyValid) return HalveMaskLines;
  switch (halving.type) {
    case ScalarType::kBool:
    case ScalarType::kUInt8:
      return HalveLines<uint8_t>;
    case ScalarType::kInt8:
      return HalveLines<int8_t>;
    case ScalarType::kInt16:
      return HalveLines<int16_t>;
    case ScalarType::kInt32:
      return HalveLines<int32_t>;
    case ScalarType::kInt64:
      return HalveLines<int64_t>;
    case ScalarType::kUInt16:
      return HalveLines<uint16_t>;
    case ScalarType::kUInt32:
      return HalveLines<uint32_t>;
    case ScalarType::kUInt64:
      return HalveLines<uint64_t>;
    case ScalarType::kFloat16:
      return HalveLines<Half>;
    case ScalarType::kFloat32:
      return HalveLines<float>;
    case ScalarType::kFloat64:
      return HalveLines<double>;
    case ScalarType::kComplex64:
      return HalveLines<std::complex<float>>;
    case ScalarType::kComplex128:
      return HalveLines<std::complex<double>>;
  }
  return HalveLines<uint8_t>;
}

}  // namespace

Box HalvedBox(const Halving& halving, const Box& fine) {
  Box box = fine;
  for (const int axis : {halving.y, halving.x}) {
    if (axis < 0) continue;
    box.start[axis] /= 2;
    box.stop[axis] = (box.stop[axis] + 1) / 2;
  }
  return box;
}

AxisVector HalvedShape(const Halving& halving, const AxisVector& shape) {
  return HalvedBox(halving, {AxisVector(shape.size(), 0), shape}).stop;
}

void Halve(const Halving& halving, const Box& fine, const ConstStridedView& from,
           const ConstStridedView& mask, const Box& coarse, const StridedView& to) {
  const int x = halving.x;
  const int y = halving.y;
  const LineKernel kernel = KernelOf(halving);
  Lines lines = {};
  lines.from_step = from.strides_bytes[x];
  lines.to_step = to.strides_bytes[x];
  lines.to_pixels = coarse.count(x);
  lines.from_pixels = fine.stop[x] - 2 * coarse.start[x];
  if (mask.data != nullptr) lines.mask_step = mask.strides_bytes[x];
  Box rows = coarse;
  rows.stop[x] = rows.start[x] + 1;
  AxisVector position = rows.start;
  do {
    Box at{position, position};
    at.start[x] *= 2;
    if (y >= 0) at.start[y] *= 2;
    lines.count = y >= 0 && at.start[y] + 1 < fine.stop[y] ? 2 : 1;
    const auto line = [&](const ConstStridedView& view, int number) {
      const auto* const first = static_cast<const std::byte*>(Shifted(view, fine, at).data);
      return number == 0 || lines.count == 1 ? first : first + view.strides_bytes[y];
    };
    for (const int number : {0, 1}) {
      lines.from[number] = line(from, number);
      lines.mask[number] = mask.data != nullptr ? line(mask, number) : nullptr;
    }
    lines.to = static_cast<std::byte*>(Shifted(to, coarse, {position, position}).data);
    const size_t band = halving.band >= 0 ? static_cast<size_t>(position[halving.band]) : 0;
    const bool has_nodata = band < halving.nodata.size() && !halving.nodata[band].empty();
    lines.nodata =
        has_nodata ? reinterpret_cast<const std::byte*>(halving.nodata[band].data()) : nullptr;
    kernel(lines, halving.resampling);
  } while (Advance(rows, position));
}

}  // namespace ndarray
