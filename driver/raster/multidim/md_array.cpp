#include "driver/raster/multidim/md_array.h"

#include <algorithm>
#include <utility>

#include "driver/raster/gdal_error.h"
#include "driver/raster/image_structure.h"
#include "driver/raster/multidim/element_window.h"
#include "driver/raster/multidim/facts_store.h"
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
  return MakeAttributes(GetFullName(), open_->facts().attributes);
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
    const auto lock = open_->LockForUpdate();
    const Status status = ReadElements(open_->array(), open_->element(),
                                       {start, count, step, stride}, buffer_type, buffer);
    return Report(status.code() == StatusCode::kInvalidArgument ? status.At(GetFilename())
                                                                : status) == CE_None;
  });
}

bool MdArray::IWrite(const GUInt64* start, const size_t* count, const GInt64* step,
                     const GPtrDiff_t* stride, const GDALExtendedDataType& buffer_type,
                     const void* buffer) {
  return Guarded(false, [&] {
    if (open_->writable() == nullptr) {
      return Report(Mismatch(StatusCode::kNotSupported, "access", "read-only", "update")
                        .At(GetFilename())) == CE_None;
    }
    const auto lock = open_->LockForUpdate();
    const Status status = WriteElements(*open_->writable(), open_->element(),
                                        {start, count, step, stride}, buffer_type, buffer);
    return Report(status.code() == StatusCode::kInvalidArgument ? status.At(GetFilename())
                                                                : status) == CE_None;
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

bool MdArray::IsNew(const char* what) const {
  if (open_->is_new()) return true;
  Report(Mismatch(StatusCode::kNotSupported, what, "an array that is there already",
                  "a new one (gdal_edit.py changes those that are there)")
             .At(GetFilename()));
  return false;
}

std::shared_ptr<GDALAttribute> MdArray::CreateAttribute(const std::string& name,
                                                        const std::vector<GUInt64>& dimensions,
                                                        const GDALExtendedDataType& type,
                                                        CSLConstList) {
  if (!IsWritable() && !IsNew("attribute")) return nullptr;
  return NewAttribute(GetFullName(), name, dimensions, type,
                      [open = open_, name](nlohmann::json value) {
                        const auto lock = open->LockForUpdate();
                        if (!open->is_new()) return StoreAttribute(name, value, *open->writable());
                        SetValue(open->EditFacts().attributes, name, std::move(value));
                        return Status();
                      });
}

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
  if (value == nullptr) {
    nodata_.clear();
    open_->EditFacts().nodata.reset();
    return true;
  }
  if (GetDataType().GetClass() != GEDTC_NUMERIC ||
      GDALDataTypeIsComplex(GetDataType().GetNumericDataType()) != 0) {
    return Report(Mismatch(StatusCode::kNotSupported, "nodata", "no real number", "one")
                      .At(GetFilename())) == CE_None;
  }
  const auto* const bytes = static_cast<const std::byte*>(value);
  nodata_.assign(bytes, bytes + GetDataType().GetSize());
  open_->EditFacts().nodata = TextOfNoData(open_->element(), value);
  Box all;
  for (const int64_t side : open_->array().info().shape) {
    all.start.push_back(0);
    all.stop.push_back(side);
  }
  const ElementPlan& plan = open_->element();
  std::vector<std::byte> element = nodata_;
  if (plan.is_widened) Narrow(plan.parts[0].stored, nodata_.data(), element.data());
  const auto lock = open_->LockForUpdate();
  return Report(open_->writable()->Fill(all, element.data())) == CE_None;
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
