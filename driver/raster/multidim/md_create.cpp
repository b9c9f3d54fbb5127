#include "driver/raster/multidim/md_create.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "driver/raster/gdal_error.h"
#include "driver/raster/gdal_types.h"
#include "driver/raster/multidim/md_array.h"
#include "driver/raster/multidim/md_attribute.h"
#include "driver/raster/multidim/md_dataset.h"
#include "driver/raster/multidim/positions.h"

namespace ndarray {
namespace {

// What is said of a file that is being made. Shared by all that GDAL hands out of it and that may
// still say something: the last one that is released has it stored. It has none of them itself.
struct NewFile {
  NewFile(std::string to, ArrayMaker maker, bool temporary)
      : path(std::move(to)), make(std::move(maker)), is_temporary(temporary) {}
  ~NewFile() { Flush(); }
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;

  // Positions and the group's own attributes are said of the array.
  CPLErr Flush() {
    return Guarded(CE_Failure, [this] {
      if (open == nullptr) return CheckNothingIsLost();
      const ArrayFacts& said = open->facts();
      std::map<std::string, Coordinates> placed = Placed(said);
      NamedValues all = WithOwn(said.attributes);
      // Nothing is stored twice.
      if (!(placed == said.coordinates)) open->EditFacts().coordinates = std::move(placed);
      if (all != said.attributes) open->EditFacts().attributes = std::move(all);
      return open->Flush();
    });
  }

  std::map<std::string, Coordinates> Placed(const ArrayFacts& said) {
    std::map<std::string, Coordinates> placed;
    for (const auto& [name, of_dimension] : coordinates) {
      if (std::count(said.names.begin(), said.names.end(), name) > 0) {
        placed[name] = of_dimension;
      } else {
        WarnOnce("coordinates of dimension " + name,
                 "they are not kept: the array has no such dimension");
      }
    }
    return placed;
  }

  NamedValues WithOwn(NamedValues all) {
    for (const auto& [name, value] : attributes) {
      const auto there = std::find_if(
          all.begin(), all.end(), [&key = name](const auto& other) { return other.first == key; });
      if (there != all.end() && of_group.count(name) == 0) {
        if (there->second == value) continue;
        WarnOnce("attribute " + name, "that of the group is not kept: the array has one, too");
        continue;
      }
      SetValue(all, name, value);
      of_group.insert(name);
    }
    return all;
  }

  void WarnOnce(const std::string& what, const char* reason) {
    if (told.insert(what).second) ReportWarning(path + ": " + what + ": " + reason);
  }

  // Positions and attributes alone make no file. Reported once.
  CPLErr CheckNothingIsLost() {
    if ((coordinates.empty() && attributes.empty()) || knows_loss) return CE_None;
    knows_loss = true;
    Report(Mismatch(StatusCode::kNotSupported, "arrays",
                    coordinates.empty()
                        ? "none"
                        : "none but that of dimension " + coordinates.begin()->first,
                    coordinates.empty() ? "one" : "one with another name")
               .At(path));
    return CE_Failure;
  }

  const std::string path;
  const ArrayMaker make;
  const bool is_temporary;
  std::map<std::string, Coordinates> coordinates;  // by dimension
  NamedValues attributes;                          // of the group
  std::set<std::string> of_group;  // those that the array has from it, and none of its own
  std::shared_ptr<OpenArray> open;
  std::set<std::string> told;
  bool knows_loss = false;
};

// Its variable has it, and so it knows that only weakly; where nobody has it any longer another one
// is made, of the same positions.
class NewDimension final : public GDALDimension, public std::enable_shared_from_this<NewDimension> {
 public:
  using GDALDimension::GDALDimension;

  // REQUIRES: as Positions::Write
  std::shared_ptr<GDALMDArray> Place(GDALDataType type, std::shared_ptr<Coordinates> coordinates) {
    type_ = type;
    coordinates_ = std::move(coordinates);
    variable_.reset();
    return GetIndexingVariable();
  }

  std::shared_ptr<GDALMDArray> GetIndexingVariable() const override {
    std::shared_ptr<GDALMDArray> variable = variable_.lock();
    if (variable != nullptr || coordinates_ == nullptr) return variable;
    const auto self = std::const_pointer_cast<NewDimension>(shared_from_this());
    variable = Positions::Write("/", self, type_, coordinates_);
    variable_ = variable;
    return variable;
  }
  bool SetIndexingVariable(std::shared_ptr<GDALMDArray> variable) override {
    variable_ = variable;
    return true;
  }

