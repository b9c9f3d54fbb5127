#include "driver/raster/stored_metadata.h"

#include <cpl_error.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string>

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
  CPLPushErrorHandler(CPLQuietErrorHandler);
  const OGRErr error = crs->SetFromUserInput(
      text.c_str(), OGRSpatialReference::SET_FROM_USER_INPUT_LIMITATIONS_get());
  CPLPopErrorHandler();
  CPLErrorReset();
  return error == OGRERR_NONE ? std::move(crs) : nullptr;
}

void AddItem(const std::string& name, const json& value, CPLStringList& items) {
  std::string text = value.is_string() ? value.get<std::string>() : value.dump();
  if (text.size() > kMaxItemBytes) text = "(" + std::to_string(text.size()) + " bytes)";
  std::string key = name;  // "KEY=VALUE" is how GDAL keeps it
  std::replace(key.begin(), key.end(), '=', '_');
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
      if (metadata.crs == nullptr) metadata.crs = ReadCrs(value);
      if (metadata.crs != nullptr) understood.push_back(key);
    }
  }
  for (const auto& [key, value] : values) {
    if (key == "spatial:transform" && (metadata.transform = ReadTransform(value))) continue;
    if (std::find(understood.begin(), understood.end(), key) != understood.end()) continue;
    AddItem(key, value, metadata.items);
  }
  return metadata;
}

}  // namespace ndarray
