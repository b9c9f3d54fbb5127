#include "driver/raster/multidim/facts_store.h"

#include <cpl_conv.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "driver/raster/axes.h"
#include "driver/raster/gdal_error.h"
#include "driver/raster/gdal_types.h"
#include "driver/raster/metadata/stored_metadata.h"
#include "driver/raster/multidim/attribute_store.h"
#include "driver/raster/reserved_names.h"
#include "driver/store/json_text.h"

namespace ndarray {
namespace {

using nlohmann::json;

// Which letters of AXES the dimensions are; empty where no raster has as many.
std::string LettersOf(const ArrayFacts& facts, int rank) {
  if (rank > kMaxRasterAxes) return "";
  if (rank == 1) return "X";
  if (facts.x < 0 || facts.y < 0) return rank == 2 ? "YX" : "BYX";
  std::string letters(static_cast<size_t>(rank), 'B');
  letters[static_cast<size_t>(facts.y)] = 'Y';
  letters[static_cast<size_t>(facts.x)] = 'X';
  return letters;
}

// The facts as a raster says them, without pixels: of the last three axes, of which the first is
// the bands.
class FactsDataset final : public GDALPamDataset {
 public:
  FactsDataset(const ArrayFacts& facts, const ElementPlan& element, const ArrayInfo& info,
               const std::string& letters) {
    nRasterXSize = nRasterYSize = 1;
    PamInitialize();
    if (facts.crs != nullptr) GDALPamDataset::SetSpatialRef(facts.crs.get());
    if (facts.transform) {
      GDALSetGeoTransform(ToHandle(this), const_cast<double*>(facts.transform->data()));
    }
    if (!facts.nodata && !facts.scale && !facts.offset && facts.unit.empty()) return;
    const int rank = info.shape.size();
    const size_t band_letter = letters.find('B');
    const int axis = !letters.empty() ? static_cast<int>(band_letter) : rank - kMaxRasterAxes;
    const bool has_bands = letters.empty() || band_letter != std::string::npos;
    int64_t bands = info.is_record ? static_cast<int64_t>(info.fields.size()) : 1;
    if (has_bands) bands *= info.shape[axis];
    for (int number = 1; number <= std::min(bands, MaxBandCount()); ++number) {
      SetBand(number, new Band(*this, element.type.GetNumericDataType()));
      Describe(*GetRasterBand(number), facts);
    }
  }
  ~FactsDataset() override { nPamFlags &= ~GPF_DIRTY; }

  bool Save() { return GDALPamDataset::TrySaveXML() == CE_None; }

 private:
  class Band final : public GDALPamRasterBand {
   public:
    Band(FactsDataset& dataset, GDALDataType type) {
      poDS = &dataset;
      eDataType = type;
      nBlockXSize = nBlockYSize = 1;
    }

   protected:
    CPLErr IReadBlock(int, int, void*) override { return CE_Failure; }
  };