 private:
  mutable std::weak_ptr<GDALMDArray> variable_;
  GDALDataType type_ = GDT_Float64;
  std::shared_ptr<Coordinates> coordinates_;
};

bool IsOneOf(const std::string& name, std::initializer_list<const char*> names) {
  return std::any_of(names.begin(), names.end(),
                     [&](const char* one) { return EQUAL(name.c_str(), one); });
}

bool IsX(const GDALDimension& dimension) {
  return dimension.GetType() == GDAL_DIM_TYPE_HORIZONTAL_X ||
         (dimension.GetType().empty() &&
          IsOneOf(dimension.GetName(), {"x", "lon", "longitude", "easting"}));
}

bool IsY(const GDALDimension& dimension) {
  return dimension.GetType() == GDAL_DIM_TYPE_HORIZONTAL_Y ||
         (dimension.GetType().empty() &&
          IsOneOf(dimension.GetName(), {"y", "lat", "latitude", "northing"}));
}

constexpr const char* kOfRoot = "/_GLOBAL_";  // as GDAL calls what has the group's attributes

class NewGroup final : public GDALGroup {
 public:
  explicit NewGroup(std::shared_ptr<NewFile> file) : GDALGroup("", "/"), file_(std::move(file)) {}

#if NDARRAY_HAS_GROUP_SELF
  void KnowSelf(const std::shared_ptr<GDALGroup>& self) { SetSelf(self); }
#endif

  std::vector<std::string> GetMDArrayNames(CSLConstList) const override {
    std::vector<std::string> names;
    if (array_ != nullptr) names.push_back(array_->GetName());
    for (const auto& [name, positions] : positions_) names.push_back(name);
    return names;
  }

  std::shared_ptr<GDALMDArray> OpenMDArray(const std::string& name, CSLConstList) const override {
    if (array_ != nullptr && array_->GetName() == name) return array_;
    const auto found = positions_.find(name);
    return found == positions_.end() ? nullptr : found->second;
  }

  std::vector<std::shared_ptr<GDALDimension>> GetDimensions(CSLConstList) const override {
    return dimensions_;
  }

  std::shared_ptr<GDALDimension> CreateDimension(const std::string& name, const std::string& type,
                                                 const std::string& direction, GUInt64 size,
                                                 CSLConstList) override {
    const bool is_there = std::any_of(dimensions_.begin(), dimensions_.end(),
                                      [&](const auto& one) { return one->GetName() == name; });
    if (name.empty() || name.find('/') != std::string::npos || is_there || size < 1 ||
        size > static_cast<GUInt64>(INT64_MAX)) {
      Report(Mismatch(StatusCode::kInvalidArgument, "dimension",
                      "\"" + name + "\" of " + std::to_string(size),
                      "another name without a slash, and at least one element")
                 .At(file_->path));
      return nullptr;
    }
    dimensions_.push_back(std::make_shared<NewDimension>("/", name, type, direction, size));
    return dimensions_.back();
  }

  std::shared_ptr<GDALMDArray> CreateMDArray(
      const std::string& name, const std::vector<std::shared_ptr<GDALDimension>>& dimensions,
      const GDALExtendedDataType& type, CSLConstList options) override {
    return Guarded<std::shared_ptr<GDALMDArray>>(nullptr, [&]() -> std::shared_ptr<GDALMDArray> {
      if (name.empty() || name.find('/') != std::string::npos) {
        Report(Mismatch(StatusCode::kInvalidArgument, "array", "\"" + name + "\"",
                        "a name without a slash")
                   .At(file_->path));
        return nullptr;
      }
      if (dimensions.size() == 1 && dimensions[0]->GetName() == name) {
        return CreatePositions(name, dimensions[0], type);
      }
      if (dimensions.empty()) {
        ReportWarning(file_->path + ": " + name + ": it has no dimensions, and is left out");
        return nullptr;
      }
      if (array_ != nullptr) {
        Report(Mismatch(StatusCode::kNotSupported, "arrays", array_->GetName() + " and " + name,
                        "one for each file (gdalmdimtranslate -array chooses it)")
                   .At(file_->path));
        return nullptr;
      }
      return CreateOnly(name, dimensions, type, options);
    });
  }

  std::shared_ptr<GDALGroup> CreateGroup(const std::string& name, CSLConstList) override {
    Report(Mismatch(StatusCode::kNotSupported, "group", name, "none: a file has one array")
               .At(file_->path));
    return nullptr;
  }

