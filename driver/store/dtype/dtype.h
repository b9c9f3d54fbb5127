// Element types of an array, as NumPy names them: numpy.dtype.str, such as "<u2", and all else that
// numpy.dtype(...) takes for one, such as "uint16" and "H".
#ifndef GDAL_NDARRAY_STORE_DTYPE_DTYPE_H_
#define GDAL_NDARRAY_STORE_DTYPE_DTYPE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "driver/store/status.h"

namespace ndarray {

enum class ScalarType : uint8_t {
  kBool,
  kInt8,
  kInt16,
  kInt32,
  kInt64,
  kUInt8,
  kUInt16,
  kUInt32,
  kUInt64,
  kFloat16,
  kFloat32,
  kFloat64,
  kComplex64,
  kComplex128,
};

enum class ByteOrder : uint8_t { kLittle, kBig };

constexpr ByteOrder kNativeOrder =
    __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? ByteOrder::kBig : ByteOrder::kLittle;

size_t SizeBytes(ScalarType type);

// The bytes that one swap reverses: half an element for complex types, else the element.
size_t SwapUnitBytes(ScalarType type);

struct DType {
  ScalarType type = ScalarType::kUInt8;
  ByteOrder order = kNativeOrder;

  size_t size_bytes() const { return SizeBytes(type); }
  bool swapped() const { return order != kNativeOrder && SwapUnitBytes(type) > 1; }
};

// "<u2", ">c16", "|b1": what numpy.dtype(...).str prints.
std::string TypeString(const DType& dtype);

// The reverse, of every spelling that numpy.dtype(text) takes for such a type, in NumPy 1 or 2 on
// 64-bit Unix ("long" is int64). kNotSupported, with what it is, for every other dtype (object,
// text, bytes, datetime, void, long double) and names unknown here; kCorrupt for text that is no
// dtype at all.
Result<DType> ParseTypeString(std::string_view text);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_DTYPE_DTYPE_H_
