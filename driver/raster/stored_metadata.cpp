#include "driver/raster/stored_metadata.h"

#include <cpl_conv.h>
#include <cpl_error.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string>

#include "driver/raster/geo_metadata.h"
#include "driver/raster/stored_mask.h"
#include "driver/store/msgpack.h"
#include "driver/store/text.h"

namespace ndarray {
namespace {

using nlohmann::json;

// What gdalinfo prints of one item, at most.
constexpr size_t kMaxItemBytes = size_t{1} << 20;
// Of all values together, decoded.
constexpr int64_t kMaxValuesBytes = int64_t{16} << 20;
// Of one attribute that is not ours, in the file: opening reads no more.
constexpr uint64_t kMaxForeignBytes = uint64_t{64} << 10;

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

std::unique_ptr<OGRSpatialReference> ParseCrs(const json& value) {
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

constexpr const char* kCrsForms[] = {"proj:wkt2", "proj:projjson", "proj:code"};

bool IsCrsForm(const std::string& name) {
  return std::find(std::begin(kCrsForms), std::end(kCrsForms), name) != std::end(kCrsForms);
}

// What may still be decoded of one file's attributes together, in bytes and in values.
struct Budget {
  int64_t max_bytes = kMaxValuesBytes;
  int64_t max_values = kMaxMsgpackValues;
};

// What cannot be read costs nobody their pixels: the reason stands in its place.
json ReadValue(const Attributes& attributes, const std::string& name, Budget& budget) {
  const Result<std::string> packed = attributes.Read(name, budget.max_bytes);
  Result<json> value = packed.ok() ? ParseMsgpack(*packed, budget.max_values) : packed.status();
  if (packed.ok()) budget.max_bytes -= static_cast<int64_t>(packed->size());
  if (!value.ok()) return "(" + value.status().message() + ")";
  // By way of a text, which replaces what is no UTF-8.
  return json::parse(
      Presentable(std::move(*value)).dump(-1, ' ', false, json::error_handler_t::replace));
}

// Whether the WKT itself ends with the code.
bool IsCodeOf(const json& wkt, const json& code) {
  if (!wkt.is_string() || !code.is_string()) return false;
  const auto& text = wkt.get_ref<const std::string&>();
  const auto& name = code.get_ref<const std::string&>();
  const size_t colon = name.find(':');
  if (colon == std::string::npos) return false;
  const std::string end = "ID[\"" + name.substr(0, colon) + "\"," + name.substr(colon + 1) + "]]";
  return text.size() > end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

// In the order of kCrsForms, but a code that the WKT names first: it tells more, the codes of the
// parts, which WKT leaves out.
std::vector<std::pair<std::string, json>> CrsForms(const Attributes& attributes) {
  Budget budget;
  const std::vector<AttributeInfo> list = attributes.List();
  std::vector<std::pair<std::string, json>> forms;
  for (const char* const form : kCrsForms) {
    const bool there = std::any_of(list.begin(), list.end(),
                                   [&](const AttributeInfo& info) { return info.name == form; });
    if (there) forms.emplace_back(form, ReadValue(attributes, form, budget));
  }
  if (forms.size() > 1 && IsCodeOf(forms.front().second, forms.back().second)) {
    std::rotate(forms.begin(), forms.end() - 1, forms.end());
  }
  return forms;
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
  std::string text = value.is_string() ? value.get<std::string>()
                                       : value.dump(-1, ' ', false, json::error_handler_t::replace);
  if (text.size() > kMaxItemBytes) text = "(" + std::to_string(text.size()) + " bytes)";
  std::string key = name;  // GDAL keeps "KEY=VALUE", and takes "KEY:VALUE" for the same
  for (char& c : key) {
    if (c == '=' || c == ':') c = '_';
  }
  items.SetNameValue(key.c_str(), text.c_str());
}

}  // namespace

StoredMetadata ReadStoredMetadata(const Array& array) {
  StoredMetadata metadata;
  if (array.attributes() == nullptr) return metadata;
  Budget budget;
  for (const AttributeInfo& info : array.attributes()->List()) {
    const std::string key = Printable(info.name);
    if (key == kMaskAttribute) continue;
    if (key == "spatial:dimensions") continue;  // the axes' names, which other programs ask for
    if (IsCrsForm(key)) {
      metadata.has_crs = true;
      continue;
    }
    if (info.size_bytes > kMaxForeignBytes && !IsStoredMetadata(key)) {
      AddItem(key, "(" + std::to_string(info.size_bytes) + " bytes in the file)", metadata.items);
      continue;
    }
    const json value = ReadValue(*array.attributes(), info.name, budget);
    if (key == "gdal" && ReadGdal(value, metadata)) continue;
    if (key == "spatial:transform" && (metadata.transform = ReadTransform(value))) continue;
    AddItem(key, value, metadata.items);
  }
  return metadata;
}

StoredCrs ReadStoredCrs(const Array& array) {
  StoredCrs stored;
  if (array.attributes() == nullptr) return stored;
  for (const auto& [key, value] : CrsForms(*array.attributes())) {
    stored.crs = ParseCrs(value);
    if (stored.crs != nullptr) break;
    AddItem(key, value, stored.unreadable);
  }
  return stored;
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
  const std::string pam = SerializeMetadata(source, axes);
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
