// The masks of a copy that has no place for them in its own file: PATH.msk, as GDAL names and
// writes it. Like the file itself it is written under another name, in the same folder, and takes
// its own when it is whole and the file has its name: nobody finds half a mask, which would call
// pixels invalid that are not, and none of other pixels.
#ifndef GDAL_NDARRAY_RASTER_MASK_MASK_FILE_H_
#define GDAL_NDARRAY_RASTER_MASK_MASK_FILE_H_

#include <string>

#include "driver/raster/gdal_compat.h"

namespace ndarray {

// One thread uses it at a time.
class MaskFile {
 public:
  // The path of the raster. Nothing is touched yet.
  explicit MaskFile(std::string path);

  // Deletes what has not been published, or what a killed process left under that name.
  ~MaskFile();
  MaskFile(const MaskFile&) = delete;
  MaskFile& operator=(const MaskFile&) = delete;

  // Copies the masks of the source that do not follow from nodata values or an alpha band; if there
  // are none, does nothing. CE_Failure after GDAL's errors; for virtual file systems, of which some
  // (standard output among them) cannot hold a .msk, a warning: a copy goes there without.
  CPLErr Write(GDALDataset& source);

  // Gives it its name. A warning where that fails.
  void Publish();

 private:
  void WriteIfPossible(GDALDataset& source, const std::string& name);

  const std::string path_;         // of the .msk
  const std::string hidden_path_;  // until it is published
  bool written_ = false;
};

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_MASK_MASK_FILE_H_
