// What attributes (Array::attributes(), and those of groups around it) say about the raster. Each
// fact is stored once:
//
// spatial:transform   six numbers a b c d e f: x = a column + b line + c, y = d column + e line + f
// spatial:dimensions  the names of y and x
// dimension_names     the names of all axes, in array order
// zarr_conventions    the conventions that these follow (zarr_conventions.h)
// proj:wkt2, proj:projjson, proj:code
//                     forms of the CRS: the first one that can be read counts
// gdal                {"axes": the letters of AXES, "epoch": of coordinates, "pam": the text of a
//                     PAM document with all that no other attribute says (geo_metadata.h)}
// gdal:mask           stored_mask.h
// others              metadata items of the dataset: texts as they are, all else as JSON. An item
//                     of such a name is written to that attribute, and not into "gdal"
#ifndef GDAL_NDARRAY_RASTER_METADATA_STORED_METADATA_H_
#define GDAL_NDARRAY_RASTER_METADATA_STORED_METADATA_H_

#include <cpl_string.h>
#include <ogr_spatialref.h>

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "driver/raster/gdal_compat.h"
#include "driver/store/array.h"

namespace ndarray {

// What is read of the attribute gdal: a longer one says nothing, and is not written.
constexpr size_t kMaxPamBytes = size_t{8} << 20;

// An attribute that is shown as a metadata item.
struct ShownAttribute {
  std::string attribute;  // its name
  std::string key, text;  // the item
  bool is_long = false;   // its text only says how long it is
};

struct StoredMetadata {
  std::optional<std::array<double, 6>> transform;  // in GDAL's order
  bool has_crs = false;                            // for ReadStoredCrs
  std::vector<ShownAttribute> shown;
  std::string axes;                                              // empty: the file does not say
  std::vector<std::string> dimension_names, spatial_dimensions;  // empty: the same
  std::string pam;                                               // empty: nothing
  double epoch = 0;                                              // of the coordinates; 0: none
  // Names of attributes that GDAL's own metadata stand for, so that they go with it.
  std::set<std::string> understood;
};

// Attributes may come from any program: one that does not fit is shown as metadata. Because a few
// bytes may claim to be many, there is a limit on what is read of all attributes together, and long
// foreign attributes are shown by their size. nullptr: there are none.
StoredMetadata ReadStoredMetadata(const Attributes* attributes, const AxisVector& shape);

struct StoredCrs {
  std::unique_ptr<OGRSpatialReference> crs;  // nullptr: no form can be read
  std::vector<ShownAttribute> unreadable;    // forms before it, to be shown as metadata
};

// Takes as long as opening ten files, so call it only when the CRS is asked for. CRS are not looked
// up in files or on the network.
StoredCrs ReadStoredCrs(const Attributes* attributes);

// The attributes of a new file of the same metadata as `source`, from which ReadStoredMetadata and
// GDAL's PAM make all of it again. `axes` are the letters of AXES; empty: `names` say all there is
// to say about the axes. What is too long to be read again is left out, with a GDAL warning that
// names `path`.
std::vector<Attribute> StoreMetadata(GDALDataset& source, const std::string& axes,
                                     const std::vector<std::string>& names,
                                     const std::string& path);

// The one that only names the axes.
Attribute StoreAxes(const std::string& axes);

// A new value, or none for an attribute that goes.
using AttributeEdit = std::pair<std::string, std::optional<std::string>>;

// What makes a file's attributes say what the dataset says now; `stored` is what they said before,
// and then what they say. Attributes of others follow their items: a new text, or removed.
std::vector<AttributeEdit> EditsOf(GDALDataset& dataset, const std::string& axes,
                                   const Attributes& attributes, StoredMetadata& stored);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_METADATA_STORED_METADATA_H_
