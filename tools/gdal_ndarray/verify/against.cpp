#include "tools/gdal_ndarray/verify/against.h"

#include <cpl_conv.h>
#include <cpl_string.h>
#include <ogr_spatialref.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <utility>

#include "driver/raster/create/new_array.h"
#include "driver/raster/formats/archive_open.h"
#include "driver/raster/formats/array_format.h"
#include "driver/raster/gdal_types.h"
#include "driver/store/box.h"
#include "tools/gdal_ndarray/command.h"
#include "tools/gdal_ndarray/file_name.h"
#include "tools/gdal_ndarray/raster_report.h"
#include "tools/gdal_ndarray/report.h"
#include "tools/gdal_ndarray/verify/dataset_pool.h"

namespace ndarray::tools {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kMaxListed = 10;

std::string DriverOf(GDALDataset& dataset) {
  GDALDriver* const driver = dataset.GetDriver();
  return driver != nullptr ? driver->GetDescription() : "";
}

// "here A, there B".
std::string Both(const std::string& what, const std::string& here, const std::string& there) {
  return what + ": here " + here + ", there " + there;
}

void Put(Json& report, const Comparison& found) {
  report["values"] = found.values;
  report["different"] = found.different;
  if (found.unread > 0) {
    report["unread"] = found.unread;
    report["why_unread"] = found.why_unread;
  }
}

// The type that all bands of a dataset have, or that holds the values of all.
struct PixelType {
  GDALDataType gdal = GDT_Unknown;
  bool signed_byte = false;

