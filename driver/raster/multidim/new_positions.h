// Positions along a dimension of a file that is being made: an array of GDAL's that is kept in
// memory until the file says them.
#ifndef GDAL_NDARRAY_RASTER_MULTIDIM_NEW_POSITIONS_H_
#define GDAL_NDARRAY_RASTER_MULTIDIM_NEW_POSITIONS_H_

#include <memory>
#include <string>
#include <vector>

#include "driver/raster/gdal_compat.h"
#include "driver/raster/multidim/array_facts.h"

namespace ndarray {

class NewPositions final : public GDALMDArray {
 public:
  // REQUIRES: a numeric type
  static std::shared_ptr<NewPositions> Create(const std::string& name,
                                              std::shared_ptr<GDALDimension> dimension,
                                              const GDALExtendedDataType& type);

  const Coordinates& coordinates() const { return *coordinates_; }

  bool IsWritable() const override { return true; }
  const std::string& GetFilename() const override { return no_file_; }
  const std::vector<std::shared_ptr<GDALDimension>>& GetDimensions() const override {
    return dimensions_;
  }
  const GDALExtendedDataType& GetDataType() const override { return type_; }
  std::shared_ptr<GDALAttribute> GetAttribute(const std::string& name) const override;
  std::vector<std::shared_ptr<GDALAttribute>> GetAttributes(CSLConstList options) const override;
  std::shared_ptr<GDALAttribute> CreateAttribute(const std::string& name,
                                                 const std::vector<GUInt64>& dimensions,
                                                 const GDALExtendedDataType& type,
                                                 CSLConstList options) override;
  const std::string& GetUnit() const override { return unit_; }
  bool SetUnit(const std::string& unit) override;

 protected:
  bool IRead(const GUInt64* start, const size_t* count, const GInt64* step,
             const GPtrDiff_t* stride, const GDALExtendedDataType& buffer_type,
             void* buffer) const override;
  bool IWrite(const GUInt64* start, const size_t* count, const GInt64* step,
              const GPtrDiff_t* stride, const GDALExtendedDataType& buffer_type,
              const void* buffer) override;

 private:
  NewPositions(const std::string& name, std::shared_ptr<GDALDimension> dimension,
               const GDALExtendedDataType& type);

  const std::vector<std::shared_ptr<GDALDimension>> dimensions_;
  const GDALExtendedDataType type_;
  const std::shared_ptr<Coordinates> coordinates_;
  const std::string no_file_;
  std::string unit_;
};

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_MULTIDIM_NEW_POSITIONS_H_
