#include "driver/raster/metadata/stored_metadata.h"

#include <cpl_conv.h>
#include <cpl_error.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string>

#include "driver/raster/metadata/axis_names.h"
#include "driver/raster/reserved_names.h"
#include "driver/store/json_text.h"
#include "driver/store/msgpack.h"
#include "driver/store/text.h"

namespace ndarray {
namespace {

using nlohmann::json;

// What gdalinfo prints of one item, at most.
constexpr size_t kMaxItemBytes = size_t{1} << 20;
// The limit of all values together, decoded.
constexpr int64_t kMaxValuesBytes = int64_t{16} << 20;
// The limit of one foreign attribute, as it is in the file: opening reads no longer ones.
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

// A value that cannot be read does not keep the file from opening: its reason is shown instead.
json ReadValue(const Attributes& attributes, const std::string& name, Budget& budget) {
  const Result<std::string> packed = attributes.Read(name, budget.max_bytes);
  Result<json> value = packed.ok() ? ParseMsgpack(*packed, budget.max_values) : packed.status();
  if (packed.ok()) budget.max_bytes -= static_cast<int64_t>(packed->size());
  if (!value.ok()) return "(" + value.status().message() + ")";
  return Presentable(std::move(*value), name == "gdal" ? kMaxPamBytes : kMaxShownBytes);
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

// In the order of kCrsForms, except that a code which the WKT names comes first: it says more,
// since WKT leaves out the codes of the parts.
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

// The key that holds what only GDAL has.
bool ReadGdal(const json& value, StoredMetadata& metadata) {
  if (!value.is_object()) return false;
  for (const auto& [name, to] :
       {std::pair<const char*, std::string*>{"axes", &metadata.axes}, {"pam", &metadata.pam}}) {
    const auto found = value.find(name);
    if (found != value.end() && found->is_string()) *to = found->get<std::string>();
  }
  const auto epoch = value.find("epoch");
  if (epoch != value.end() && epoch->is_number() && std::isfinite(epoch->get<double>())) {
    metadata.epoch = epoch->get<double>();
  }
  return true;
}

ShownAttribute Shown(const std::string& name, const json& value) {
  ShownAttribute shown{name, name, "", false};
  shown.text = value.is_string() ? value.get<std::string>() : JsonText(value);
  if (shown.text.size() > kMaxItemBytes) {
    shown.text = "(" + std::to_string(shown.text.size()) + " bytes)";
  }
  // GDAL keeps "KEY=VALUE", and takes "KEY:VALUE" for the same.
  std::replace_if(
      shown.key.begin(), shown.key.end(), [](char c) { return c == '=' || c == ':'; }, '_');
  return shown;
}

// GDAL cannot show two items of one name: the last one is shown, and only that can be changed.
void Show(ShownAttribute shown, std::vector<ShownAttribute>& all) {
  const auto is_hidden = [&](const ShownAttribute& other) {
    return EQUAL(other.key.c_str(), shown.key.c_str());
  };
  all.erase(std::remove_if(all.begin(), all.end(), is_hidden), all.end());
  all.push_back(std::move(shown));
}

std::vector<std::string> Texts(const json& value) {
  std::vector<std::string> texts;
  for (const json& item : value.is_array() ? value : json::array()) {
    if (!item.is_string()) return {};
    texts.push_back(item.get<std::string>());
  }
  return texts;
}

}  // namespace

StoredMetadata ReadStoredMetadata(const Attributes* attributes, const AxisVector& shape) {
  StoredMetadata metadata;
  if (attributes == nullptr) return metadata;
  Budget budget;
  std::vector<std::string>& dimensions = metadata.dimension_names;
  std::vector<std::string>& spatial_dimensions = metadata.spatial_dimensions;
  for (const AttributeInfo& info : attributes->List()) {
    const std::string key = Printable(info.name);
    if (key == kMaskAttribute) continue;
    if (IsCrsForm(key)) {
      metadata.has_crs = true;
      continue;
    }
    if (info.size_bytes > kMaxForeignBytes && key != "gdal") {
      const std::string size = "(" + std::to_string(info.size_bytes) + " bytes in the file)";
      ShownAttribute shown = Shown(info.name, size);
      shown.is_long = true;
      Show(std::move(shown), metadata.shown);
      continue;
    }
    const json value = ReadValue(*attributes, info.name, budget);
    const bool understood =
        key == "gdal"                 ? ReadGdal(value, metadata)
        : key == "spatial:transform"  ? (metadata.transform = ReadTransform(value)).has_value()
        : key == "spatial:dimensions" ? !(spatial_dimensions = Texts(value)).empty()
        : key == "dimension_names"    ? !(dimensions = Texts(value)).empty()
                                      : key == "zarr_conventions" && value.is_array();
    if (understood) {
      metadata.understood.insert(key);
    } else {
      Show(Shown(info.name, value), metadata.shown);
    }
  }
  const auto axes = static_cast<size_t>(shape.size());
  if (metadata.axes.empty() && (dimensions.empty() || dimensions.size() == axes)) {
    metadata.axes = AxesOfNames(dimensions, spatial_dimensions);
    if (metadata.axes.size() != axes) metadata.axes.clear();
  }
  return metadata;
}

StoredCrs ReadStoredCrs(const Attributes* attributes) {
  StoredCrs stored;
  if (attributes == nullptr) return stored;
  for (const auto& [key, value] : CrsForms(*attributes)) {
    stored.crs = ParseCrs(value);
    if (stored.crs != nullptr) break;
    Show(Shown(key, value), stored.unreadable);
  }
  return stored;
}

}  // namespace ndarray