  std::string Name() const { return signed_byte ? "Int8" : GDALGetDataTypeName(gdal); }
  bool operator==(const PixelType& other) const {
    return gdal == other.gdal && signed_byte == other.signed_byte;
  }
};

PixelType TypeOf(GDALDataset& dataset) {
  PixelType type;
  for (GDALRasterBand* const band : dataset.GetBands()) {
    const GDALDataType own = band->GetRasterDataType();
    type.gdal = type.gdal == GDT_Unknown ? own : GDALDataTypeUnion(type.gdal, own);
    type.signed_byte = !NDARRAY_HAS_INT8 && own == GDT_Byte &&
                       IsSignedByte(band->GetMetadataItem("PIXELTYPE", "IMAGE_STRUCTURE"));
  }
  return type;
}

bool Is64BitInteger(GDALDataType type) { return type == GDT_Int64 || type == GDT_UInt64; }

// Whether every value of `there` is one of `here`, too. GDAL takes float64 to hold all of int64.
bool Holds(const PixelType& here, const PixelType& there) {
  return !here.signed_byte && !there.signed_byte && !Is64BitInteger(there.gdal) &&
         GDALDataTypeUnion(here.gdal, there.gdal) == here.gdal;
}

// The type in which values are compared.
std::pair<GDALDataType, ScalarType> CommonType(const PixelType& here, const PixelType& there) {
  GDALDataType type = GDALDataTypeUnion(here.gdal, there.gdal);
  if (type == GDT_CInt16) type = GDT_CFloat32;
  if (type == GDT_CInt32) type = GDT_CFloat64;
  return {type, ToScalarType(type, here.signed_byte).value_or(ScalarType::kFloat64)};
}

std::string SizeText(GDALDataset& dataset) {
  return std::to_string(dataset.GetRasterXSize()) + " x " +
         std::to_string(dataset.GetRasterYSize()) + " pixels, " +
         std::to_string(dataset.GetRasterCount()) + " bands";
}

std::string CrsText(const OGRSpatialReference* crs) {
  if (crs == nullptr) return "none";
  const char* const name = crs->GetName();
  return name != nullptr ? name : "one without a name";
}

bool IsSameCrs(const OGRSpatialReference* a, const OGRSpatialReference* b) {
  if (a == nullptr || b == nullptr) return a == b;
  const char* const options[] = {"IGNORE_DATA_AXIS_TO_SRS_AXIS_MAPPING=YES", "CRITERION=EQUIVALENT",
                                 nullptr};
  return a->IsSame(b, options) != 0;
}

std::optional<std::array<double, 6>> GeoTransformOf(GDALDataset& dataset) {
  std::array<double, 6> numbers;
  if (GDALGetGeoTransform(GDALDataset::ToHandle(&dataset), numbers.data()) != CE_None) return {};
  return numbers;
}

std::string GeoTransformText(const std::optional<std::array<double, 6>>& numbers) {
  if (!numbers) return "none";
  std::string text;
  for (const double number : *numbers) {
    text += (text.empty() ? "(" : ", ") + std::string(CPLSPrintf("%.15g", number));
  }
  return text + ")";
}

void NoteMetadata(GDALDataset& here, GDALDataset& there, Json& notes) {
  const OGRSpatialReference* const crs = here.GetSpatialRef();
  if (!IsSameCrs(crs, there.GetSpatialRef())) {
    notes.push_back(Both("CRS", CrsText(crs), CrsText(there.GetSpatialRef())));
  }
  const std::string geotransform = GeoTransformText(GeoTransformOf(here));
  const std::string other_geotransform = GeoTransformText(GeoTransformOf(there));
  if (geotransform != other_geotransform) {
    notes.push_back(Both("geotransform", geotransform, other_geotransform));
  }
  for (int band = 1; band <= here.GetRasterCount(); ++band) {
    const std::string nodata = NoDataText(*here.GetRasterBand(band));
    const std::string other_nodata = NoDataText(*there.GetRasterBand(band));
    if (nodata == other_nodata) continue;
    notes.push_back(Both("nodata of band " + std::to_string(band), nodata, other_nodata));
    break;  // the others are likely to be the same
  }
}

// The masks that two datasets have besides nodata values and alpha bands, which are compared as
// such: none, one for all bands, or one for each.
int CountMasks(GDALDataset& here, GDALDataset& there) {
  bool any = false;
  bool shared = true;
  for (GDALDataset* const dataset : {&here, &there}) {
    for (GDALRasterBand* const band : dataset->GetBands()) {
      const int flags = band->GetMaskFlags();
      const bool is_mask = (flags & (GMF_ALL_VALID | GMF_NODATA | GMF_ALPHA)) == 0;
      any = any || is_mask;
      shared = shared && (flags & (GMF_ALL_VALID | GMF_PER_DATASET)) != 0;
    }
  }
  return !any ? 0 : shared ? 1 : here.GetRasterCount();
}

std::string MaskDifference(const Comparison& found) {
  if (found.unread > 0) return "mask: " + found.why_unread;
  const Difference& first = found.first.front();
  const auto text = [](const std::string& valid) { return valid == "0" ? "invalid" : "valid"; };
  return Both("mask: " + std::to_string(found.different) + " of " + std::to_string(found.values) +
                  " differ, first band " + std::to_string(first.at[0] + 1) + ", x " +
                  std::to_string(first.at[2]) + ", y " + std::to_string(first.at[1]),
              text(first.here), text(first.there));
}

Pieces RasterPieces(GDALDataset& here, GDALDataset& there, GDALDataType type) {
  int width, height, other_width, other_height;
  here.GetRasterBand(1)->GetBlockSize(&width, &height);
  there.GetRasterBand(1)->GetBlockSize(&other_width, &other_height);
  const auto multiple = [](int a, int b) { return int64_t{(std::max(a, b) + b - 1) / b} * b; };
  const AxisVector shape{here.GetRasterCount(), here.GetRasterYSize(), here.GetRasterXSize()};
  const AxisVector both{shape[0], multiple(height, other_height), multiple(width, other_width)};
  return {shape, PieceShape(shape, both, PixelBytes(type)), {1, height, width}};
}

void CompareRasters(GDALDataset& here, const std::string& path, const std::string& source,
                    const ProgressFn& progress, Json& report) {
  const DatasetPointer there = OpenRaster(source);
  if (there->GetRasterCount() == 0) throw Failure(source + ": found no bands, wanted a raster");
  const PixelType type = TypeOf(here);
  const PixelType other_type = TypeOf(*there);
  if (!(type == other_type)) {
    report[Holds(type, other_type) ? "notes" : "differences"].push_back(
        Both("type", type.Name(), other_type.Name()));
  }
  if (SizeText(here) != SizeText(*there)) {
    report["differences"].push_back(Both("size", SizeText(here), SizeText(*there)));
    return;
  }
  NoteMetadata(here, *there, report["notes"]);
  // Threads are one for each piece already.
  CPLStringList options;
  options.SetNameValue("NUM_THREADS", "1");
  DatasetPool here_pool(path, options);
  DatasetPool there_pool(source, {});
  const auto [gdal_type, scalar_type] = CommonType(type, other_type);
  const auto reader = [type = gdal_type](DatasetPool& pool) {
    return [type, &pool](const Box& box, void* to) { return pool.Read(type, box, to); };
  };
  const Comparison found =
      Value(Compare(RasterPieces(here, *there, gdal_type), scalar_type, reader(here_pool),
                    reader(there_pool), kMaxListed, progress));
  Put(report, found);
  if (const int masks = CountMasks(here, *there); masks > 0) {
    Pieces pieces = RasterPieces(here, *there, GDT_Byte);
    pieces.shape[0] = masks;
    pieces.piece[0] = std::min<int64_t>(pieces.piece[0], masks);
    const auto mask_reader = [](DatasetPool& pool) {
      return [&pool](const Box& box, void* to) { return pool.ReadMasks(box, to); };
    };
    const Comparison mask =
        Value(Compare(pieces, ScalarType::kUInt8, mask_reader(here_pool), mask_reader(there_pool),
                      1, [&](double) { return progress(1); }));
    if (mask.different + mask.unread > 0) report["differences"].push_back(MaskDifference(mask));
  }
  if (found.different == 0) return;
  for (const Difference& difference : found.first) {
    const AxisVector& at = difference.at;
    report["first"].push_back({{"band", at[0] + 1},
                               {"x", at[2]},
                               {"y", at[1]},
                               {"here", NumberJson(difference.here)},
                               {"there", NumberJson(difference.there)}});
  }
  const Box& bounds = found.bounds;
  report["bounds"] = {
      {"window", {bounds.start[2], bounds.start[1], bounds.count(2), bounds.count(1)}},
      {"bands", {bounds.start[0] + 1, bounds.stop[0]}}};
}

std::shared_ptr<Array> OpenArray(const std::string& path, const std::string& driver) {
  const ArrayFormat* const format = FindFormat(driver.c_str());
  if (format == nullptr) {
    throw Failure(path + ": found " + driver + ", wanted a .npy or .b2nd file, of as many axes");
  }
  return Value(OpenNamedArray(*format, ParseName(path), 1));
}

// The shape, or the first field that is another. Empty where all are the same.
std::string ArrayDifference(const ArrayInfo& here, const ArrayInfo& there) {
  if (!(here.shape == there.shape)) {
    return Both("shape", ShapeString(here.shape), ShapeString(there.shape));
  }
  if (here.fields.size() != there.fields.size()) {
    return Both("fields", std::to_string(here.fields.size()), std::to_string(there.fields.size()));
  }
  for (size_t i = 0; i < here.fields.size(); ++i) {
    const DType& type = here.fields[i].dtype;
    const DType& other_type = there.fields[i].dtype;
    if (type.type != other_type.type) {
      return Both("type", TypeString(type), TypeString(other_type));
    }
  }
  return "";
}

PieceReader ReaderOf(const Array& array, size_t field) {
  const auto element_bytes = static_cast<int64_t>(array.info().fields[field].dtype.size_bytes());
  return [&array, field, element_bytes](const Box& box, void* to) {
    return array.Read(field, box, {to, CStrides(Counts(box), element_bytes)});
  };
}

void CompareArrays(const Array& here, const Array& there, const ProgressFn& progress,
                   Json& report) {
  const ArrayInfo& info = here.info();
  const std::string difference = ArrayDifference(info, there.info());
  if (!difference.empty()) {
    report["differences"].push_back(difference);
    return;
  }
  AxisVector unit = info.read_chunk;
  for (int axis = 0; axis < unit.size(); ++axis) {
    const int64_t own = info.read_chunk[axis];
    unit[axis] = (std::max(own, there.info().read_chunk[axis]) + own - 1) / own * own;
  }
  Comparison all;
  Json first = Json::array();
  Json bounds = Json::array();
  for (size_t field = 0; field < info.fields.size(); ++field) {
    const DType& dtype = info.fields[field].dtype;
    const auto fields = static_cast<double>(info.fields.size());
    const Pieces pieces{info.shape,
                        PieceShape(info.shape, unit, static_cast<int64_t>(dtype.size_bytes())),
                        info.read_chunk};
    const Comparison found =
        Value(Compare(pieces, dtype.type, ReaderOf(here, field), ReaderOf(there, field), kMaxListed,
                      PartOf(progress, static_cast<double>(field) / fields,
                             static_cast<double>(field + 1) / fields)));
    all.values += found.values;
    all.different += found.different;
    all.unread += found.unread;
    if (all.why_unread.empty()) all.why_unread = found.why_unread;
    const std::string& name = info.fields[field].name;
    const auto add = [&](Json& list, Json fact) {
      if (!name.empty()) fact["field"] = name;
      list.push_back(std::move(fact));
    };
    for (const Difference& one : found.first) {
      if (first.size() == kMaxListed) break;
      add(first, {{"index", ShapeJson(one.at)},
                  {"here", NumberJson(one.here)},
                  {"there", NumberJson(one.there)}});
    }
    if (found.different > 0) add(bounds, {{"array", SliceText(found.bounds)}});
  }
  Put(report, all);
  if (all.different == 0) return;
  report["first"] = first;
  report["bounds"] = bounds;
}

}  // namespace

Json CompareWith(GDALDataset& here, const std::string& path, const std::string& source,
                 const ProgressFn& progress) {
  Json report = {{"source", source},
                 {"equal", false},
                 {"differences", Json::array()},
                 {"notes", Json::array()}};
  if (here.GetRasterCount() > 0) {
    CompareRasters(here, path, source, progress, report);
  } else {
    const std::string driver = DriverOf(*OpenRaster(source));
    CompareArrays(*OpenArray(path, DriverOf(here)), *OpenArray(source, driver), progress, report);
  }
  report["equal"] = report["differences"].empty() && report.value("different", -1) == 0 &&
                    !report.contains("unread");
  return report;
}

}  // namespace ndarray::tools
