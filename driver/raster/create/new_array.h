// What a new file is to hold, found out before any file is touched; shared by the drivers that
// write.
#ifndef GDAL_NDARRAY_RASTER_CREATE_NEW_ARRAY_H_
#define GDAL_NDARRAY_RASTER_CREATE_NEW_ARRAY_H_

#include <string>
#include <vector>

#include "driver/raster/gdal_compat.h"
#include "driver/raster/gdal_types.h"
#include "driver/store/array.h"
#include "driver/store/dtype/dtype.h"
#include "driver/store/dtype/record_dtype.h"
#include "driver/store/status.h"

namespace ndarray {

// The creation options of PlanArray: elements of GDAL_DMD_CREATIONOPTIONLIST.
extern const char* const kShapeOptions;

// The letter of axes before those of a raster: of a stack of planes.
constexpr char kPlanes = 'P';

struct NewArray {
  std::string path;
  int width = 0, height = 0, bands = 0;
  BandType type;
  DType dtype;
  std::string axes;
  AxisVector shape;
  ElementType record;  // where is_record: dtype is its first field's, then

  ElementType element() const { return record.is_record ? record : PlainElement(dtype); }
  int64_t element_bytes() const {
    return record.is_record ? record.element_bytes : static_cast<int64_t>(dtype.size_bytes());
  }
  int max_threads = 1;
  // Of a copy: nodata values as elements, as NoDataElements has them, and whether values are names.
  std::vector<std::string> nodata;
  bool holds_names = false;
  AxisVector source_chunk, source_block;  // to be kept, of a source that is cut; else empty
};

// Whether PIXELTYPE asks for int8, where GDAL has no such type.
bool IsSignedByte(const char* pixel_type);

// The plan for bands of one type; options are INTERLEAVE, AXES and NUM_THREADS. kInvalidArgument
// and kNotSupported with the path.
Result<NewArray> PlanArray(const char* name, const char* driver, int width, int height, int bands,
                           GDALDataType type, bool signed_byte, StringList options);

// The same for a copy, of a type that keeps all values of all bands. Where that is a wider one and
// `strict` is not asked for, one GDAL warning says so.
Result<NewArray> PlanCopy(const char* name, const char* driver, GDALDataset& source, bool strict,
                          StringList options);

// Whether a reader of the file would choose other axes than the plan, knowing only the shape.
bool NeedsAxes(const NewArray& plan);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_CREATE_NEW_ARRAY_H_