  std::shared_ptr<GDALAttribute> CreateAttribute(const std::string& name,
                                                 const std::vector<GUInt64>& dimensions,
                                                 const GDALExtendedDataType& type,
                                                 CSLConstList) override {
    if (IsTaken(file_->attributes, name)) return nullptr;
    return NewAttribute(kOfRoot, name, dimensions, type, Keeper());
  }
#if NDARRAY_HAS_DELETE_ATTRIBUTE
  bool DeleteAttribute(const std::string& name, CSLConstList) override {
    if (!RemoveValue(file_->attributes, name)) return NoAttribute(name);
    if (file_->of_group.erase(name) > 0) RemoveValue(file_->open->EditFacts().attributes, name);
    return true;
  }
#endif
  std::vector<std::shared_ptr<GDALAttribute>> GetAttributes(CSLConstList) const override {
    return MakeAttributes(kOfRoot, file_->attributes, Keeper());
  }
  std::shared_ptr<GDALAttribute> GetAttribute(const std::string& name) const override {
    return GetAttributeFromAttributes(name);
  }

 private:
  KeepAttribute Keeper() const {
    return [file = file_](const std::string& name, nlohmann::json value) {
      SetValue(file->attributes, name, std::move(value));
      return Status();
    };
  }

  std::shared_ptr<GDALMDArray> CreatePositions(const std::string& name,
                                               const std::shared_ptr<GDALDimension>& dimension,
                                               const GDALExtendedDataType& type) {
    if (type.GetClass() != GEDTC_NUMERIC || GDALDataTypeIsComplex(type.GetNumericDataType())) {
      ReportWarning(file_->path + ": coordinates of dimension " + name +
                    ": they are no real numbers, and are left out");
      return nullptr;
    }
    const auto count = static_cast<size_t>(dimension->GetSize());
    Coordinates& kept = file_->coordinates[name];
    kept = ZeroCoordinates(type.GetNumericDataType(), count);
    const std::shared_ptr<Coordinates> shared(file_, &kept);  // which keeps the file
    std::shared_ptr<GDALMDArray> positions;
    if (auto* const own = dynamic_cast<NewDimension*>(dimension.get())) {
      positions = own->Place(type.GetNumericDataType(), shared);
    } else {
      positions = Positions::Write("/", dimension, type.GetNumericDataType(), shared);
      dimension->SetIndexingVariable(positions);
    }
    positions_[name] = positions;
    return positions;
  }

  std::shared_ptr<GDALMDArray> CreateOnly(
      const std::string& name, const std::vector<std::shared_ptr<GDALDimension>>& dimensions,
      const GDALExtendedDataType& type, CSLConstList options) {
    const bool signed_byte = EQUAL(CSLFetchNameValueDef(options, "PIXELTYPE", ""), "SIGNEDBYTE");
    const auto scalar = type.GetClass() == GEDTC_NUMERIC
                            ? ToScalarType(type.GetNumericDataType(), signed_byte)
                            : std::nullopt;
    if (!scalar || dimensions.size() > size_t{kMaxAxes}) {
      Report(Mismatch(StatusCode::kNotSupported, "array " + name, "its data type or dimensions",
                      std::string("1 to 64 dimensions, and one of ") + CreationDataTypes())
                 .At(file_->path));
      return nullptr;
    }
    AxisVector shape;
    ArrayFacts facts;
    for (const auto& dimension : dimensions) {
      if (IsX(*dimension)) facts.x = shape.size();
      if (IsY(*dimension)) facts.y = shape.size();
      shape.push_back(static_cast<int64_t>(dimension->GetSize()));
      facts.names.push_back(dimension->GetName());
    }
    if (facts.x < 0 || facts.y < 0) facts.x = facts.y = -1;
    Result<std::shared_ptr<Array>> made = file_->make(shape, *scalar, options);
    if (!made.ok()) return Report(made.status()), nullptr;
    if ((*made)->writable() == nullptr) {
      Report(Mismatch(StatusCode::kNotSupported, "file system", "one that only appends",
                      "one whose files can be updated")
                 .At(file_->path));
      return nullptr;
    }
    file_->open = OpenArray::New(std::move(*made), std::move(facts), file_->is_temporary);
    array_ = MdArray::Create("/", name, file_->open, dimensions);
    return array_;
  }

  const std::shared_ptr<NewFile> file_;
  std::vector<std::shared_ptr<GDALDimension>> dimensions_;
  std::map<std::string, std::shared_ptr<GDALMDArray>> positions_;
  std::shared_ptr<MdArray> array_;
};

}  // namespace

std::unique_ptr<GDALDataset> MakeNewMdDataset(const std::string& path, ArrayMaker make,
                                              bool is_temporary) {
  const auto file = std::make_shared<NewFile>(path, std::move(make), is_temporary);
  const auto group = std::make_shared<NewGroup>(file);
#if NDARRAY_HAS_GROUP_SELF
  group->KnowSelf(group);
#endif
  auto dataset =
      MakeMdDataset(group, {[file] { return file->Flush(); }, [file] { return file->open; }});
  dataset->SetDescription(path.c_str());
  return dataset;
}

}  // namespace ndarray
