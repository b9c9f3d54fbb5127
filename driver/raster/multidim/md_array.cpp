#include "driver/raster/multidim/md_array.h"

#include <algorithm>
#include <utility>

#include "driver/raster/gdal_error.h"
#include "driver/raster/image_structure.h"
#include "driver/raster/multidim/element_window.h"
#include "driver/raster/multidim/md_attribute.h"
#include "driver/raster/multidim/md_dimension.h"

namespace ndarray {

std::shared_ptr<MdArray> MdArray::Create(const std::string& group, const std::string& name,
                                         std::shared_ptr<OpenArray> open) {
  const std::shared_ptr<MdArray> array(new MdArray(group, name, std::move(open)));
  array->SetSelf(array);
  return array;
}

MdArray::MdArray(const std::string& group, const std::string& name, std::shared_ptr<OpenArray> open)
    : GDALAbstractMDArray(group, name),
      GDALMDArray(group, name),
      open_(std::move(open)),
      dimensions_(MakeDimensions(group, *open_)),
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

}  // namespace ndarray
