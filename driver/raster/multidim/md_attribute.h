// An attribute of the multidimensional API whose value is known: a text, a number, several of one
// kind, or anything else as JSON.
#ifndef GDAL_NDARRAY_RASTER_MULTIDIM_MD_ATTRIBUTE_H_
#define GDAL_NDARRAY_RASTER_MULTIDIM_MD_ATTRIBUTE_H_

#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "driver/raster/gdal_compat.h"
#include "driver/raster/multidim/array_facts.h"
#include "driver/store/status.h"

namespace ndarray {

// `parent`: the full name of what has it.
std::shared_ptr<GDALAttribute> MakeAttribute(const std::string& parent, const std::string& name,
                                             const nlohmann::json& value);

std::vector<std::shared_ptr<GDALAttribute>> MakeAttributes(const std::string& parent,
                                                           const NamedValues& values);

// An attribute that hands its value to `keep`, zeros or empty texts first, then what is written;
// nullptr, after a GDAL error, for types and dimensions that it cannot have.
std::shared_ptr<GDALAttribute> NewAttribute(const std::string& parent, const std::string& name,
                                            const std::vector<GUInt64>& dimensions,
                                            const GDALExtendedDataType& type,
                                            std::function<Status(nlohmann::json value)> keep);

// Adds it or replaces its value.
void SetValue(NamedValues& values, const std::string& name, nlohmann::json value);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_MULTIDIM_MD_ATTRIBUTE_H_
