// An array in a file as GDAL's multidimensional API has it. Windows of it go to the caller's memory
// as element_window.h says.
#ifndef GDAL_NDARRAY_RASTER_MULTIDIM_MD_ARRAY_H_
#define GDAL_NDARRAY_RASTER_MULTIDIM_MD_ARRAY_H_

#include <cpl_string.h>

#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "driver/raster/gdal_compat.h"
#include "driver/raster/multidim/md_attribute.h"
#include "driver/raster/multidim/open_array.h"

namespace ndarray {

class MdArray final : public GDALMDArray {
 public:
  // `group`: the full name of the one that it is in.
  static std::shared_ptr<MdArray> Create(const std::string& group, const std::string& name,
                                         std::shared_ptr<OpenArray> open);

  // Over dimensions that are there already.
  static std::shared_ptr<MdArray> Create(const std::string& group, const std::string& name,
                                         std::shared_ptr<OpenArray> open,
                                         std::vector<std::shared_ptr<GDALDimension>> dimensions);

  bool IsWritable() const override { return open_->is_writable(); }
  const std::string& GetFilename() const override { return open_->array().path(); }
  const std::vector<std::shared_ptr<GDALDimension>>& GetDimensions() const override {
    return dimensions_;
  }
  const GDALExtendedDataType& GetDataType() const override { return open_->element().type; }
  // Chunks, as far as they are within the array; zeros where the array is not cut.
  std::vector<GUInt64> GetBlockSize() const override;
  // IMAGE_STRUCTURE of the classic dataset, but for what is only said of rasters.
  CSLConstList GetStructuralInfo() const override { return structure_.List(); }
  std::shared_ptr<GDALAttribute> GetAttribute(const std::string& name) const override;
  std::vector<std::shared_ptr<GDALAttribute>> GetAttributes(CSLConstList options) const override;
  std::shared_ptr<OGRSpatialReference> GetSpatialRef() const override;
  const void* GetRawNoDataValue() const override;
  const std::string& GetUnit() const override { return open_->facts().unit; }
  double GetOffset(bool* has_offset, GDALDataType* storage_type) const override;
  double GetScale(bool* has_scale, GDALDataType* storage_type) const override;

  // Attributes of any array that is open for update: all who ask see them at once.
  std::shared_ptr<GDALAttribute> CreateAttribute(const std::string& name,
                                                 const std::vector<GUInt64>& dimensions,
                                                 const GDALExtendedDataType& type,
                                                 CSLConstList options) override;
#if NDARRAY_HAS_DELETE_ATTRIBUTE
  bool DeleteAttribute(const std::string& name, CSLConstList options) override;
#endif
  // Of an array that was made new.
  bool SetSpatialRef(const OGRSpatialReference* crs) override;
  // Elements that are never written take the value.
  bool SetRawNoDataValue(const void* value) override;
  bool SetUnit(const std::string& unit) override;
  bool SetOffset(double offset, GDALDataType storage_type) override;
  bool SetScale(double scale, GDALDataType storage_type) override;

 protected:
  bool IRead(const GUInt64* start, const size_t* count, const GInt64* step,
             const GPtrDiff_t* stride, const GDALExtendedDataType& buffer_type,
             void* buffer) const override;
  bool IWrite(const GUInt64* start, const size_t* count, const GInt64* step,
              const GPtrDiff_t* stride, const GDALExtendedDataType& buffer_type,
              const void* buffer) override;
  bool IAdviseRead(const GUInt64* start, const size_t* count, CSLConstList options) const override;

 private:
  MdArray(const std::string& group, const std::string& name, std::shared_ptr<OpenArray> open,
          std::vector<std::shared_ptr<GDALDimension>> dimensions);
  bool Done(const Status& status) const;  // these: else a GDAL error
  bool IsNew(const char* what) const;
  bool MayWrite(const char* what) const;
  KeepAttribute Keeper() const;  // of its attributes; none where they are only read

  const std::shared_ptr<OpenArray> open_;
  const std::vector<std::shared_ptr<GDALDimension>> dimensions_;
  CPLStringList structure_;
  std::vector<std::byte> nodata_;  // empty: none
  mutable std::mutex crs_mutex_;
  mutable bool knows_crs_ = false;
  mutable std::shared_ptr<OGRSpatialReference> crs_;
};

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_MULTIDIM_MD_ARRAY_H_
