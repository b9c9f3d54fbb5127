#include "driver/raster/create/new_array.h"

#include <cpl_string.h>

#include <optional>

#include "driver/raster/axes.h"
#include "driver/raster/create/pixel_facts.h"
#include "driver/raster/dataset/array_dataset.h"
#include "driver/raster/files/dataset_name.h"
#include "driver/raster/gdal_error.h"
#include "driver/raster/threads.h"

namespace ndarray {
namespace {

// Newer versions of GDAL warn of the question.
bool HasSignedBytes(GDALRasterBand& band) {
  return !NDARRAY_HAS_INT8 && IsSignedByte(band.GetMetadataItem("PIXELTYPE", "IMAGE_STRUCTURE"));
}

bool IsLong(GDALDataType type) { return type == GDT_Int64 || type == GDT_UInt64; }

// A data type that keeps all values of all bands of a source, and NumPy has.
Result<GDALDataType> CommonType(GDALDataset& source, bool strict, const char* path) {
  GDALDataType common = source.GetRasterBand(1)->GetRasterDataType();
  bool mixed = false;
  bool has_long = IsLong(common);
  for (int band = 2; band <= source.GetRasterCount(); ++band) {
    const GDALDataType type = source.GetRasterBand(band)->GetRasterDataType();
    if (type == common) continue;  // GDAL's union of two Float16 is Float32
    mixed = true;
    has_long = has_long || IsLong(type);
    common = GDALDataTypeUnion(common, type);
  }
  if (has_long && !IsLong(common)) {  // values above 2^53 would change, unnoticed
    return Mismatch(StatusCode::kNotSupported, "data type", "bands of 64-bit integers among others",
                    "one type that holds all values; gdal_translate -ot chooses one")
        .At(path);
  }
  const bool known = ToScalarType(common, false).has_value();
  const GDALDataType wider = known ? common : common == GDT_CInt32 ? GDT_CFloat64 : GDT_CFloat32;
  if (known && !mixed) return common;
  const std::string found = mixed ? "bands of several types" : GDALGetDataTypeName(common);
  if (strict) {
    return Mismatch(StatusCode::kNotSupported, "data type", found,
                    std::string("one of ") + CreationDataTypes() + " for all bands")
        .At(path);
  }
  ReportWarning(std::string(path) + ": " + found + " are written as " + GDALGetDataTypeName(wider));
  return wider;
}

}  // namespace

const char* const kShapeOptions =
    "<Option name='INTERLEAVE' type='string-select' default='BAND' description='Order of the "
    "array: BAND is (bands, lines, pixels), PIXEL is (lines, pixels, bands), LINE is (lines, "
    "bands, pixels)'><Value>BAND</Value><Value>PIXEL</Value><Value>LINE</Value></Option>"
    "<Option name='AXES' type='string' description='Order of the array in full, such as BYX, YXB, "
    "YBX or BXY; overrides INTERLEAVE'/>"
    "<Option name='NUM_THREADS' type='string' description='Threads that write: a number or "
    "ALL_CPUS (default: GDAL_NUM_THREADS, else OMP_NUM_THREADS, else ALL_CPUS)'/>"
    "<Option name='TILED' alias='BIGTIFF' type='string' description='As of GeoTIFF: accepted, "
    "without effect'/>"
#if !NDARRAY_HAS_INT8
    "<Option name='PIXELTYPE' type='string-select' description='SIGNEDBYTE stores Byte as int8'>"
    "<Value>DEFAULT</Value><Value>SIGNEDBYTE</Value></Option>"
#endif
    ;

bool IsSignedByte(const char* pixel_type) {
  return !NDARRAY_HAS_INT8 && pixel_type != nullptr && EQUAL(pixel_type, "SIGNEDBYTE");
}

Result<NewArray> PlanArray(const char* name, const char* driver, int width, int height, int bands,
                           GDALDataType type, bool signed_byte, StringList options) {
  NewArray plan;
  plan.path = name;
  plan.width = width;
  plan.height = height;
  plan.bands = bands;
  if (HasDriverPrefix(name, driver)) {
    return Mismatch(StatusCode::kInvalidArgument, "file name", name, "a path");
  }
  if (bands < 1 || width < 1 || height < 1) {
    return Mismatch(StatusCode::kInvalidArgument, "size", ShapeString({bands, height, width}),
                    "at least one band, line and pixel")
        .At(plan.path);
  }
  if (bands > MaxBandCount()) {
    return Mismatch(StatusCode::kNotSupported, "bands", std::to_string(bands),
                    "at most " + std::to_string(MaxBandCount()) + " (GDAL_MAX_BAND_COUNT)")
        .At(plan.path);
  }
  const std::optional<ScalarType> scalar = ToScalarType(type, signed_byte);
  if (!scalar) {
    return Mismatch(StatusCode::kNotSupported, "data type", GDALGetDataTypeName(type),
                    std::string("one of ") + CreationDataTypes())
        .At(plan.path);
  }
  plan.dtype = {*scalar, kNativeOrder};
  plan.type = ToBandType(*scalar);
  const CPLString interleave =
      CPLString(CSLFetchNameValueDef(options, "INTERLEAVE", "BAND")).toupper();
  if (interleave != "BAND" && interleave != "PIXEL" && interleave != "LINE") {
    return Mismatch(StatusCode::kInvalidArgument, "INTERLEAVE", interleave, "BAND, PIXEL or LINE")
        .At(plan.path);
  }
  plan.axes = CPLString(CSLFetchNameValueDef(options, "AXES", "")).toupper();
  if (plan.axes.empty()) plan.axes = AxesForInterleave(interleave, bands);
  Result<AxisVector> shape = ShapeForAxes(plan.axes, bands, height, width);
  if (!shape.ok()) return shape.status().At(plan.path);
  plan.shape = *shape;
  Result<int> threads = ThreadsFromOption(CSLFetchNameValue(options, "NUM_THREADS"));
  if (!threads.ok()) return threads.status().At(plan.path);
  plan.max_threads = *threads;
  return plan;
}

namespace {

// A copy of what this driver has written is cut as that was: somebody may have chosen it. Arrays of
// other programs are often cut for other ends, such as whole rows.
void CutLikeSource(GDALDataset& source, NewArray& plan) {
  const auto* const dataset = dynamic_cast<ArrayDataset*>(&source);
  if (dataset == nullptr || !dataset->remembers_axes()) return;
  const ArrayInfo& info = dataset->io().array().info();
  if (dataset->axes_name() != plan.axes || !(info.shape == plan.shape) || info.is_record ||
      info.fields[0].dtype.size_bytes() != plan.dtype.size_bytes()) {
    return;
  }
  for (int axis = 0; axis < info.chunk.size(); ++axis) {
    if (info.chunk[axis] % info.block[axis] != 0) return;
  }
  plan.source_chunk = info.chunk;
  plan.source_block = info.block;
}

void DescribePixels(GDALDataset& source, NewArray& plan) {
  plan.nodata = NoDataElements(source, plan.type);
  for (int band = 1; band <= source.GetRasterCount(); ++band) {
    plan.holds_names = plan.holds_names || HoldsNames(*source.GetRasterBand(band));
  }
}

}  // namespace

Result<NewArray> PlanCopy(const char* name, const char* driver, GDALDataset& source, bool strict,
                          StringList options) {
  const int bands = source.GetRasterCount();
  GDALDataType type = GDT_Byte;
  bool signed_byte = IsSignedByte(CSLFetchNameValue(options, "PIXELTYPE"));
  if (bands > 0) {
    Result<GDALDataType> common = CommonType(source, strict, name);
    if (!common.ok()) return common.status();
    type = *common;
    signed_byte = signed_byte || HasSignedBytes(*source.GetRasterBand(1));
  }
  Result<NewArray> plan = PlanArray(name, driver, source.GetRasterXSize(), source.GetRasterYSize(),
                                    bands, type, signed_byte, options);
  if (!plan.ok()) return plan;
  CutLikeSource(source, *plan);
  DescribePixels(source, *plan);
  return plan;
}

bool NeedsAxes(const NewArray& plan) {
  const Result<Axes> rule = ChooseAxes(plan.shape, {}, "");
  return !rule.ok() || rule->name != plan.axes;
}

}  // namespace ndarray
