#include "driver/raster/multidim/md_array.h"

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "driver/raster/gdal_error.h"
#include "driver/raster/image_structure.h"
#include "driver/raster/multidim/md_attribute.h"
#include "driver/raster/multidim/md_dimension.h"

namespace ndarray {

std::shared_ptr<MdArray> MdArray::Create(const std::string& group, const std::string& name,
                                         std::shared_ptr<OpenArray> open) {
  auto dimensions = MakeDimensions(group, *open);
  return Create(group, name, std::move(open), std::move(dimensions));
}

std::shared_ptr<MdArray> MdArray::Create(const std::string& group, const std::string& name,
                                         std::shared_ptr<OpenArray> open,
                                         std::vector<std::shared_ptr<GDALDimension>> dimensions) {
  const std::shared_ptr<MdArray> array(
      new MdArray(group, name, std::move(open), std::move(dimensions)));
  array->SetSelf(array);
  return array;
}

MdArray::MdArray(const std::string& group, const std::string& name, std::shared_ptr<OpenArray> open,
                 std::vector<std::shared_ptr<GDALDimension>> dimensions)
    : GDALAbstractMDArray(group, name),
      GDALMDArray(group, name),
      open_(std::move(open)),
      dimensions_(std::move(dimensions)),
      structure_(ImageStructure(open_->array().info())) {
  if (open_->facts().nodata) nodata_ = NoDataOfText(open_->element(), *open_->facts().nodata);
}

std::vector<GUInt64> MdArray::GetBlockSize() const {
  const ArrayInfo& info = open_->array().info();
  std::vector<GUInt64> sizes(dimensions_.size(), 0);
  for (int axis = 0; axis < info.chunk.size(); ++axis) {
    sizes[static_cast<size_t>(axis)] =
        static_cast<GUInt64>(std::min(info.chunk[axis], info.shape[axis]));
  }
  return sizes;
}

std::shared_ptr<GDALAttribute> MdArray::GetAttribute(const std::string& name) const {
  return GetAttributeFromAttributes(name);
}

std::vector<std::shared_ptr<GDALAttribute>> MdArray::GetAttributes(CSLConstList) const {
  return MakeAttributes(GetFullName(), open_->attributes(), Keeper());
}

std::shared_ptr<OGRSpatialReference> MdArray::GetSpatialRef() const {
  const std::lock_guard<std::mutex> lock(crs_mutex_);
  if (!knows_crs_) crs_ = CrsOf(open_->facts(), open_->array());
  knows_crs_ = true;
  return crs_;
}

const void* MdArray::GetRawNoDataValue() const {
  return nodata_.empty() ? nullptr : nodata_.data();
}

double MdArray::GetOffset(bool* has_offset, GDALDataType* storage_type) const {
  if (has_offset != nullptr) *has_offset = open_->facts().offset.has_value();
  if (storage_type != nullptr) *storage_type = GDT_Unknown;
  return open_->facts().offset.value_or(0);
}

double MdArray::GetScale(bool* has_scale, GDALDataType* storage_type) const {
  if (has_scale != nullptr) *has_scale = open_->facts().scale.has_value();
  if (storage_type != nullptr) *storage_type = GDT_Unknown;
  return open_->facts().scale.value_or(1);
}

bool MdArray::IRead(const GUInt64* start, const size_t* count, const GInt64* step,
                    const GPtrDiff_t* stride, const GDALExtendedDataType& buffer_type,
                    void* buffer) const {
  return Guarded(false, [&] {
    return Done(open_->Read({start, count, step, stride}, buffer_type, buffer));
  });
}

bool MdArray::IWrite(const GUInt64* start, const size_t* count, const GInt64* step,
                     const GPtrDiff_t* stride, const GDALExtendedDataType& buffer_type,
                     const void* buffer) {
  if (!MayWrite("access")) return false;
  return Guarded(false, [&] {
    return Done(open_->Write({start, count, step, stride}, buffer_type, buffer));
  });
}

bool MdArray::IAdviseRead(const GUInt64* start, const size_t* count, CSLConstList) const {
  Box box;
  for (size_t axis = 0; axis < dimensions_.size(); ++axis) {
    box.start.push_back(static_cast<int64_t>(start[axis]));
    box.stop.push_back(static_cast<int64_t>(start[axis] + count[axis]));
  }
  open_->array().Prefetch(box);
  return true;
}

// Of a window that cannot be, the store does not know whose it is.
bool MdArray::Done(const Status& status) const {
  if (status.ok()) return true;
  const bool has_path = status.code() != StatusCode::kInvalidArgument;
  return Report(has_path ? status : status.At(GetFilename())) == CE_None;
}

bool MdArray::IsNew(const char* what) const {
  if (open_->is_new()) return true;
  Report(Mismatch(StatusCode::kNotSupported, what, "an array that is there already",
                  "a new one (gdal_edit.py changes those that are there)")
             .At(GetFilename()));
  return false;
}

bool MdArray::MayWrite(const char* what) const {
  if (open_->is_writable()) return true;
  Report(Mismatch(StatusCode::kNotSupported, what, "read-only", "update").At(GetFilename()));
  return false;
}

KeepAttribute MdArray::Keeper() const {
  if (!open_->is_writable()) return {};
  return [open = open_](const std::string& name, nlohmann::json value) {
    return open->SetAttribute(name, std::move(value));
  };
}

std::shared_ptr<GDALAttribute> MdArray::CreateAttribute(const std::string& name,
                                                        const std::vector<GUInt64>& dimensions,
                                                        const GDALExtendedDataType& type,
                                                        CSLConstList) {
  if (!MayWrite("attribute") || IsTaken(open_->attributes(), name)) return nullptr;
  return NewAttribute(GetFullName(), name, dimensions, type, Keeper());
}

#if NDARRAY_HAS_DELETE_ATTRIBUTE
bool MdArray::DeleteAttribute(const std::string& name, CSLConstList) {
  if (!MayWrite("attribute")) return false;
  const NamedValues attributes = open_->attributes();
  const bool is_there = std::any_of(attributes.begin(), attributes.end(),
                                    [&](const auto& one) { return one.first == name; });
  if (!is_there) return NoAttribute(name);
  return Guarded(false, [&] { return Done(open_->RemoveAttribute(name)); });
}
#endif

bool MdArray::SetSpatialRef(const OGRSpatialReference* crs) {
  if (!IsNew("CRS")) return false;
  ArrayFacts& facts = open_->EditFacts();
  facts.crs.reset();
  facts.epoch = 0;
  knows_crs_ = false;
  if (crs == nullptr || crs->IsEmpty()) return true;
  const int rank = open_->array().info().shape.size();
  const auto may_be_horizontal = [&](int axis) {
    const std::string& type = dimensions_[static_cast<size_t>(axis)]->GetType();
    return type.empty() || type == GDAL_DIM_TYPE_HORIZONTAL_X || type == GDAL_DIM_TYPE_HORIZONTAL_Y;
  };
  if (facts.x < 0 && rank >= 2 && may_be_horizontal(rank - 2) && may_be_horizontal(rank - 1)) {
    facts.y = rank - 2;
    facts.x = rank - 1;
  }
  facts.crs.reset(crs->Clone());
  facts.crs->SetAxisMappingStrategy(OAMS_TRADITIONAL_GIS_ORDER);
  facts.epoch = crs->GetCoordinateEpoch();
  return true;
}

bool MdArray::SetRawNoDataValue(const void* value) {
  if (!IsNew("nodata")) return false;
  const GDALExtendedDataType& type = GetDataType();
  if (type.GetClass() != GEDTC_NUMERIC || GDALDataTypeIsComplex(type.GetNumericDataType()) != 0) {
    return value == nullptr ||
           Report(Mismatch(StatusCode::kNotSupported, "nodata", "no real number", "one")
                      .At(GetFilename())) == CE_None;
  }
  std::vector<std::byte> element(type.GetSize());  // of zeros, which is what is there without one
  if (value != nullptr) std::memcpy(element.data(), value, element.size());
  nodata_ = value != nullptr ? element : std::vector<std::byte>();
  std::optional<std::string>& text = open_->EditFacts().nodata;
  text.reset();
  if (value != nullptr) text = TextOfNoData(open_->element(), value);
  return Guarded(false, [&] { return Done(open_->FillUnwritten(element)); });
}

bool MdArray::SetUnit(const std::string& unit) {
  if (!IsNew("unit")) return false;
  open_->EditFacts().unit = unit;
  return true;
}

bool MdArray::SetOffset(double offset, GDALDataType) {
  if (!IsNew("offset")) return false;
  open_->EditFacts().offset = offset;
  return true;
}

bool MdArray::SetScale(double scale, GDALDataType) {
  if (!IsNew("scale")) return false;
  open_->EditFacts().scale = scale;
  return true;
}

}  // namespace ndarray
