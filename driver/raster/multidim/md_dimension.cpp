#include "driver/raster/multidim/md_dimension.h"

#include <optional>
#include <utility>

#include "driver/raster/multidim/positions.h"

namespace ndarray {
namespace {

// Makes its variable when it is asked for: a variable has the dimension, and not the other way.
class Dimension final : public GDALDimension, public std::enable_shared_from_this<Dimension> {
 public:
  Dimension(const std::string& group, const std::string& name, const std::string& type,
            const std::string& direction, GUInt64 size)
      : GDALDimension(group, name, type, direction, size), group_(group) {}

  void Place(RegularPositions positions) { regular_ = positions; }
  void Place(const Coordinates& listed) { listed_ = std::make_shared<Coordinates>(listed); }

  std::shared_ptr<GDALMDArray> GetIndexingVariable() const override {
    if (!regular_ && (listed_ == nullptr || listed_->count() == 0)) return nullptr;
    const auto listed = listed_ != nullptr ? listed_ : std::make_shared<Coordinates>();
    return Positions::Read(group_, std::const_pointer_cast<Dimension>(shared_from_this()), listed,
                           regular_);
  }

 private:
  const std::string group_;
  std::optional<RegularPositions> regular_;
  std::shared_ptr<const Coordinates> listed_;  // nullptr: none
};

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
    const bool is_listed = listed != facts.coordinates.end() && listed->second.count() > 0;
    if (listed != facts.coordinates.end()) dimension->Place(listed->second);
    if (!is_listed && is_aligned && axis == facts.x) {
      dimension->Place(RegularPositions{(*facts.transform)[0], (*facts.transform)[1]});
    } else if (!is_listed && is_aligned && axis == facts.y) {
      dimension->Place(RegularPositions{(*facts.transform)[3], (*facts.transform)[5]});
    }
    dimensions.push_back(std::move(dimension));
  }
  return dimensions;
}

}  // namespace ndarray
