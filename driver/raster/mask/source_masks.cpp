#include "driver/raster/mask/source_masks.h"

namespace ndarray {

SourceMasks FindMasks(GDALDataset& source) {
  bool shared = false;
  for (int number = 1; number <= source.GetRasterCount(); ++number) {
    const int flags = source.GetRasterBand(number)->GetMaskFlags();
    if ((flags & (GMF_ALL_VALID | GMF_ALPHA | GMF_NODATA)) != 0) continue;
    if ((flags & GMF_PER_DATASET) == 0) return {source.GetRasterCount(), false};
    // The mask of another band than the first one is not the mask of all.
    if (number > 1 && !shared) return {source.GetRasterCount(), false};
    shared = true;
  }
  return {shared ? 1 : 0, shared};
}

}  // namespace ndarray
