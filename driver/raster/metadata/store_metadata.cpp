// What a dataset says, as attributes: of a new file, and as changes of those of an old one.

#include <cpl_conv.h>
#include <cpl_error.h>
#include <cpl_string.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "driver/raster/gdal_error.h"
#include "driver/raster/metadata/axis_names.h"
#include "driver/raster/metadata/geo_metadata.h"
#include "driver/raster/metadata/stored_metadata.h"
#include "driver/raster/metadata/zarr_conventions.h"
#include "driver/store/msgpack.h"

namespace ndarray {
namespace {

using nlohmann::json;

constexpr int64_t kMaxNamesBytes = int64_t{64} << 10;

std::string Packed(const json& value) {
  const std::vector<uint8_t> bytes = json::to_msgpack(value);
  return {bytes.begin(), bytes.end()};
}

std::string Wkt(const OGRSpatialReference& crs) {
  char* text = nullptr;
  const char* const options[] = {"FORMAT=WKT2_2019", nullptr};
  CPLPushErrorHandler(CPLQuietErrorHandler);
  const OGRErr error = crs.exportToWkt(&text, options);
  CPLPopErrorHandler();
  std::string result = error == OGRERR_NONE && text != nullptr ? text : "";
  CPLFree(text);
  return result;
}

// An attribute that the file has already, null where it has not.
json Existing(const Attributes* attributes, const char* name) {
  if (attributes == nullptr) return {};
  const Result<std::string> packed = attributes->Read(name, kMaxNamesBytes);
  int64_t max_values = kMaxMsgpackValues;
  Result<json> value = packed.ok() ? ParseMsgpack(*packed, max_values) : packed.status();
  return value.ok() ? std::move(*value) : json();
}

// The CRS; false where there is none.
bool AddCrs(GDALDataset& source, std::vector<Attribute>& attributes) {
  const OGRSpatialReference* const crs = source.GetSpatialRef();
  if (crs == nullptr) return false;
  const std::string wkt = Wkt(*crs);
  if (!wkt.empty()) attributes.emplace_back("proj:wkt2", Packed(wkt));
  const char* const authority = crs->GetAuthorityName(nullptr);
  const char* const code = crs->GetAuthorityCode(nullptr);
  const bool has_code = authority != nullptr && code != nullptr;
  if (has_code) attributes.emplace_back("proj:code", Packed(std::string(authority) + ":" + code));
  return has_code || !wkt.empty();
}

bool AddTransform(GDALDataset& source, std::vector<Attribute>& attributes) {
  double transform[6];
  if (GDALGetGeoTransform(GDALDataset::ToHandle(&source), transform) != CE_None) return false;
  const json affine = {transform[1], transform[2], transform[0],
                       transform[4], transform[5], transform[3]};
  attributes.emplace_back("spatial:transform", Packed(affine));
  return true;
}

// Names that somebody has given to axes stay.
std::vector<std::string> NamesOfAxes(const json& existing, const std::string& axes) {
  std::vector<std::string> names = AxisNames(axes);
  if (!existing.is_array() || existing.size() != names.size()) return names;
  for (size_t i = 0; i < names.size(); ++i) {
    if (!existing[i].is_string()) return AxisNames(axes);
    names[i] = existing[i].get<std::string>();
  }
  return names;
}

// What has no other attribute. `apart`: keys of items that have.
std::string GdalValue(GDALDataset& source, const std::string& axes,
                      const std::vector<std::string>& apart) {
  json gdal = json::object();
  if (!axes.empty()) gdal["axes"] = axes;
  // Not in the WKT: programs that expect a CRS there do not expect COORDINATEMETADATA.
  const double epoch =
      source.GetSpatialRef() != nullptr ? source.GetSpatialRef()->GetCoordinateEpoch() : 0;
  if (epoch > 0) gdal["epoch"] = epoch;
  const std::string pam = SerializeMetadata(source, axes, apart);
  if (!pam.empty()) gdal["pam"] = pam;
  return Packed(gdal);
}

std::vector<Attribute> Own(GDALDataset& source, const std::string& axes,
                           const std::vector<std::string>& stack_names, const Attributes* existing,
                           const std::vector<std::string>& apart) {
  std::vector<Attribute> attributes;
  const json old_names = Existing(existing, "dimension_names");
  const std::vector<std::string> names =
      stack_names.empty() ? NamesOfAxes(old_names, axes) : stack_names;
  const bool has_transform = AddTransform(source, attributes);
  const size_t y = axes.find('Y');
  const size_t x = axes.find('X');
  if (has_transform && y < names.size() && x < names.size()) {
    attributes.emplace_back("spatial:dimensions", Packed(json{names[y], names[x]}));
  }
  const bool has_crs = AddCrs(source, attributes);
  // An old file gets them with what needs them.
  if (!names.empty() && (existing == nullptr || !old_names.is_null() || has_transform || has_crs)) {
    attributes.emplace_back("dimension_names", Packed(names));
  }
  const json conventions =
      DeclareConventions(Existing(existing, "zarr_conventions"), has_crs, has_transform);
  if (!conventions.empty()) attributes.emplace_back("zarr_conventions", Packed(conventions));
  attributes.emplace_back("gdal", GdalValue(source, axes, apart));
  return attributes;
}

}  // namespace

std::vector<Attribute> StoreMetadata(GDALDataset& source, const std::string& axes,
                                     const std::vector<std::string>& names,
                                     const std::string& path) {
  std::vector<Attribute> attributes = Own(source, axes, names, nullptr, {});
  std::string& gdal = attributes.back().second;
  if (gdal.size() > kMaxPamBytes) {
    ReportWarning(path + ": metadata of bands: " + std::to_string(gdal.size()) +
                  " bytes are not kept: more than " + std::to_string(kMaxPamBytes));
    gdal = axes.empty() ? Packed(json::object()) : StoreAxes(axes).second;
  }
  return attributes;
}

Attribute StoreAxes(const std::string& axes) { return {"gdal", Packed({{"axes", axes}})}; }

std::vector<AttributeEdit> EditsOf(GDALDataset& dataset, const std::string& axes,
                                   const Attributes& attributes, StoredMetadata& stored) {
  std::vector<AttributeEdit> edits;
  std::vector<std::string> apart;
  const CPLStringList items(CSLDuplicate(const_cast<char**>(dataset.GetMetadata())));
  std::vector<ShownAttribute> still_shown;
  for (ShownAttribute& shown : stored.shown) {
    const char* const text = items.FetchNameValue(shown.key.c_str());
    if (text == nullptr) {
      edits.emplace_back(shown.attribute, std::nullopt);
      continue;
    }
    if (shown.text != text) {
      shown.text = text;
      edits.emplace_back(shown.attribute, Packed(shown.text));
    }
    apart.push_back(shown.key);
    still_shown.push_back(std::move(shown));
  }
  stored.shown = std::move(still_shown);
  std::set<std::string> gone = std::move(stored.understood);
  stored.understood.clear();
  for (auto& [name, value] : Own(dataset, axes, {}, &attributes, apart)) {
    gone.erase(name);
    stored.understood.insert(name);
    edits.emplace_back(name, std::move(value));
  }
  for (const std::string& name : gone) edits.emplace_back(name, std::nullopt);
  return edits;
}

}  // namespace ndarray
