// An attribute of the multidimensional API: a text, a number, several of one kind, or anything else
// as JSON.
#ifndef GDAL_NDARRAY_RASTER_MULTIDIM_MD_ATTRIBUTE_H_
#define GDAL_NDARRAY_RASTER_MULTIDIM_MD_ATTRIBUTE_H_

#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "driver/raster/gdal_compat.h"
#include "driver/raster/multidim/coordinates.h"
#include "driver/store/status.h"

namespace ndarray {

// Takes the value that an attribute is to have from now on. It may own what it keeps that in:
// attributes live as long as somebody holds them.
using KeepAttribute = std::function<Status(const std::string& name, nlohmann::json value)>;

// Attributes of the full name `parent`, with their values' types. What is written to one, of that
// type and number, is handed to `keep`; where there is none that is an error.
std::vector<std::shared_ptr<GDALAttribute>> MakeAttributes(const std::string& parent,
                                                           const NamedValues& values,
                                                           const KeepAttribute& keep);

// Whether there is one of that name, which a new one would overwrite: a GDAL error, as of GDAL's
// own drivers.
bool IsTaken(const NamedValues& values, const std::string& name);

// False, after the GDAL error that there is none of that name.
bool NoAttribute(const std::string& name);

// A new one, which hands its value to `keep`, zeros or empty texts first, then what is written;
// nullptr, after a GDAL error, for types and dimensions that it cannot have.
std::shared_ptr<GDALAttribute> NewAttribute(const std::string& parent, const std::string& name,
                                            const std::vector<GUInt64>& dimensions,
                                            const GDALExtendedDataType& type, KeepAttribute keep);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_MULTIDIM_MD_ATTRIBUTE_H_
