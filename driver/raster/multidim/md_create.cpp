#include "driver/raster/multidim/md_create.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "driver/raster/gdal_error.h"
#include "driver/raster/gdal_types.h"
#include "driver/raster/multidim/md_array.h"
#include "driver/raster/multidim/md_attribute.h"
#include "driver/raster/multidim/md_dataset.h"
#include "driver/raster/multidim/new_positions.h"

namespace ndarray {
namespace {

// Its variable has it, and so it knows that only weakly.
class NewDimension final : public GDALDimension {
 public:
  using GDALDimension::GDALDimension;

  std::shared_ptr<GDALMDArray> GetIndexingVariable() const override { return variable_.lock(); }
  bool SetIndexingVariable(std::shared_ptr<GDALMDArray> variable) override {
    variable_ = variable;
    return true;
  }

 private:
  std::weak_ptr<GDALMDArray> variable_;
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

class NewGroup final : public GDALGroup {
 public:
  NewGroup(std::string path, ArrayMaker make)
      : GDALGroup("", "/"), path_(std::move(path)), make_(std::move(make)) {}

#if NDARRAY_HAS_GROUP_SELF
  void KnowSelf(const std::shared_ptr<GDALGroup>& self) { SetSelf(self); }
#endif

  // Positions and the group's own attributes are said of the array.
  CPLErr Flush() {
    if (array_ == nullptr) return CheckNothingIsLost();
    ArrayFacts& facts = open_->EditFacts();
    facts.coordinates.clear();
    for (const auto& [name, positions] : positions_) {
      const auto axis = std::find(facts.names.begin(), facts.names.end(), name);
      if (axis != facts.names.end()) facts.coordinates[name] = positions->coordinates();
    }
    for (const auto& [name, value] : *attributes_) {
      const bool is_there =
          std::any_of(facts.attributes.begin(), facts.attributes.end(),
                      [&key = name](const auto& other) { return other.first == key; });
      if (!is_there) facts.attributes.emplace_back(name, value);
    }
    return open_->Flush();
  }

  std::shared_ptr<OpenArray> opened() const { return open_; }

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
                 .At(path_));
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
                   .At(path_));
        return nullptr;
      }
      if (dimensions.size() == 1 && dimensions[0]->GetName() == name) {
        return CreatePositions(name, dimensions[0], type);
      }
      if (dimensions.empty()) {
        ReportWarning(path_ + ": " + name + ": it has no dimensions, and is left out");
        return nullptr;
      }
      if (array_ != nullptr) {
        Report(Mismatch(StatusCode::kNotSupported, "arrays", array_->GetName() + " and " + name,
                        "one for each file (gdalmdimtranslate -array chooses it)")
                   .At(path_));
        return nullptr;
      }
      return CreateOnly(name, dimensions, type, options);
    });
  }

  std::shared_ptr<GDALAttribute> CreateAttribute(const std::string& name,
                                                 const std::vector<GUInt64>& dimensions,
                                                 const GDALExtendedDataType& type,
                                                 CSLConstList) override {
    return NewAttribute("/", name, dimensions, type,
                        [kept = attributes_, name](nlohmann::json value) {
                          SetValue(*kept, name, std::move(value));
                          return Status();
                        });
  }
  std::vector<std::shared_ptr<GDALAttribute>> GetAttributes(CSLConstList) const override {
    return MakeAttributes(GetFullName(), *attributes_);
  }
  std::shared_ptr<GDALAttribute> GetAttribute(const std::string& name) const override {
    return GetAttributeFromAttributes(name);
  }

 private:
  // Positions alone make no file. Reported once.
  CPLErr CheckNothingIsLost() {
    if (positions_.empty() || knows_loss_) return CE_None;
    knows_loss_ = true;
    Report(Mismatch(StatusCode::kNotSupported, "arrays",
                    "none but that of dimension " + positions_.begin()->first,
                    "one with another name")
               .At(path_));
    return CE_Failure;
  }

  std::shared_ptr<GDALMDArray> CreatePositions(const std::string& name,
                                               const std::shared_ptr<GDALDimension>& dimension,
                                               const GDALExtendedDataType& type) {
    if (type.GetClass() != GEDTC_NUMERIC || GDALDataTypeIsComplex(type.GetNumericDataType())) {
      ReportWarning(path_ + ": coordinates of dimension " + name +
                    ": they are no real numbers, and are left out");
      return nullptr;
    }
    auto positions = NewPositions::Create(name, dimension, type);
    positions_[name] = positions;
    dimension->SetIndexingVariable(positions);
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
                 .At(path_));
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
    Result<std::shared_ptr<Array>> made = make_(shape, *scalar, options);
    if (!made.ok()) return Report(made.status()), nullptr;
    if ((*made)->writable() == nullptr) {
      Report(Mismatch(StatusCode::kNotSupported, "file system", "one that only appends",
                      "one whose files can be updated")
                 .At(path_));
      return nullptr;
    }
    open_ = std::make_shared<OpenArray>(std::move(*made), std::move(facts));
    open_->EditFacts();
    array_ = MdArray::Create("/", name, open_, dimensions);
    return array_;
  }

  const std::string path_;
  const ArrayMaker make_;
  std::vector<std::shared_ptr<GDALDimension>> dimensions_;
  std::map<std::string, std::shared_ptr<NewPositions>> positions_;
  const std::shared_ptr<NamedValues> attributes_ = std::make_shared<NamedValues>();
  std::shared_ptr<OpenArray> open_;
  std::shared_ptr<MdArray> array_;
  bool knows_loss_ = false;
};

}  // namespace

std::unique_ptr<GDALDataset> MakeNewMdDataset(const std::string& path, ArrayMaker make) {
  auto group = std::make_shared<NewGroup>(path, std::move(make));
#if NDARRAY_HAS_GROUP_SELF
  group->KnowSelf(group);
#endif
  auto dataset = MakeMdDataset(
      group, {[group] { return group->Flush(); }, [group] { return group->opened(); }});
  dataset->SetDescription(path.c_str());
  return dataset;
}

}  // namespace ndarray
