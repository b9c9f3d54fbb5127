// The mask that a file keeps in itself: an attribute "gdal:mask" that holds an array of bytes of
// shape (lines, pixels), for all bands, or (bands, lines, pixels); 0 is not valid, 255 is.
//
// A mask has the overviews that its raster has. Those that are built together with the raster's are
// in PATH.msk.ovr, as if the mask were PATH.msk, and use the same kind of resampling; others are
// computed when they are read, by the nearest neighbour.
//
// In update mode, Flush puts what was written into the attribute, and the next flush of the file
// commits it.
#ifndef GDAL_NDARRAY_RASTER_MASK_STORED_MASK_H_
#define GDAL_NDARRAY_RASTER_MASK_STORED_MASK_H_

#include <map>
#include <memory>
#include <string>

#include "driver/raster/gdal_compat.h"
#include "driver/raster/reserved_names.h"
#include "driver/raster/window_io.h"
#include "driver/store/array.h"
#include "driver/store/status.h"

namespace ndarray {

class StoredMask {
 public:
  // Whether the file says it has one; costs nothing.
  static bool IsIn(const Array& array);

  // Decodes it. Errors carry the path. `array` and the raster must outlive the result.
  static Result<std::unique_ptr<StoredMask>> Open(Array& array, GDALDataset& raster,
                                                  int max_threads);

  // One for all bands, in which nothing is valid yet. REQUIRES: array.editable_attributes() !=
  // nullptr
  static Result<std::unique_ptr<StoredMask>> Create(WritableArray& array, GDALDataset& raster,
                                                    int max_threads);

  ~StoredMask();

  // As GDALRasterBand::GetMaskFlags.
  int flags() const { return per_dataset_ ? GMF_PER_DATASET : 0; }

  // The raster band, from 1.
  GDALRasterBand* Band(int number) const;

  // An overview of that raster band, with its part of the mask; nullptr for nullptr.
  GDALRasterBand* WithMask(GDALRasterBand* overview, int number);

  // As of the raster; none removes them.
  CPLErr BuildOverviews(const char* resampling, int count, const int* factors,
                        GDALProgressFunc progress, void* progress_data, CSLConstList options);

  CPLErr Flush();

 private:
  class Dataset;
  class MaskBand;
  class Overview;
  class MaskedOverview;

  StoredMask(std::shared_ptr<Array> array, Axes axes, const std::string& raster_path,
             GDALDataset& raster, int max_threads);

  MaskBand& MaskOf(int number) const;

  WindowIo io_;
  const bool per_dataset_;
  std::unique_ptr<Dataset> dataset_;
  std::map<GDALRasterBand*, std::unique_ptr<MaskedOverview>> overviews_;
};

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_MASK_STORED_MASK_H_
