// Overviews of an image that is in a .b2z: the archive is written anew, and takes the old one's
// place when it is whole.
#ifndef GDAL_NDARRAY_RASTER_CREATE_B2Z_OVERVIEWS_H_
#define GDAL_NDARRAY_RASTER_CREATE_B2Z_OVERVIEWS_H_

#include <string>
#include <vector>

#include "driver/raster/dataset/array_dataset.h"
#include "driver/store/progress.h"
#include "driver/store/status.h"

namespace ndarray {

struct OverviewsRequest {
  std::string path;                  // of the archive
  std::string array;                 // the image's name in it: "/0"
  std::vector<std::string> coarser;  // those of its levels, which go
  std::string method;                // of GDAL: "AVERAGE"
  std::vector<int> factors;          // none: only those go
};

// `raster`: the image. Members that have nothing to do with it stay byte by byte. Asks for free
// space first. kInvalidArgument for factors that are no powers of two; kNotSupported for images
// that are parts of arrays, records, or in embed.b2e, and where members are compressed. Errors
// carry the path.
Status RewriteOverviews(const ArrayDataset& raster, const OverviewsRequest& request,
                        const ProgressFn& progress);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_CREATE_B2Z_OVERVIEWS_H_
