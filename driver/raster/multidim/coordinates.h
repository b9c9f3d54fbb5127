// Positions along one dimension of an array, as files list them.
#ifndef GDAL_NDARRAY_RASTER_MULTIDIM_COORDINATES_H_
#define GDAL_NDARRAY_RASTER_MULTIDIM_COORDINATES_H_

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "driver/raster/gdal_compat.h"

namespace ndarray {

using NamedValues = std::vector<std::pair<std::string, nlohmann::json>>;

// Adds it or replaces its value.
void SetValue(NamedValues& values, const std::string& name, nlohmann::json value);
// Whether it was there.
bool RemoveValue(NamedValues& values, const std::string& name);

// The names and values of an object; none of anything else.
NamedValues MembersOf(const nlohmann::json& object);

// As many values as the dimension has elements, of one type; none where the geotransform has them,
// and only attributes are left to be said.
struct Coordinates {
  std::variant<std::vector<double>, std::vector<int64_t>, std::vector<uint64_t>> values;
  NamedValues attributes;

  size_t count() const;
  // Float64, Int64 or UInt64.
  GDALDataType type() const;
  // REQUIRES: i < count()
  const void* value(size_t i) const;
  void* value(size_t i) { return const_cast<void*>(std::as_const(*this).value(i)); }

  friend bool operator==(const Coordinates& a, const Coordinates& b) {
    return a.values == b.values && a.attributes == b.attributes;
  }
};

// Zeros, of the type of Coordinates that has all values of this one.
Coordinates ZeroCoordinates(GDALDataType type, size_t count);

// A list of numbers, or as xarray's to_dict() has it, {"data": [numbers], "attrs": {...}}, of which
// either may be missing; absent for anything else. Integers stay what they are.
std::optional<Coordinates> ParseCoordinates(const nlohmann::json& value);

// The second form.
nlohmann::json ToJson(const Coordinates& coordinates);

// First value and step of what is as regular as numbers can say; absent where doubles round them.
std::optional<std::pair<double, double>> Regular(const Coordinates& coordinates);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_MULTIDIM_COORDINATES_H_
