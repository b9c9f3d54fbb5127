#include "tools/gdal_ndarray/convert/tiff_samples.h"

#include <tiffio.h>

#include <cstring>

namespace ndarray::tools {
namespace {

template <typename T>
T Load(const std::byte* from) {
  T value;
  std::memcpy(&value, from, sizeof(T));
  return value;
}

template <typename T>
void Store(T value, std::byte* to) {
  std::memcpy(to, &value, sizeof(T));
}

// 8 to 32 bits in memory that hold the whole numbers.
std::optional<ScalarType> RoomFor(int bits, bool is_signed) {
  if (bits == 0 || bits > 32) return std::nullopt;
  if (bits <= 8) return is_signed ? ScalarType::kInt8 : ScalarType::kUInt8;
  if (bits <= 16) return is_signed ? ScalarType::kInt16 : ScalarType::kUInt16;
  return is_signed ? ScalarType::kInt32 : ScalarType::kUInt32;
}

std::optional<SampleType> WholeNumber(int bits, bool is_signed) {
  if (bits == 64) return SampleType{is_signed ? ScalarType::kInt64 : ScalarType::kUInt64, true};
  const std::optional<ScalarType> type = RoomFor(bits, is_signed);
  if (!type) return std::nullopt;
  return SampleType{*type, bits == 8 || bits == 16 || bits == 32};
}

// A float's three bytes, in native order.
uint32_t Load24(const std::byte* from) {
  const auto byte = [from](int i) { return std::to_integer<uint32_t>(from[i]); };
  return kNativeOrder == ByteOrder::kLittle ? byte(0) | byte(1) << 8 | byte(2) << 16
                                            : byte(2) | byte(1) << 8 | byte(0) << 16;
}

// Of Adobe's technical note 3: a sign, 7 bits of exponent, 16 of fraction.
float FloatOf24(uint32_t bits) {
  const uint32_t sign = bits >> 23 << 31;
  const uint32_t exponent = bits >> 16 & 0x7F;
  const uint32_t fraction = bits & 0xFFFF;
  uint32_t result = sign;
  if (exponent == 0x7F) {
    result |= 0x7F800000 | fraction << 7;
  } else if (exponent != 0) {
    result |= (exponent + 127 - 63) << 23 | fraction << 7;
  } else if (fraction != 0) {  // fraction * 2^-78
    const float value = static_cast<float>(fraction) * 0x1p-78F;
    return sign != 0 ? -value : value;
  }
  return Load<float>(reinterpret_cast<const std::byte*>(&result));
}

// Whole numbers of `bits` that start anywhere in a byte.
class BitReader {
 public:
  BitReader(const std::byte* from, int bits) : from_(from), bits_(bits) {}

  uint32_t Next() {
    while (have_ < bits_) {
      held_ = held_ << 8 | std::to_integer<uint64_t>(*from_++);
      have_ += 8;
    }
    have_ -= bits_;
    return static_cast<uint32_t>(held_ >> have_ & ((uint64_t{1} << bits_) - 1));
  }

 private:
  const std::byte* from_;
  const int bits_;
  uint64_t held_ = 0;  // of which the lowest bits count
  int have_ = 0;       // at most 39
};

// The lowest `bits` as a number of the type, the highest of them its sign where the type has one.
template <typename T>
T Extended(uint32_t value, int bits) {
  if constexpr (std::is_signed_v<T>) {
    return static_cast<T>(static_cast<int32_t>(value << (32 - bits)) >> (32 - bits));
  }
  return static_cast<T>(value);
}

template <typename T>
void UnpackBits(int bits, const std::byte* line, int64_t count, std::byte* to) {
  BitReader reader(line, bits);
  for (int64_t i = 0; i < count; ++i, to += sizeof(T)) {
    Store(Extended<T>(reader.Next(), bits), to);
  }
}

void UnpackFloats(const std::byte* line, int64_t count, std::byte* to) {
  for (int64_t i = 0; i < count; ++i, line += 3, to += sizeof(float)) {
    Store(FloatOf24(Load24(line)), to);
  }
}

template <typename From, typename To>
void Widen(const std::byte* line, int64_t count, std::byte* to) {
  for (int64_t i = 0; i < count; ++i, line += sizeof(From), to += sizeof(To)) {
    Store(static_cast<To>(Load<From>(line)), to);
  }
}

}  // namespace

std::optional<SampleType> TypeOf(const SampleKind& kind) {
  const int bits = kind.bits;
  switch (kind.format) {
    case SAMPLEFORMAT_UINT:
    case SAMPLEFORMAT_INT:
      return WholeNumber(bits, kind.format == SAMPLEFORMAT_INT);
    case SAMPLEFORMAT_IEEEFP:
      if (bits == 16) return SampleType{ScalarType::kFloat16, true};
      if (bits == 24) return SampleType{ScalarType::kFloat32, false};
      if (bits == 32) return SampleType{ScalarType::kFloat32, true};
      if (bits == 64) return SampleType{ScalarType::kFloat64, true};
      break;
    case SAMPLEFORMAT_COMPLEXINT:
      if (bits == 32) return SampleType{ScalarType::kComplex64, false};
      if (bits == 64) return SampleType{ScalarType::kComplex128, false};
      break;
    case SAMPLEFORMAT_COMPLEXIEEEFP:
      if (bits == 64) return SampleType{ScalarType::kComplex64, true};
      if (bits == 128) return SampleType{ScalarType::kComplex128, true};
      break;
    default:
      break;
  }
  return std::nullopt;
}

void Unpack(const SampleKind& kind, const std::byte* line, int64_t count, std::byte* to) {
  const ScalarType type = TypeOf(kind)->type;
  const int bits = kind.bits;
  switch (type) {
    case ScalarType::kComplex64:
      return Widen<int16_t, float>(line, 2 * count, to);
    case ScalarType::kComplex128:
      return Widen<int32_t, double>(line, 2 * count, to);
    case ScalarType::kFloat32:
      return UnpackFloats(line, count, to);
    case ScalarType::kInt8:
      return UnpackBits<int8_t>(bits, line, count, to);
    case ScalarType::kUInt8:
      return UnpackBits<uint8_t>(bits, line, count, to);
    case ScalarType::kInt16:
      return UnpackBits<int16_t>(bits, line, count, to);
    case ScalarType::kUInt16:
      return UnpackBits<uint16_t>(bits, line, count, to);
    case ScalarType::kInt32:
      return UnpackBits<int32_t>(bits, line, count, to);
    default:
      return UnpackBits<uint32_t>(bits, line, count, to);
  }
}

}  // namespace ndarray::tools
