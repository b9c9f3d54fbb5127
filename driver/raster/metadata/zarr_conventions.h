// The declarations of the Zarr conventions that a file's attributes follow
// (https://github.com/zarr-conventions/zarr-conventions-spec): programs such as rioxarray read
// proj:... and spatial:... only where they are declared. The entries are those that GDAL 3.13
// writes.
#ifndef GDAL_NDARRAY_RASTER_METADATA_ZARR_CONVENTIONS_H_
#define GDAL_NDARRAY_RASTER_METADATA_ZARR_CONVENTIONS_H_

#include <nlohmann/json_fwd.hpp>

namespace ndarray {

// `declared`, whatever it is, with the entries of proj: and spatial: where wanted, and else
// without; entries of other conventions stay. Empty: there is nothing to declare.
nlohmann::json DeclareConventions(const nlohmann::json& declared, bool proj, bool spatial);

// The entry of multiscales.
nlohmann::json MultiscalesConvention();

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_METADATA_ZARR_CONVENTIONS_H_