  static void Describe(GDALRasterBand& band, const ArrayFacts& facts) {
    if (facts.nodata) {
      const GDALDataType type = band.GetRasterDataType();
      if (type == GDT_Int64) {
        band.SetNoDataValueAsInt64(std::strtoll(facts.nodata->c_str(), nullptr, 10));
      } else if (type == GDT_UInt64) {
        band.SetNoDataValueAsUInt64(std::strtoull(facts.nodata->c_str(), nullptr, 10));
      } else {
        band.SetNoDataValue(CPLAtofM(facts.nodata->c_str()));
      }
    }
    if (facts.scale) band.SetScale(*facts.scale);
    if (facts.offset) band.SetOffset(*facts.offset);
    if (!facts.unit.empty()) band.SetUnitType(facts.unit.c_str());
  }
};

// Coordinates of x and y become a geotransform, if both are regular: only their attributes are
// left.
void PlaceOnGrid(ArrayFacts& facts) {
  if (facts.transform || facts.x < 0 || facts.y < 0) return;
  const auto x = facts.coordinates.find(facts.names[static_cast<size_t>(facts.x)]);
  const auto y = facts.coordinates.find(facts.names[static_cast<size_t>(facts.y)]);
  if (x == facts.coordinates.end() || y == facts.coordinates.end()) return;
  const auto along_x = Regular(x->second);
  const auto along_y = Regular(y->second);
  if (!along_x || !along_y) return;
  facts.transform = {along_x->first - along_x->second / 2,
                     along_x->second,
                     0,
                     along_y->first - along_y->second / 2,
                     0,
                     along_y->second};
  for (const auto& of_axis : {x, y}) {
    of_axis->second.values = std::vector<double>();
    if (of_axis->second.attributes.empty()) facts.coordinates.erase(of_axis);
  }
}

// Those that are not too long, of each dimension.
json ListedCoordinates(const ArrayFacts& facts, const std::string& path) {
  json listed = json::object();
  size_t size = 0;
  for (const auto& [name, coordinates] : facts.coordinates) {
    const json entry = ToJson(coordinates);
    const size_t bytes = Packed(entry).size();
    if (size + bytes > kMaxCoordinatesBytes) {
      ReportWarning(path + ": coordinates: the " + std::to_string(coordinates.count()) +
                    " of dimension " + name + " are not kept: more than " +
                    std::to_string(kMaxCoordinatesBytes) + " bytes");
      continue;
    }
    size += bytes;
    listed[name] = entry;
  }
  return listed;
}

// The names of y and x. REQUIRES: both are known
std::vector<std::string> SidesOf(const ArrayFacts& facts) {
  return {facts.names[static_cast<size_t>(facts.y)], facts.names[static_cast<size_t>(facts.x)]};
}

Status StoreInSidecar(const ArrayFacts& facts, FactsDataset& dataset, const std::string& letters,
                      const AxisVector& shape, const std::string& path) {
  dataset.SetDescription(path.c_str());
  const auto keep = [&](const char* name, const std::string& text) {
    dataset.SetMetadataItem(name, text.c_str(), kMetadataDomain);
  };
  keep("DIMENSION_NAMES", JsonText(facts.names));
  if (!letters.empty()) {
    keep("AXES", letters);
    keep("SHAPE", ShapeString(shape));
  } else if (facts.x >= 0 && facts.y >= 0) {
    keep("SPATIAL_DIMENSIONS", JsonText(SidesOf(facts)));
  }
  json typed = json::object();
  for (const auto& [name, value] : facts.attributes) {
    if (value.is_string() && ItemName(name) == name) {
      dataset.SetMetadataItem(name.c_str(), TextOf(value).c_str());
    } else {
      typed[name] = value;
    }
  }
  if (!typed.empty()) keep("ATTRIBUTES", TextOf(typed));
  const json coordinates = ListedCoordinates(facts, path);
  if (!coordinates.empty()) keep("COORDINATES", TextOf(coordinates));
  if (dataset.Save()) return {};
  return Status(StatusCode::kIo, path + ".aux.xml: it cannot be written");
}

Status StoreInFile(const ArrayFacts& facts, FactsDataset& dataset, const std::string& letters,
                   EditableAttributes& attributes, const std::string& path) {
  std::vector<Attribute> own;
  const json coordinates = ListedCoordinates(facts, path);
  if (!coordinates.empty()) own.emplace_back("coordinates", Packed(coordinates));
  if (letters.empty() && facts.x >= 0 && facts.y >= 0) {
    own.emplace_back("spatial:dimensions", Packed(SidesOf(facts)));
  }
  std::vector<Attribute> foreign;
  std::set<std::string> taken;
  size_t room = attributes.max_count() - 8;
  for (const auto& [name, value] : facts.attributes) {
    if (room > 0 && IsAttributeName(name) && taken.insert(name).second) {
      foreign.emplace_back(name, Packed(value));
      --room;
    } else {
      dataset.SetMetadataItem(ItemName(name).c_str(), TextOf(value).c_str());
    }
  }
  std::vector<std::string> old;
  for (const AttributeInfo& info : attributes.List()) old.push_back(info.name);
  for (const std::string& name : old) attributes.Remove(name);
  for (const auto* const list : {&own, &foreign}) {
    for (const auto& [name, value] : *list) {
      Status status = attributes.Set(name, value);
      if (!status.ok()) return status;
    }
  }
  for (const auto& [name, value] : StoreMetadata(dataset, letters, facts.names, path)) {
    Status status = attributes.Set(name, value);
    if (!status.ok()) return status;
  }
  return {};
}

}  // namespace

Status StoreArrayFacts(const ArrayFacts& said, const ElementPlan& element, WritableArray& array) {
  ArrayFacts facts = said;
  PlaceOnGrid(facts);
  const ArrayInfo& info = array.info();
  const std::string letters = LettersOf(facts, info.shape.size());
  FactsDataset dataset(facts, element, info, letters);
  EditableAttributes* const attributes = array.editable_attributes();
  return attributes != nullptr ? StoreInFile(facts, dataset, letters, *attributes, array.path())
                               : StoreInSidecar(facts, dataset, letters, info.shape, array.path());
}

}  // namespace ndarray
