#include "driver/raster/multidim/array_facts.h"

#include <cpl_conv.h>
#include <cpl_minixml.h>
#include <cpl_string.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "driver/raster/axes.h"
#include "driver/raster/metadata/axis_names.h"
#include "driver/raster/metadata/geo_metadata.h"
#include "driver/raster/metadata/sidecar.h"
#include "driver/raster/metadata/stored_metadata.h"
#include "driver/raster/reserved_names.h"
#include "driver/store/json_text.h"
#include "driver/store/msgpack.h"
#include "driver/store/text.h"

namespace ndarray {
namespace {

using nlohmann::json;

constexpr int64_t kMaxValueBytes = int64_t{16} << 20;

json ParseText(const char* text) { return text == nullptr ? json() : ParseJsonText(text); }

// Of dimensions whose coordinates can be read; false where it is something else that has this name.
bool ReadCoordinates(const json& value, std::map<std::string, Coordinates>& all) {
  if (!value.is_object()) return false;
  std::map<std::string, Coordinates> found;
  for (const auto& [name, of_dimension] : value.items()) {
    std::optional<Coordinates> coordinates = ParseCoordinates(of_dimension);
    if (!coordinates) return false;
    found[name] = std::move(*coordinates);
  }
  found.merge(all);
  all = std::move(found);
  return true;
}

// The value that was shown as text, as it is.
json ValueOf(const Attributes& attributes, const ShownAttribute& shown, int64_t& max_bytes,
             int64_t& max_values) {
  const Result<std::string> packed = attributes.Read(shown.attribute, max_bytes);
  if (!packed.ok()) return shown.text;
  max_bytes -= static_cast<int64_t>(packed->size());
  Result<json> value = ParseMsgpack(*packed, max_values);
  if (!value.ok()) return shown.text;
  return Presentable(std::move(*value));
}

void ReadAttributes(const Array& array, const StoredMetadata& stored, ArrayFacts& facts) {
  int64_t max_bytes = kMaxValueBytes;
  int64_t max_values = kMaxMsgpackValues;
  for (const ShownAttribute& shown : stored.shown) {
    json value = shown.is_long ? json(shown.text)
                               : ValueOf(*array.attributes(), shown, max_bytes, max_values);
    if (shown.attribute == "coordinates" && ReadCoordinates(value, facts.coordinates)) continue;
    facts.attributes.emplace_back(Printable(shown.attribute), std::move(value));
  }
}

const CPLXMLNode* RootOf(const XmlTree& tree) {
  return tree != nullptr ? CPLGetXMLNode(tree.get(), "=PAMDataset") : nullptr;
}

template <typename Visit>
void ForChildren(const CPLXMLNode& parent, const char* name, const Visit& visit) {
  for (const CPLXMLNode* node = parent.psChild; node != nullptr; node = node->psNext) {
    if (node->eType == CXT_Element && EQUAL(node->pszValue, name)) visit(*node);
  }
}

void ReadPamTransform(const CPLXMLNode& root, ArrayFacts& facts) {
  const char* const text = CPLGetXMLValue(&root, "GeoTransform", nullptr);
  if (text == nullptr) return;
  const CPLStringList words(CSLTokenizeStringComplex(text, ", ", FALSE, FALSE));
  if (words.size() != 6) return;
  std::array<double, 6> transform{};
  for (int i = 0; i < 6; ++i) transform[static_cast<size_t>(i)] = CPLAtof(words[i]);
  const bool finite = std::all_of(transform.begin(), transform.end(),
                                  [](double number) { return std::isfinite(number); });
  if (!finite || transform == std::array<double, 6>{0, 1, 0, 0, 0, 1}) return;
  facts.transform = transform;
}

void ReadPamCrs(const CPLXMLNode& root, ArrayFacts& facts) {
  const char* const text = CPLGetXMLValue(&root, "SRS", nullptr);
  if (text == nullptr) return;
  auto crs = std::make_shared<OGRSpatialReference>();
  crs->SetAxisMappingStrategy(OAMS_TRADITIONAL_GIS_ORDER);
  const CPLErrorStateBackuper errors_so_far;
  CPLPushErrorHandler(CPLQuietErrorHandler);
  const OGRErr error =
      crs->SetFromUserInput(text, OGRSpatialReference::SET_FROM_USER_INPUT_LIMITATIONS_get());
  CPLPopErrorHandler();
  if (error != OGRERR_NONE) return;
  facts.epoch = CPLAtof(CPLGetXMLValue(&root, "SRS.coordinateEpoch", "0"));
  facts.crs = std::move(crs);
}

// What the first band says, where all that say something say the same.
std::optional<std::string> OfAllBands(const CPLXMLNode& root, const char* name) {
  std::optional<std::string> all;
  bool differ = false;
  const auto look_at = [&](const CPLXMLNode& band) {
    const char* const text = CPLGetXMLValue(&band, name, nullptr);
    if (text == nullptr) return;
    differ = differ || (all && *all != text);
    all = text;
  };
  if (const CPLXMLNode* const every = FindEveryBand(root)) look_at(*every);
  ForChildren(root, "PAMRasterBand", look_at);
  if (differ) return std::nullopt;
  return all;
}

void ReadPamItems(const CPLXMLNode& root, ArrayFacts& facts) {
  ForChildren(root, "Metadata", [&](const CPLXMLNode& domain) {
    if (*CPLGetXMLValue(&domain, "domain", "") != '\0') return;
    ForChildren(domain, "MDI", [&](const CPLXMLNode& item) {
      const char* const key = CPLGetXMLValue(&item, "key", "");
      if (*key != '\0' && !EQUAL(key, "AREA_OR_POINT")) {
        SetValue(facts.attributes, key, CPLGetXMLValue(&item, "", ""));
      }
    });
  });
  const json typed = ParseText(PamMetadataItem(&root, "ATTRIBUTES", kMetadataDomain));
  for (const auto& [name, value] : MembersOf(typed)) SetValue(facts.attributes, name, value);
  ReadCoordinates(ParseText(PamMetadataItem(&root, "COORDINATES", kMetadataDomain)),
                  facts.coordinates);
}

void ReadPamFacts(const CPLXMLNode& root, ArrayFacts& facts) {
  ReadPamTransform(root, facts);
  ReadPamCrs(root, facts);
  ReadPamItems(root, facts);
  if (auto nodata = OfAllBands(root, "NoDataValue")) facts.nodata = nodata;
  if (const auto unit = OfAllBands(root, "UnitType")) facts.unit = *unit;
  if (const auto scale = OfAllBands(root, "Scale")) facts.scale = CPLAtof(scale->c_str());
  if (const auto offset = OfAllBands(root, "Offset")) facts.offset = CPLAtof(offset->c_str());
}

std::vector<std::string> NamesInSidecar(const CPLXMLNode& root, const char* item) {
  const json names = ParseText(PamMetadataItem(&root, item, kMetadataDomain));
  std::vector<std::string> texts;
  for (const json& name : names.is_array() ? names : json::array()) {
    texts.push_back(name.is_string() ? name.get<std::string>() : "");
  }
  return texts;
}

bool AreNames(const std::vector<std::string>& names, int rank) {
  const std::set<std::string> different(names.begin(), names.end());
  return static_cast<int>(different.size()) == rank && static_cast<int>(names.size()) == rank &&
         std::none_of(names.begin(), names.end(), [](const std::string& name) {
           return name.empty() || name.find('/') != std::string::npos;
         });
}

// The letters of AXES that are remembered for this array, or that the rule gives where the array is
// a raster somewhere on earth.
std::string LettersOf(const ArrayFacts& facts, const AxisVector& shape, const CPLXMLNode* sidecar,
                      const std::string& stored) {
  std::string letters = stored;
  const char* const kept = PamMetadataItem(sidecar, "AXES", kMetadataDomain);
  const char* const of_shape = PamMetadataItem(sidecar, "SHAPE", kMetadataDomain);
  if (kept != nullptr && (of_shape == nullptr || ShapeString(shape) == of_shape)) letters = kept;
  if (shape.size() > kMaxRasterAxes) return "";
  Result<Axes> axes = ChooseAxes(shape, {}, letters);
  if (!axes.ok()) axes = ChooseAxes(shape, {}, "");
  const bool is_known = !letters.empty() || facts.transform || facts.crs || facts.has_crs;
  return axes.ok() && is_known ? axes->name : "";
}

int AxisNamed(const std::vector<std::string>& names, const std::string& name) {
  const auto found = std::find(names.begin(), names.end(), name);
  return found == names.end() ? -1 : static_cast<int>(found - names.begin());
}

void NameAxes(const AxisVector& shape, const CPLXMLNode* sidecar, const StoredMetadata& stored,
              ArrayFacts& facts) {
  const int rank = shape.size();
  const std::string letters = LettersOf(facts, shape, sidecar, stored.axes);
  std::vector<std::string> sides = stored.spatial_dimensions;
  if (sidecar != nullptr) {
    facts.names = NamesInSidecar(*sidecar, "DIMENSION_NAMES");
    if (sides.empty()) sides = NamesInSidecar(*sidecar, "SPATIAL_DIMENSIONS");
  }
  if (!AreNames(facts.names, rank)) facts.names = stored.dimension_names;
  if (!AreNames(facts.names, rank)) facts.names = AxisNames(letters);
  const bool named = AreNames(facts.names, rank);
  if (!named) {
    facts.names.clear();
    for (int axis = 0; axis < rank; ++axis) facts.names.push_back("dim_" + std::to_string(axis));
  }
  if (static_cast<int>(letters.size()) == rank) {
    const auto axis = [&](char letter) {
      const size_t at = letters.find(letter);
      return at == std::string::npos ? -1 : static_cast<int>(at);
    };
    facts.y = axis('Y');
    facts.x = axis('X');
  } else if (sides.size() == 2) {
    facts.y = AxisNamed(facts.names, sides[0]);
    facts.x = AxisNamed(facts.names, sides[1]);
  } else if (facts.transform || facts.has_crs || facts.crs) {
    facts.y = named ? AxisNamed(facts.names, "y") : rank - 2;
    facts.x = named ? AxisNamed(facts.names, "x") : rank - 1;
  }
  // Letters of rasters say something of each axis, whatever it is.
  const auto is_side = [&](int axis) {
    return axis >= 0 && !IsTime(facts.names[static_cast<size_t>(axis)]);
  };
  if (facts.x == facts.y || !is_side(facts.x) || (facts.y >= 0 && !is_side(facts.y))) {
    facts.x = facts.y = -1;
  }
}

}  // namespace

bool IsTime(const std::string& name) { return name == "t" || name == "time"; }

ArrayFacts ReadArrayFacts(GDALOpenInfo& open_info, const Array& array) {
  ArrayFacts facts;
  const StoredMetadata stored = ReadStoredMetadata(array.attributes(), array.info().shape);
  facts.transform = stored.transform;
  facts.has_crs = stored.has_crs;
  facts.epoch = stored.epoch;
  ReadAttributes(array, stored, facts);
  const CPLErrorStateBackuper errors_so_far;
  CPLPushErrorHandler(CPLQuietErrorHandler);
  const XmlTree own(stored.pam.empty() ? nullptr : CPLParseXMLString(stored.pam.c_str()));
  CPLPopErrorHandler();
  const XmlTree beside = ReadPam(array.path(), SidecarNames(open_info, array.path()));
  for (const XmlTree* const tree : {&own, &beside}) {
    if (const CPLXMLNode* const root = RootOf(*tree)) ReadPamFacts(*root, facts);
  }
  const CPLXMLNode* const sidecar = RootOf(beside) != nullptr ? RootOf(beside) : RootOf(own);
  NameAxes(array.info().shape, sidecar, stored, facts);
  for (auto at = facts.coordinates.begin(); at != facts.coordinates.end();) {
    const int axis = AxisNamed(facts.names, at->first);
    const auto count = static_cast<int64_t>(at->second.count());
    const bool is_placed = facts.transform && (axis == facts.x || axis == facts.y);
    const bool fits = axis >= 0 && (count == array.info().shape[axis] || (count == 0 && is_placed));
    at = fits ? std::next(at) : facts.coordinates.erase(at);
  }
  return facts;
}

std::shared_ptr<OGRSpatialReference> CrsOf(const ArrayFacts& facts, const Array& array) {
  std::shared_ptr<OGRSpatialReference> crs;
  if (facts.crs != nullptr) {
    crs.reset(facts.crs->Clone());
  } else if (facts.has_crs) {
    crs = ReadStoredCrs(array.attributes()).crs;
  }
  if (crs == nullptr) return nullptr;
  if (facts.epoch > 0) crs->SetCoordinateEpoch(facts.epoch);
  crs->SetAxisMappingStrategy(OAMS_TRADITIONAL_GIS_ORDER);
  if (facts.x >= 0 && facts.y >= 0) {
    std::vector<int> mapping = crs->GetDataAxisToSRSAxisMapping();
    for (int& axis : mapping) axis = axis == 1 ? facts.x + 1 : axis == 2 ? facts.y + 1 : axis;
    // GDAL wants for each axis of the CRS the number of the array's.
    crs->SetDataAxisToSRSAxisMapping(mapping);
  }
  return crs;
}

}  // namespace ndarray
