#include "driver/raster/gdal_types.h"

#include <cpl_conv.h>
#include <cpl_string.h>

#include <cstdint>
#include <cstring>

#include "driver/store/dtype/half.h"

namespace ndarray {

int64_t MaxBandCount() { return CPLAtoGIntBig(CPLGetConfigOption("GDAL_MAX_BAND_COUNT", "65536")); }

BandType ToBandType(ScalarType type) {
  switch (type) {
    case ScalarType::kBool:
    case ScalarType::kUInt8:
      return {GDT_Byte};
    case ScalarType::kInt8:
#if NDARRAY_HAS_INT8
      return {GDT_Int8};
#else
      return {GDT_Byte, true, false};
#endif
    case ScalarType::kInt16:
      return {GDT_Int16};
    case ScalarType::kInt32:
      return {GDT_Int32};
    case ScalarType::kInt64:
      return {GDT_Int64};
    case ScalarType::kUInt16:
      return {GDT_UInt16};
    case ScalarType::kUInt32:
      return {GDT_UInt32};
    case ScalarType::kUInt64:
      return {GDT_UInt64};
    case ScalarType::kFloat16:
#if NDARRAY_HAS_FLOAT16
      return {GDT_Float16};
#else
      return {GDT_Float32, false, true};
#endif
    case ScalarType::kFloat32:
      return {GDT_Float32};
    case ScalarType::kFloat64:
      return {GDT_Float64};
    case ScalarType::kComplex64:
      return {GDT_CFloat32};
    case ScalarType::kComplex128:
      return {GDT_CFloat64};
  }
  return {GDT_Unknown};
}

std::optional<ScalarType> ToScalarType(GDALDataType type, bool signed_byte) {
  switch (type) {
    case GDT_Byte:
      return signed_byte ? ScalarType::kInt8 : ScalarType::kUInt8;
#if NDARRAY_HAS_INT8
    case GDT_Int8:
      return ScalarType::kInt8;
#endif
    case GDT_Int16:
      return ScalarType::kInt16;
    case GDT_UInt16:
      return ScalarType::kUInt16;
    case GDT_Int32:
      return ScalarType::kInt32;
    case GDT_UInt32:
      return ScalarType::kUInt32;
    case GDT_Int64:
      return ScalarType::kInt64;
    case GDT_UInt64:
      return ScalarType::kUInt64;
#if NDARRAY_HAS_FLOAT16
    case GDT_Float16:
      return ScalarType::kFloat16;
#endif
    case GDT_Float32:
      return ScalarType::kFloat32;
    case GDT_Float64:
      return ScalarType::kFloat64;
    case GDT_CFloat32:
      return ScalarType::kComplex64;
    case GDT_CFloat64:
      return ScalarType::kComplex128;
    default:
      return std::nullopt;
  }
}

const char* CreationDataTypes() {
  return "Byte "
#if NDARRAY_HAS_INT8
         "Int8 "
#endif
         "UInt16 Int16 UInt32 Int32 UInt64 Int64 "
#if NDARRAY_HAS_FLOAT16
         "Float16 "
#endif
         "Float32 Float64 CFloat32 CFloat64";
}

void HalfToFloat(const void* from, float* to, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    uint16_t half;
    std::memcpy(&half, static_cast<const char*>(from) + i * sizeof(half), sizeof(half));
    to[i] = HalfToFloat(half);
  }
}

void FloatToHalf(const float* from, void* to, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    const uint16_t half = FloatToHalf(from[i]);
    std::memcpy(static_cast<char*>(to) + i * sizeof(half), &half, sizeof(half));
  }
}

}  // namespace ndarray
