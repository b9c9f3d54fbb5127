// Nodata values as the pixels of a band have them.
//
// GDAL compares pixels with the exact value that was set, so a value that the type of the pixels
// rounds would match none of them: -3.4028235e+38 is not exactly the lowest float32, though NumPy
// prints it so.
#ifndef GDAL_NDARRAY_RASTER_NODATA_H_
#define GDAL_NDARRAY_RASTER_NODATA_H_

#include <cstddef>
#include <vector>

#include "driver/raster/gdal_types.h"

namespace ndarray {

// The value of a pixel that is given `value`: rounded to an integer, or to the nearest number of
// the type, which beyond its range is an infinity. What no pixel can have (beyond the range of
// integers, NaN or an infinity where there are none) stays as it is.
double AsPixelValue(const BandType& type, double value);

// One pixel of that value (of any GDAL type) as an element of the array in native byte order: of
// zeros where no pixel can have it.
std::vector<std::byte> NoDataElement(const BandType& type, const void* value,
                                     GDALDataType value_type);

// The value of the byte that holds an int8, for GDAL before 3.7, which compares bytes: NaN where no
// byte does.
double AsByteOfInt8(double value);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_NODATA_H_
