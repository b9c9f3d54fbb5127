// What a file's own attributes (Array::info().attributes) say of the raster.
//
// spatial:transform   six numbers a b c d e f: x = a column + b line + c, y = d column + e line + f
// proj:wkt2, proj:projjson, proj:code   the CRS, the first that can be read
// others              metadata of the dataset: texts as they are, all else as JSON
#ifndef GDAL_NDARRAY_RASTER_STORED_METADATA_H_
#define GDAL_NDARRAY_RASTER_STORED_METADATA_H_

#include <cpl_string.h>
#include <ogr_spatialref.h>

#include <array>
#include <memory>
#include <optional>

#include "driver/store/array.h"

namespace ndarray {

struct StoredMetadata {
  std::optional<std::array<double, 6>> transform;  // in GDAL's order
  std::unique_ptr<OGRSpatialReference> crs;
  CPLStringList items;
};

// Attributes come from anybody: one that does not fit is shown as metadata. CRS are not looked up
// in files or on the network.
StoredMetadata ReadStoredMetadata(const ArrayInfo& info);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_STORED_METADATA_H_
