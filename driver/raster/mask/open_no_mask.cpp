// Instead of open_mask.cpp in a build without the driver B2ND, in which no file has attributes.
#include "driver/raster/mask/stored_mask.h"

namespace ndarray {

Result<std::unique_ptr<StoredMask>> StoredMask::Open(Array& array, GDALDataset&, int) {
  return Mismatch(StatusCode::kNotSupported, "mask", "one in the file", "none").At(array.path());
}

Result<std::unique_ptr<StoredMask>> StoredMask::Create(WritableArray& array, GDALDataset& raster,
                                                       int max_threads) {
  return Open(array, raster, max_threads);
}

}  // namespace ndarray
