#include "driver/raster/multidim/new_positions.h"

#include <utility>

#include "driver/raster/multidim/md_attribute.h"

namespace ndarray {
namespace {

// Calls visit(index, offset) for each element of a window, until one is outside.
template <typename Visit>
bool ForWindow(const GUInt64* start, const size_t* count, const GInt64* step,
               const GPtrDiff_t* stride, size_t element_bytes, size_t size, const Visit& visit) {
  for (size_t i = 0; i < count[0]; ++i) {
    const auto k = static_cast<GInt64>(i);
    const auto at = static_cast<size_t>(static_cast<GInt64>(start[0]) + k * step[0]);
    if (at >= size) return false;
    visit(at, k * stride[0] * static_cast<GInt64>(element_bytes));
  }
  return true;
}

const GDALExtendedDataType& Float64() {
  static const GDALExtendedDataType type = GDALExtendedDataType::Create(GDT_Float64);
  return type;
}

}  // namespace

std::shared_ptr<NewPositions> NewPositions::Create(const std::string& name,
                                                   std::shared_ptr<GDALDimension> dimension,
                                                   const GDALExtendedDataType& type) {
  const std::shared_ptr<NewPositions> positions(new NewPositions(name, std::move(dimension), type));
  positions->SetSelf(positions);
  return positions;
}

NewPositions::NewPositions(const std::string& name, std::shared_ptr<GDALDimension> dimension,
                           const GDALExtendedDataType& type)
    : GDALAbstractMDArray("/", name),
      GDALMDArray("/", name),
      dimensions_{std::move(dimension)},
      type_(type),
      coordinates_(std::make_shared<Coordinates>()) {
  coordinates_->values.resize(static_cast<size_t>(dimensions_[0]->GetSize()));
}

std::shared_ptr<GDALAttribute> NewPositions::GetAttribute(const std::string& name) const {
  return GetAttributeFromAttributes(name);
}

std::vector<std::shared_ptr<GDALAttribute>> NewPositions::GetAttributes(CSLConstList) const {
  return MakeAttributes(GetFullName(), coordinates_->attributes);
}

std::shared_ptr<GDALAttribute> NewPositions::CreateAttribute(const std::string& name,
                                                             const std::vector<GUInt64>& dimensions,
                                                             const GDALExtendedDataType& type,
                                                             CSLConstList) {
  return NewAttribute(GetFullName(), name, dimensions, type,
                      [kept = coordinates_, name](nlohmann::json value) {
                        SetValue(kept->attributes, name, std::move(value));
                        return Status();
                      });
}

bool NewPositions::SetUnit(const std::string& unit) {
  unit_ = unit;
  if (!unit.empty()) SetValue(coordinates_->attributes, "units", unit);
  return true;
}

bool NewPositions::IRead(const GUInt64* start, const size_t* count, const GInt64* step,
                         const GPtrDiff_t* stride, const GDALExtendedDataType& buffer_type,
                         void* buffer) const {
  return ForWindow(start, count, step, stride, buffer_type.GetSize(), coordinates_->values.size(),
                   [&](size_t at, GInt64 offset) {
                     GDALExtendedDataType::CopyValue(&coordinates_->values[at], Float64(),
                                                     static_cast<GByte*>(buffer) + offset,
                                                     buffer_type);
                   });
}

bool NewPositions::IWrite(const GUInt64* start, const size_t* count, const GInt64* step,
                          const GPtrDiff_t* stride, const GDALExtendedDataType& buffer_type,
                          const void* buffer) {
  return ForWindow(start, count, step, stride, buffer_type.GetSize(), coordinates_->values.size(),
                   [&](size_t at, GInt64 offset) {
                     GDALExtendedDataType::CopyValue(static_cast<const GByte*>(buffer) + offset,
                                                     buffer_type, &coordinates_->values[at],
                                                     Float64());
                   });
}

}  // namespace ndarray
