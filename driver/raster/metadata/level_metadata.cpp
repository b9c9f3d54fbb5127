#include "driver/raster/metadata/level_metadata.h"

#include <cpl_conv.h>
#include <cpl_minixml.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <set>

#include "driver/raster/metadata/zarr_conventions.h"
#include "driver/raster/reserved_names.h"
#include "driver/raster/xml_tree.h"
#include "driver/store/msgpack.h"

namespace ndarray {
namespace {

using nlohmann::json;

std::string Packed(const json& value) {
  const std::vector<uint8_t> bytes = json::to_msgpack(value);
  return {bytes.begin(), bytes.end()};
}

json Unpacked(const std::string& bytes) {
  int64_t max_values = kMaxMsgpackValues;
  Result<json> value = ParseMsgpack(bytes, max_values);
  return value.ok() ? std::move(*value) : json();
}

// Removes the children that are not to be kept.
template <typename Keep>
void Prune(CPLXMLNode& node, const Keep& keep) {
  for (CPLXMLNode* child = node.psChild; child != nullptr;) {
    CPLXMLNode* const next = child->psNext;
    if (child->eType == CXT_Element && !keep(*child)) {
      CPLRemoveXMLChild(&node, child);
      CPLDestroyXMLNode(child);
    }
    child = next;
  }
}

// Of a PAM document, what pixels of bands mean.
std::string MeaningOfPixels(const std::string& pam) {
  const XmlTree tree(CPLParseXMLString(pam.c_str()));
  CPLXMLNode* const dataset = tree != nullptr ? CPLGetXMLNode(tree.get(), "=PAMDataset") : nullptr;
  if (dataset == nullptr) return "";
  Prune(*dataset, [](const CPLXMLNode& node) {
    return EQUAL(node.pszValue, "PAMRasterBand") || EQUAL(node.pszValue, "EveryBand");
  });
  bool says_something = false;
  for (CPLXMLNode* band = dataset->psChild; band != nullptr; band = band->psNext) {
    if (band->eType != CXT_Element) continue;
    Prune(*band, [](const CPLXMLNode& node) {
      static const std::set<std::string> kept = {"Description", "NoDataValue",   "ColorInterp",
                                                 "ColorTable",  "UnitType",      "Offset",
                                                 "Scale",       "CategoryNames", "NoDataValue"};
      return kept.count(node.pszValue) > 0 ||
             (EQUAL(node.pszValue, "Metadata") &&
              EQUAL(CPLGetXMLValue(&node, "domain", ""), kMetadataDomain));
    });
    says_something = true;
  }
  if (!says_something) return "";
  char* const text = CPLSerializeXMLTree(tree.get());
  std::string result = text != nullptr ? text : "";
  CPLFree(text);
  return result;
}

std::string ScaledTransform(const std::string& packed, int factor) {
  json affine = Unpacked(packed);
  if (!affine.is_array() || affine.size() != 6) return packed;
  for (const size_t i : {0u, 1u, 3u, 4u}) {
    if (affine[i].is_number()) affine[i] = affine[i].get<double>() * factor;
  }
  return Packed(affine);
}

std::string OfLevel(const std::string& packed) {
  json gdal = Unpacked(packed);
  if (!gdal.is_object()) return packed;
  const auto pam = gdal.find("pam");
  if (pam != gdal.end() && pam->is_string()) {
    const std::string meaning = MeaningOfPixels(pam->get<std::string>());
    if (meaning.empty()) {
      gdal.erase("pam");
    } else {
      gdal["pam"] = meaning;
    }
  }
  return Packed(gdal);
}

}  // namespace

std::vector<Attribute> LevelAttributes(const std::vector<Attribute>& image, int factor) {
  static const std::set<std::string> copied = {"spatial:dimensions", "dimension_names",
                                               "zarr_conventions",   "proj:wkt2",
                                               "proj:code",          "proj:projjson"};
  std::vector<Attribute> level;
  for (const auto& [name, value] : image) {
    if (copied.count(name) > 0) level.emplace_back(name, value);
    if (name == "spatial:transform") level.emplace_back(name, ScaledTransform(value, factor));
    if (name == "gdal") level.emplace_back(name, OfLevel(value));
  }
  return level;
}

std::string WithMultiscales(const std::string& declared) {
  json all = Unpacked(declared);
  if (!all.is_array()) all = json::array();
  const json own = MultiscalesConvention();
  for (const json& entry : all) {
    if (entry.is_object() && entry.value("uuid", json()) == own["uuid"]) return declared;
  }
  all.push_back(own);
  return Packed(all);
}

std::string LevelAsset(const std::string& image, int number) {
  return image == "0" ? std::to_string(number) : image + "_" + std::to_string(number);
}

std::vector<Attribute> PyramidAttributes(const std::string& image, const std::vector<int>& factors,
                                         const std::string& method) {
  const auto level = [](const std::string& asset, double scale) {
    return json{{"asset", asset},
                {"transform", {{"scale", {scale, scale}}, {"translation", {0.0, 0.0}}}}};
  };
  json layout = json::array({level(image, 1)});
  std::string finer = image;
  int finer_factor = 1;
  for (const int factor : factors) {
    int number = 0;
    while (1 << number < factor) ++number;
    const std::string asset = LevelAsset(image, number);
    layout.push_back(level(asset, static_cast<double>(factor) / finer_factor));
    layout.back()["derived_from"] = finer;
    finer = asset;
    finer_factor = factor;
  }
  json multiscales = {{"layout", std::move(layout)}};
  if (!factors.empty()) multiscales["resampling_method"] = method;
  return {{"multiscales", Packed(multiscales)},
          {"zarr_conventions", Packed(json::array({MultiscalesConvention()}))}};
}

}  // namespace ndarray
