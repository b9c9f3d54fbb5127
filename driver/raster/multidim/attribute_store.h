// Attributes of a file that is there already, and open for update.
#ifndef GDAL_NDARRAY_RASTER_MULTIDIM_ATTRIBUTE_STORE_H_
#define GDAL_NDARRAY_RASTER_MULTIDIM_ATTRIBUTE_STORE_H_

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <set>
#include <string>

#include "driver/store/array.h"

namespace ndarray {

// Sets one (nullptr: removes it) where ReadArrayFacts finds it: in the file's attributes, which the
// next Flush() commits, or, without those, in the sidecar at once. What a sidecar, or GDAL's own
// metadata in the file, said by that name goes. Of what finds no room in the file the text is kept:
// in GDAL's own metadata there, or, where these find none either, in a sidecar.
// Errors carry the path.
Status StoreAttribute(const std::string& name, const nlohmann::json* value, WritableArray& array);

// Whether a file of attributes can have one of that name, and it is none that the drivers give a
// meaning.
bool IsAttributeName(const std::string& name);

// Those that they do, and more than 8 of which are never in one file.
extern const std::set<std::string> kOwnKeys;

// The value as metadata items of GDAL have it, and the name of an item.
std::string TextOf(const nlohmann::json& value);
std::string ItemName(const std::string& name);

// As files keep it.
std::string Packed(const nlohmann::json& value);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_MULTIDIM_ATTRIBUTE_STORE_H_
