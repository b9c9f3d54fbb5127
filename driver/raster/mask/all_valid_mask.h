// The mask of a band that has none: 255 everywhere.
#ifndef GDAL_NDARRAY_RASTER_MASK_ALL_VALID_MASK_H_
#define GDAL_NDARRAY_RASTER_MASK_ALL_VALID_MASK_H_

#include "driver/raster/gdal_compat.h"

namespace ndarray {

// GDAL's own goes through a block cache, which threads must not share without a lock; this one has
// nothing to share.
class AllValidMask final : public GDALRasterBand {
 public:
  AllValidMask(int width, int height, int block_width, int block_height);

  GDALRasterBand* GetMaskBand() override { return this; }
  int GetMaskFlags() override { return GMF_ALL_VALID; }
  bool IsMaskBand() const override { return true; }

 protected:
  CPLErr IReadBlock(int block_x, int block_y, void* data) override;
  CPLErr IRasterIO(GDALRWFlag direction, int x, int y, int width, int height, void* data,
                   int buffer_width, int buffer_height, GDALDataType type, GSpacing pixel_space,
                   GSpacing line_space, GDALRasterIOExtraArg* extra) override;
};

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_MASK_ALL_VALID_MASK_H_
