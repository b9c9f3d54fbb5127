// Pyramids as Zarr's convention "multiscales" describes them, in an attribute of a group:
//   {"layout": [{"asset": NAME, "derived_from": NAME, "transform": {...}}, ...]}
// An asset is an array of the group, or a group of it that has one array.
#ifndef GDAL_NDARRAY_STORE_ARCHIVE_MULTISCALES_H_
#define GDAL_NDARRAY_STORE_ARCHIVE_MULTISCALES_H_

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "driver/store/status.h"

namespace ndarray {

// The name of the array that an asset is; empty: it is none.
using AssetFinder = std::function<std::string(const std::string& asset)>;

// Names of a pyramid's arrays: first the one that no other is derived from, then those derived from
// it, directly or not, in the order of the layout. Sizes are not looked at, and transforms neither,
// since sizes say the same. kCorrupt for what is no such value, for assets that are not there, and
// where it does not follow which is the finest.
Result<std::vector<std::string>> PyramidLevels(const nlohmann::json& multiscales,
                                               const AssetFinder& find);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_ARCHIVE_MULTISCALES_H_
