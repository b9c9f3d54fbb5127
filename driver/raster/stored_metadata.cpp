#include "driver/raster/stored_metadata.h"

#include <cpl_conv.h>
#include <cpl_error.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string>

#include "driver/raster/geo_metadata.h"

namespace ndarray {
namespace {

using nlohmann::json;

// What gdalinfo prints of one item, at most.
constexpr size_t kMaxItemBytes = size_t{1} << 20;

std::optional<std::array<double, 6>> ReadTransform(const json& value) {
  if (!value.is_array() || value.size() != 6) return std::nullopt;
  double numbers[6];
  for (size_t i = 0; i < 6; ++i) {
    if (!value[i].is_number()) return std::nullopt;
    numbers[i] = value[i].get<double>();
    if (!std::isfinite(numbers[i])) return std::nullopt;
  }
  const auto [a, b, c, d, e, f] = numbers;
  return std::array<double, 6>{c, a, b, f, d, e};
}

std::unique_ptr<OGRSpatialReference> ReadCrs(const json& value) {
  const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
  auto crs = std::make_unique<OGRSpatialReference>();
  crs->SetAxisMappingStrategy(OAMS_TRADITIONAL_GIS_ORDER);
  const CPLErrorStateBackuper errors_so_far;
  CPLPushErrorHandler(CPLQuietErrorHandler);
  const OGRErr error = crs->SetFromUserInput(
      text.c_str(), OGRSpatialReference::SET_FROM_USER_INPUT_LIMITATIONS_get());
  CPLPopErrorHandler();
  return error == OGRERR_NONE ? std::move(crs) : nullptr;
}

// Of the key that holds what only GDAL has.
bool ReadGdal(const json& value, StoredMetadata& metadata) {
  if (!value.is_object()) return false;
  for (const auto& [name, to] :
       {std::pair<const char*, std::string*>{"axes", &metadata.axes}, {"pam", &metadata.pam}}) {
    const auto found = value.find(name);
    if (found != value.end() && found->is_string()) *to = found->get<std::string>();
  }
  const auto epoch = value.find("epoch");
  if (epoch != value.end() && epoch->is_number()) metadata.epoch = epoch->get<double>();
  return true;
}

std::string Packed(const json& value) {
  const std::vector<uint8_t> bytes = json::to_msgpack(value);
  return {bytes.begin(), bytes.end()};
}

std::string Exported(const OGRSpatialReference& crs, bool as_json) {
  char* text = nullptr;
  const char* const wkt_options[] = {"FORMAT=WKT2_2019", nullptr};
  CPLPushErrorHandler(CPLQuietErrorHandler);
  const OGRErr error =
      as_json ? crs.exportToPROJJSON(&text, nullptr) : crs.exportToWkt(&text, wkt_options);
  CPLPopErrorHandler();
  std::string result = error == OGRERR_NONE && text != nullptr ? text : "";
  CPLFree(text);
  return result;
}

void AddItem(const std::string& name, const json& value, CPLStringList& items) {
  std::string text = value.is_string() ? value.get<std::string>() : value.dump();
  if (text.size() > kMaxItemBytes) text = "(" + std::to_string(text.size()) + " bytes)";
  std::string key = name;  // GDAL keeps "KEY=VALUE", and takes "KEY:VALUE" for the same
  for (char& c : key) {
    if (c == '=' || c == ':') c = '_';
  }
  items.SetNameValue(key.c_str(), text.c_str());
}

}  // namespace

StoredMetadata ReadStoredMetadata(const ArrayInfo& info) {
  StoredMetadata metadata;
  std::vector<std::pair<std::string, json>> values;
  for (const auto& [name, text] : info.attributes) {
    json value = json::parse(text, nullptr, false);
    if (!value.is_discarded()) values.emplace_back(name, std::move(value));
  }
  std::vector<std::string> understood;
  for (const char* const name : {"proj:wkt2", "proj:projjson", "proj:code"}) {
    for (const auto& [key, value] : values) {
      if (key != name) continue;
      auto crs = ReadCrs(value);
      if (crs == nullptr) continue;
      understood.push_back(key);
      // A code of the same CRS tells more: the codes of its parts, which WKT leaves out.
      const bool code = key == "proj:code";
      if (metadata.crs == nullptr || (code && crs->IsSame(metadata.crs.get()))) {
        metadata.crs = std::move(crs);
      }
    }
  }
  for (const auto& [key, value] : values) {
    if (key == "gdal" && ReadGdal(value, metadata)) continue;
    if (key == "spatial:dimensions") continue;  // the axes' names, which other programs ask for
    if (key == "spatial:transform" && (metadata.transform = ReadTransform(value))) continue;
    if (std::find(understood.begin(), understood.end(), key) != understood.end()) continue;
    AddItem(key, value, metadata.items);
  }
  if (metadata.crs != nullptr && metadata.epoch > 0) {
    metadata.crs->SetCoordinateEpoch(metadata.epoch);
  }
  return metadata;
}

std::vector<Attribute> StoreMetadata(GDALDataset& source, const std::string& axes) {
  std::vector<Attribute> attributes;
  double transform[6];
  if (GDALGetGeoTransform(GDALDataset::ToHandle(&source), transform) == CE_None) {
    const json affine = {transform[1], transform[2], transform[0],
                         transform[4], transform[5], transform[3]};
    attributes.emplace_back("spatial:transform", Packed(affine));
    json dimensions = json::array();
    for (const char letter : axes) {
      dimensions.push_back(letter == 'B' ? "band" : letter == 'Y' ? "y" : "x");
    }
    attributes.emplace_back("spatial:dimensions", Packed(dimensions));
  }
  if (const OGRSpatialReference* const crs = source.GetSpatialRef()) {
    const std::string wkt = Exported(*crs, false);
    if (!wkt.empty()) attributes.emplace_back("proj:wkt2", Packed(wkt));
    const json projjson = json::parse(Exported(*crs, true), nullptr, false);
    if (!projjson.is_discarded()) attributes.emplace_back("proj:projjson", Packed(projjson));
    const char* const authority = crs->GetAuthorityName(nullptr);
    const char* const code = crs->GetAuthorityCode(nullptr);
    if (authority != nullptr && code != nullptr) {
      attributes.emplace_back("proj:code", Packed(std::string(authority) + ":" + code));
    }
  }
  json gdal = {{"axes", axes}};
  // Not in the WKT: programs that expect a CRS there do not expect COORDINATEMETADATA.
  const double epoch =
      source.GetSpatialRef() != nullptr ? source.GetSpatialRef()->GetCoordinateEpoch() : 0;
  if (epoch > 0) gdal["epoch"] = epoch;
  const std::string pam = SerializeMetadata(source);
  if (!pam.empty()) gdal["pam"] = pam;
  attributes.emplace_back("gdal", Packed(gdal));
  return attributes;
}

Attribute StoreAxes(const std::string& axes) { return {"gdal", Packed({{"axes", axes}})}; }

bool IsStoredMetadata(std::string_view name) {
  for (const char* const own : {"spatial:transform", "spatial:dimensions", "proj:wkt2",
                                "proj:projjson", "proj:code", "gdal"}) {
    if (name == own) return true;
  }
  return false;
}

}  // namespace ndarray
