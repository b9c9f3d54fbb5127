// Positions along a dimension as an array of GDAL's multidimensional API: its indexing variable.
#ifndef GDAL_NDARRAY_RASTER_MULTIDIM_POSITIONS_H_
#define GDAL_NDARRAY_RASTER_MULTIDIM_POSITIONS_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "driver/raster/gdal_compat.h"
#include "driver/raster/multidim/coordinates.h"

namespace ndarray {

// At the centres of pixels.
struct RegularPositions {
  double start, increment;  // of pixels' edges

  double at(size_t i) const { return start + (static_cast<double>(i) + 0.5) * increment; }
};

class Positions final : public GDALMDArray {
 public:
  // `group`: the full name of the one that the dimension is in. They are those listed, or, where
  // there are `regular` ones, these, and what is listed has attributes only.
  static std::shared_ptr<Positions> Read(const std::string& group,
                                         std::shared_ptr<GDALDimension> dimension,
                                         std::shared_ptr<const Coordinates> listed,
                                         std::optional<RegularPositions> regular);

  // Those of a file that is being made, to be written: `listed` has as many as the dimension, and
  // belongs to what keeps them.
  // REQUIRES: `type` is that of a real number, and ZeroCoordinates made `listed` for it
  static std::shared_ptr<Positions> Write(const std::string& group,
                                          std::shared_ptr<GDALDimension> dimension,
                                          GDALDataType type, std::shared_ptr<Coordinates> listed);

  bool IsWritable() const override { return written_ != nullptr; }
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
#if NDARRAY_HAS_DELETE_ATTRIBUTE
  bool DeleteAttribute(const std::string& name, CSLConstList options) override;
#endif
  // The attribute "units".
  const std::string& GetUnit() const override;
  bool SetUnit(const std::string& unit) override;
#if NDARRAY_HAS_VIRTUAL_SPACING
  bool IsRegularlySpaced(double& start, double& increment) const override;
#endif

 protected:
  bool IRead(const GUInt64* start, const size_t* count, const GInt64* step,
             const GPtrDiff_t* stride, const GDALExtendedDataType& buffer_type,
             void* buffer) const override;
  bool IWrite(const GUInt64* start, const size_t* count, const GInt64* step,
              const GPtrDiff_t* stride, const GDALExtendedDataType& buffer_type,
              const void* buffer) override;

 private:
  Positions(const std::string& group, std::shared_ptr<GDALDimension> dimension, GDALDataType type,
            std::shared_ptr<const Coordinates> listed, std::optional<RegularPositions> regular,
            std::shared_ptr<Coordinates> written);
  bool IsNew(const char* what) const;  // else a GDAL error

  const std::vector<std::shared_ptr<GDALDimension>> dimensions_;
  const GDALExtendedDataType type_, kept_type_;
  const std::shared_ptr<const Coordinates> listed_;
  const std::optional<RegularPositions> regular_;
  const std::shared_ptr<Coordinates> written_;  // the same as listed_; nullptr: they are only read
  const std::string no_file_;
  mutable std::string unit_;  // of written ones, as it was asked for last
};

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_MULTIDIM_POSITIONS_H_
