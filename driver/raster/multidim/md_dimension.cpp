#include "driver/raster/multidim/md_dimension.h"

#include <optional>
#include <utility>

#include "driver/raster/multidim/md_attribute.h"

namespace ndarray {
namespace {

struct RegularPositions {
  double start, increment;  // of pixels' edges
};

// Positions that a file lists.
class ListedPositions final : public GDALMDArray {
 public:
  static std::shared_ptr<GDALMDArray> Create(const std::string& group, const std::string& name,
                                             std::shared_ptr<GDALDimension> dimension,
                                             Coordinates coordinates) {
    auto array = std::shared_ptr<ListedPositions>(
        new ListedPositions(group, name, std::move(dimension), std::move(coordinates)));
    array->SetSelf(array);
    return array;
  }

  bool IsWritable() const override { return false; }
  const std::string& GetFilename() const override { return no_file_; }
  const std::vector<std::shared_ptr<GDALDimension>>& GetDimensions() const override {
    return dimensions_;
  }
  const GDALExtendedDataType& GetDataType() const override { return type_; }
  std::vector<std::shared_ptr<GDALAttribute>> GetAttributes(CSLConstList) const override {
    return MakeAttributes(GetFullName(), coordinates_.attributes);
  }
  std::shared_ptr<GDALAttribute> GetAttribute(const std::string& name) const override {
    return GetAttributeFromAttributes(name);
  }
  const std::string& GetUnit() const override { return unit_; }

 protected:
  bool IRead(const GUInt64* start, const size_t* count, const GInt64* step,
             const GPtrDiff_t* stride, const GDALExtendedDataType& buffer_type,
             void* buffer) const override {
    for (size_t i = 0; i < count[0]; ++i) {
      const auto k = static_cast<GInt64>(i);
      const auto at = static_cast<size_t>(static_cast<GInt64>(start[0]) + k * step[0]);
      if (at >= coordinates_.values.size()) return false;
      GDALExtendedDataType::CopyValue(
          &coordinates_.values[at], type_,
          static_cast<GByte*>(buffer) + k * stride[0] * static_cast<GInt64>(buffer_type.GetSize()),
          buffer_type);
    }
    return true;
  }

 private:
  ListedPositions(const std::string& group, const std::string& name,
                  std::shared_ptr<GDALDimension> dimension, Coordinates coordinates)
      : GDALAbstractMDArray(group, name),
        GDALMDArray(group, name),
        dimensions_{std::move(dimension)},
        coordinates_(std::move(coordinates)) {
    for (const auto& [key, value] : coordinates_.attributes) {
      if (key == "units" && value.is_string()) unit_ = value.get<std::string>();
    }
  }

  const std::vector<std::shared_ptr<GDALDimension>> dimensions_;
  const Coordinates coordinates_;
  const GDALExtendedDataType type_ = GDALExtendedDataType::Create(GDT_Float64);
  const std::string no_file_;
  std::string unit_;
};

// Makes its variable when it is asked for: a variable has the dimension, and not the other way.
class Dimension final : public GDALDimension, public std::enable_shared_from_this<Dimension> {
 public:
  Dimension(const std::string& group, const std::string& name, const std::string& type,
            const std::string& direction, GUInt64 size)
      : GDALDimension(group, name, type, direction, size), group_(group) {}

  void Place(RegularPositions positions) { regular_ = positions; }
  void Place(Coordinates positions) { listed_ = std::move(positions); }

  std::shared_ptr<GDALMDArray> GetIndexingVariable() const override {
    const auto self = std::const_pointer_cast<Dimension>(shared_from_this());
    if (listed_) return ListedPositions::Create(group_, GetName(), self, *listed_);
    if (!regular_) return nullptr;
    return GDALMDArrayRegularlySpaced::Create(group_, GetName(), self, regular_->start,
                                              regular_->increment, 0.5);
  }

 private:
  const std::string group_;
  std::optional<RegularPositions> regular_;
  std::optional<Coordinates> listed_;
};

bool IsTime(const std::string& name) { return name == "t" || name == "time"; }

}  // namespace

std::vector<std::shared_ptr<GDALDimension>> MakeDimensions(const std::string& group,
                                                           const OpenArray& array) {
  const ArrayFacts& facts = array.facts();
  const bool is_placed = facts.transform || facts.has_crs || facts.crs != nullptr;
  const bool is_aligned =
      facts.transform && (*facts.transform)[2] == 0 && (*facts.transform)[4] == 0;
  std::vector<std::shared_ptr<GDALDimension>> dimensions;
  for (int axis = 0; axis < array.array().info().shape.size(); ++axis) {
    const std::string& name = facts.names[static_cast<size_t>(axis)];
    std::string type, direction;
    if (is_placed && axis == facts.x) {
      type = GDAL_DIM_TYPE_HORIZONTAL_X;
      direction = "EAST";
    } else if (is_placed && axis == facts.y) {
      type = GDAL_DIM_TYPE_HORIZONTAL_Y;
      direction = "NORTH";
    } else if (IsTime(name)) {
      type = GDAL_DIM_TYPE_TEMPORAL;
    }
    auto dimension = std::make_shared<Dimension>(
        group, name, type, direction, static_cast<GUInt64>(array.array().info().shape[axis]));
    const auto listed = facts.coordinates.find(name);
    if (listed != facts.coordinates.end()) {
      dimension->Place(listed->second);
    } else if (is_aligned && axis == facts.x) {
      dimension->Place(RegularPositions{(*facts.transform)[0], (*facts.transform)[1]});
    } else if (is_aligned && axis == facts.y) {
      dimension->Place(RegularPositions{(*facts.transform)[3], (*facts.transform)[5]});
    }
    dimensions.push_back(std::move(dimension));
  }
  return dimensions;
}

}  // namespace ndarray
