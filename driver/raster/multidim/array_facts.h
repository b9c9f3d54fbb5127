// What a file says of its array, beside elements, for the multidimensional API: names of
// dimensions, places, nodata and the like. The sidecar (PATH.aux.xml) overrides the file's own
// attributes, as in the classic datasets.
//
// Beyond what stored_metadata.h reads there is
//
// coordinates   an attribute: {dimension: [numbers]}, or as xarray's to_dict() has them,
//               {dimension: {"data": [numbers], "attrs": {...}}}; without data where the
//               geotransform says where x and y are
// NDARRAY       a domain of the sidecar, or of the sidecar's text in the file: DIMENSION_NAMES,
//               SPATIAL_DIMENSIONS and COORDINATES as the attributes, and ATTRIBUTES of which no
//               text is shown, as JSON
#ifndef GDAL_NDARRAY_RASTER_MULTIDIM_ARRAY_FACTS_H_
#define GDAL_NDARRAY_RASTER_MULTIDIM_ARRAY_FACTS_H_

#include <ogr_spatialref.h>

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "driver/raster/gdal_compat.h"
#include "driver/raster/multidim/coordinates.h"
#include "driver/store/array.h"

namespace ndarray {

struct ArrayFacts {
  std::vector<std::string> names;  // of dimensions: all different, none empty, none with a slash
  int y = -1, x = -1;              // axes of the array; -1: none is known
  std::optional<std::array<double, 6>> transform;  // in GDAL's order
  bool has_crs = false;                            // in the file's attributes: ReadStoredCrs
  std::shared_ptr<OGRSpatialReference> crs;        // of the sidecar
  double epoch = 0;
  std::optional<std::string> nodata;  // as text
  std::string unit;
  std::optional<double> scale, offset;
  NamedValues attributes;
  std::map<std::string, Coordinates> coordinates;  // by dimension
};

// Whether a dimension of that name is one of time.
bool IsTime(const std::string& name);

ArrayFacts ReadArrayFacts(GDALOpenInfo& open_info, const Array& array);

// The CRS with the mapping from its axes to those of the array; nullptr where there is none.
std::shared_ptr<OGRSpatialReference> CrsOf(const ArrayFacts& facts, const Array& array);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_MULTIDIM_ARRAY_FACTS_H_
