// The elements of an array as a data type of GDAL's multidimensional API: numbers, or compounds of
// the fields of a structured dtype.
#ifndef GDAL_NDARRAY_RASTER_MULTIDIM_ELEMENT_TYPE_H_
#define GDAL_NDARRAY_RASTER_MULTIDIM_ELEMENT_TYPE_H_

#include <cstddef>
#include <string>
#include <vector>

#include "driver/raster/gdal_compat.h"
#include "driver/store/array.h"

namespace ndarray {

// One number in it.
struct ElementPart {
  GDALDataType gdal;
  ScalarType stored;
  bool is_widened = false;  // of a type that this version of GDAL has not: int8 as Int16 (before
                            // 3.7), float16 as Float32 (before 3.11)
  size_t offset_bytes = 0;  // in GDAL's element
};

struct ElementPlan {
  GDALExtendedDataType type;
  std::vector<ElementPart> parts;  // by field
  bool is_widened = false;         // any of them
};

ElementPlan PlanElement(const ArrayInfo& info);

// One number of an array that has it where GDAL expects a wider one, and back.
void Widen(ScalarType stored, const std::byte* from, std::byte* to);
void Narrow(ScalarType stored, const std::byte* from, std::byte* to);

// The text of a nodata value as an element in GDAL's memory; empty where no element can have it.
std::vector<std::byte> NoDataOfText(const ElementPlan& element, const std::string& text);

// The reverse, as GDAL's sidecars have it. REQUIRES: one number
std::string TextOfNoData(const ElementPlan& element, const void* value);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_MULTIDIM_ELEMENT_TYPE_H_
