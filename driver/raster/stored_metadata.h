// What a file's own attributes (Array::attributes()) say of the raster.
//
// spatial:transform   six numbers a b c d e f: x = a column + b line + c, y = d column + e line + f
// spatial:dimensions  names of the axes in array order; not shown
// proj:wkt2, proj:projjson, proj:code
//                     forms of the CRS, of which the first that can be read counts
// gdal                {"axes": the letters of AXES, "pam": the text of a PAM document with the
//                     rest}
// others              metadata of the dataset: texts as they are, all else as JSON
#ifndef GDAL_NDARRAY_RASTER_STORED_METADATA_H_
#define GDAL_NDARRAY_RASTER_STORED_METADATA_H_

#include <cpl_string.h>
#include <ogr_spatialref.h>

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "driver/raster/gdal_compat.h"
#include "driver/store/array.h"

namespace ndarray {

struct StoredMetadata {
  std::optional<std::array<double, 6>> transform;  // in GDAL's order
  bool has_crs = false;                            // for ReadStoredCrs
  CPLStringList items;
  std::string axes;  // empty: the file does not say
  std::string pam;   // empty: nothing
  double epoch = 0;  // of the coordinates; 0: none
};

// Attributes come from anybody: one that does not fit is shown as metadata. A few bytes
// may claim many: what is read of all attributes together is bounded, and those of others that are
// long in the file are shown by their size.
StoredMetadata ReadStoredMetadata(const Array& array);
struct StoredCrs {
  std::unique_ptr<OGRSpatialReference> crs;  // nullptr: no form can be read
  CPLStringList unreadable;                  // forms before it, to be shown as metadata
};

// Takes as long as opening ten files does, so it is for who asks for the CRS. CRS are not looked up
// in files or on the network.
StoredCrs ReadStoredCrs(const Array& array);

// The attributes of a raster of the same metadata as `source`, from which ReadStoredMetadata and
// GDAL's PAM make all of it again. `axes` are the letters of AXES.
std::vector<Attribute> StoreMetadata(GDALDataset& source, const std::string& axes);

// The one that only tells the axes.
Attribute StoreAxes(const std::string& axes);

// Whether an attribute of that name is one of those that StoreMetadata makes.
bool IsStoredMetadata(std::string_view name);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_STORED_METADATA_H_
