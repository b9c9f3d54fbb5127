#include "driver/raster/metadata/zarr_conventions.h"

#include <nlohmann/json.hpp>
#include <string>

namespace ndarray {
namespace {

using nlohmann::json;

struct Convention {
  const char* uuid;
  const char* name;
  const char* schema_url;
  const char* spec_url;
  const char* description;
};

constexpr Convention kProj = {
    "f17cb550-5864-4468-aeb7-f3180cfb622f", "proj:",
    "https://raw.githubusercontent.com/zarr-experimental/geo-proj/refs/tags/v1/schema.json",
    "https://github.com/zarr-experimental/geo-proj/blob/v1/README.md",
    "Coordinate reference system information for geospatial data"};

constexpr Convention kSpatial = {
    "689b58e2-cf7b-45e0-9fff-9cfc0883d6b4", "spatial:",
    "https://raw.githubusercontent.com/zarr-conventions/spatial/refs/tags/v1/schema.json",
    "https://github.com/zarr-conventions/spatial/blob/v1/README.md",
    "Spatial coordinate information"};

constexpr Convention kMultiscales = {
    "d35379db-88df-4056-af3a-620245f8e347", "multiscales",
    "https://raw.githubusercontent.com/zarr-conventions/multiscales/refs/tags/v1/schema.json",
    "https://github.com/zarr-conventions/multiscales/blob/v1/README.md",
    "Multiscale layout of zarr datasets"};

json EntryOf(const Convention& convention) {
  return {{"uuid", convention.uuid},
          {"name", convention.name},
          {"schema_url", convention.schema_url},
          {"spec_url", convention.spec_url},
          {"description", convention.description}};
}

bool IsEntryOf(const json& entry, const Convention& convention) {
  if (!entry.is_object()) return false;
  const auto uuid = entry.find("uuid");
  return uuid != entry.end() && *uuid == convention.uuid;
}

}  // namespace

json DeclareConventions(const json& declared, bool proj, bool spatial) {
  json all = json::array();
  for (const json& entry : declared.is_array() ? declared : json::array()) {
    if (!IsEntryOf(entry, kProj) && !IsEntryOf(entry, kSpatial)) all.push_back(entry);
  }
  if (proj) all.push_back(EntryOf(kProj));
  if (spatial) all.push_back(EntryOf(kSpatial));
  return all;
}

json MultiscalesConvention() { return EntryOf(kMultiscales); }

}  // namespace ndarray
