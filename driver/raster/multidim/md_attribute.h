// An attribute of the multidimensional API whose value is known: a text, a number, several of one
// kind, or anything else as JSON.
#ifndef GDAL_NDARRAY_RASTER_MULTIDIM_MD_ATTRIBUTE_H_
#define GDAL_NDARRAY_RASTER_MULTIDIM_MD_ATTRIBUTE_H_

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "driver/raster/gdal_compat.h"
#include "driver/raster/multidim/array_facts.h"

namespace ndarray {

// `parent`: the full name of what has it.
std::shared_ptr<GDALAttribute> MakeAttribute(const std::string& parent, const std::string& name,
                                             const nlohmann::json& value);

std::vector<std::shared_ptr<GDALAttribute>> MakeAttributes(const std::string& parent,
                                                           const NamedValues& values);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_MULTIDIM_MD_ATTRIBUTE_H_
