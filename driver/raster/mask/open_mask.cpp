// How the mask in a file is opened: as the nested array of a .b2nd.
#include "driver/raster/mask/stored_mask.h"
#include "driver/store/b2nd/nested_array.h"

namespace ndarray {

Result<std::unique_ptr<StoredMask>> StoredMask::Open(Array& array, GDALDataset& raster,
                                                     int max_threads) {
  const int width = raster.GetRasterXSize();
  const int height = raster.GetRasterYSize();
  Result<std::shared_ptr<Array>> mask = OpenNested(array, kMaskAttribute, max_threads);
  if (!mask.ok()) return mask.status();
  const ArrayInfo& info = (*mask)->info();
  const AxisVector per_dataset{height, width};
  const AxisVector per_band{raster.GetRasterCount(), height, width};
  if (!(info.shape == per_dataset) && !(info.shape == per_band)) {
    return Mismatch(StatusCode::kCorrupt, "shape", ShapeString(info.shape),
                    ShapeString(per_dataset) + " or " + ShapeString(per_band))
        .At((*mask)->path());
  }
  if (info.is_record || info.fields[0].dtype.type != ScalarType::kUInt8) {
    return Mismatch(StatusCode::kCorrupt, "dtype", info.dtype_text, "|u1").At((*mask)->path());
  }
  Result<Axes> axes = ChooseAxes(info.shape, {}, info.shape == per_dataset ? "YX" : "BYX");
  if (!axes.ok()) return axes.status().At((*mask)->path());
  return std::unique_ptr<StoredMask>(
      new StoredMask(std::move(*mask), std::move(*axes), array.path(), raster, max_threads));
}

Result<std::unique_ptr<StoredMask>> StoredMask::Create(WritableArray& array, GDALDataset& raster,
                                                       int max_threads) {
  Status status =
      AddNested(array, kMaskAttribute, {raster.GetRasterYSize(), raster.GetRasterXSize()});
  if (!status.ok()) return status;
  return Open(array, raster, max_threads);
}

}  // namespace ndarray
