#include "driver/raster/multidim/positions.h"

#include <utility>

#include "driver/raster/gdal_error.h"
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

std::string UnitOf(const Coordinates& coordinates) {
  for (const auto& [name, value] : coordinates.attributes) {
    if (name == "units" && value.is_string()) return value.get<std::string>();
  }
  return "";
}

}  // namespace

std::shared_ptr<Positions> Positions::Read(const std::string& group,
                                           std::shared_ptr<GDALDimension> dimension,
                                           std::shared_ptr<const Coordinates> listed,
                                           std::optional<RegularPositions> regular) {
  const GDALDataType type = regular ? GDT_Float64 : listed->type();
  const std::shared_ptr<Positions> positions(
      new Positions(group, std::move(dimension), type, std::move(listed), regular, nullptr));
  positions->SetSelf(positions);
  return positions;
}

std::shared_ptr<Positions> Positions::Write(const std::string& group,
                                            std::shared_ptr<GDALDimension> dimension,
                                            GDALDataType type,
                                            std::shared_ptr<Coordinates> listed) {
  const std::shared_ptr<Positions> positions(
      new Positions(group, std::move(dimension), type, listed, std::nullopt, listed));
  positions->SetSelf(positions);
  return positions;
}

Positions::Positions(const std::string& group, std::shared_ptr<GDALDimension> dimension,
                     GDALDataType type, std::shared_ptr<const Coordinates> listed,
                     std::optional<RegularPositions> regular, std::shared_ptr<Coordinates> written)
    : GDALAbstractMDArray(group, dimension->GetName()),
      GDALMDArray(group, dimension->GetName()),
      dimensions_{std::move(dimension)},
      type_(GDALExtendedDataType::Create(type)),
      kept_type_(GDALExtendedDataType::Create(regular ? GDT_Float64 : listed->type())),
      listed_(std::move(listed)),
      regular_(regular),
      written_(std::move(written)),
      unit_(UnitOf(*listed_)) {}

std::shared_ptr<GDALAttribute> Positions::GetAttribute(const std::string& name) const {
  return GetAttributeFromAttributes(name);
}

std::vector<std::shared_ptr<GDALAttribute>> Positions::GetAttributes(CSLConstList) const {
  if (written_ == nullptr) return MakeAttributes(GetFullName(), listed_->attributes, {});
  return MakeAttributes(GetFullName(), written_->attributes,
                        [kept = written_](const std::string& name, nlohmann::json value) {
                          SetValue(kept->attributes, name, std::move(value));
                          return Status();
                        });
}

bool Positions::IsNew(const char* what) const {
  if (written_ != nullptr) return true;
  Report(Mismatch(StatusCode::kNotSupported, what, GetName() + ": of a file that is there already",
                  "positions of a new one"));
  return false;
}

std::shared_ptr<GDALAttribute> Positions::CreateAttribute(const std::string& name,
                                                          const std::vector<GUInt64>& dimensions,
                                                          const GDALExtendedDataType& type,
                                                          CSLConstList) {
  if (!IsNew("attribute")) return nullptr;
  return NewAttribute(GetFullName(), name, dimensions, type,
                      [kept = written_](const std::string& attribute, nlohmann::json value) {
                        SetValue(kept->attributes, attribute, std::move(value));
                        return Status();
                      });
}

#if NDARRAY_HAS_DELETE_ATTRIBUTE
bool Positions::DeleteAttribute(const std::string& name, CSLConstList) {
  if (!IsNew("attribute")) return false;
  return RemoveValue(written_->attributes, name) || NoAttribute(name);
}
#endif

const std::string& Positions::GetUnit() const {
  if (written_ != nullptr) unit_ = UnitOf(*written_);
  return unit_;
}

#if NDARRAY_HAS_VIRTUAL_SPACING
bool Positions::IsRegularlySpaced(double& start, double& increment) const {
  if (!regular_) return GDALMDArray::IsRegularlySpaced(start, increment);
  start = regular_->at(0);
  increment = regular_->increment;
  return true;
}
#endif

bool Positions::SetUnit(const std::string& unit) {
  if (!IsNew("unit")) return false;
  if (unit.empty()) {
    RemoveValue(written_->attributes, "units");
  } else {
    SetValue(written_->attributes, "units", unit);
  }
  return true;
}

bool Positions::IRead(const GUInt64* start, const size_t* count, const GInt64* step,
                      const GPtrDiff_t* stride, const GDALExtendedDataType& buffer_type,
                      void* buffer) const {
  const auto size = regular_ ? static_cast<size_t>(dimensions_[0]->GetSize()) : listed_->count();
  return ForWindow(
      start, count, step, stride, buffer_type.GetSize(), size, [&](size_t at, GInt64 offset) {
        const double position = regular_ ? regular_->at(at) : 0;
        GDALExtendedDataType::CopyValue(regular_ ? &position : listed_->value(at), kept_type_,
                                        static_cast<GByte*>(buffer) + offset, buffer_type);
      });
}

bool Positions::IWrite(const GUInt64* start, const size_t* count, const GInt64* step,
                       const GPtrDiff_t* stride, const GDALExtendedDataType& buffer_type,
                       const void* buffer) {
  if (!IsNew("access")) return false;
  return ForWindow(start, count, step, stride, buffer_type.GetSize(), written_->count(),
                   [&](size_t at, GInt64 offset) {
                     GDALExtendedDataType::CopyValue(static_cast<const GByte*>(buffer) + offset,
                                                     buffer_type, written_->value(at), kept_type_);
                   });
}

}  // namespace ndarray
