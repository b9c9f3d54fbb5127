// Array element types and GDAL data types.
#ifndef GDAL_NDARRAY_RASTER_GDAL_TYPES_H_
#define GDAL_NDARRAY_RASTER_GDAL_TYPES_H_

#include <cstddef>
#include <cstdint>
#include <optional>

#include "driver/raster/gdal_compat.h"
#include "driver/store/dtype/dtype.h"

namespace ndarray {

// How a band shows elements of one type.
struct BandType {
  GDALDataType gdal;
  bool signed_byte = false;  // before GDAL 3.7: int8 as Byte with PIXELTYPE=SIGNEDBYTE
  bool promoted = false;     // before GDAL 3.11: float16 as Float32, so that bytes differ
};

BandType ToBandType(ScalarType type);

// The element type that keeps every value of a GDAL type, if it is itself one of GDAL's and
// NumPy's; absent for CInt16, CInt32 and CFloat16.
std::optional<ScalarType> ToScalarType(GDALDataType type, bool signed_byte);

// The names of all types with an exact counterpart: GDAL_DMD_CREATIONDATATYPES.
const char* CreationDataTypes();

// The maximum number of bands of a dataset, read or written: GDAL_MAX_BAND_COUNT.
int64_t MaxBandCount();

// Bytes of one pixel of a GDAL type, as the spacing GDAL counts in.
inline GSpacing PixelBytes(GDALDataType type) { return GDALGetDataTypeSizeBytes(type); }

// Converts half-precision values in native byte order to single precision. Buffers do not overlap.
void HalfToFloat(const void* from, float* to, size_t count);

// The reverse, rounding as GDAL does.
void FloatToHalf(const float* from, void* to, size_t count);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_GDAL_TYPES_H_
