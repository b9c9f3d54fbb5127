// The driver B2ND: Blosc2 NDim arrays (.b2nd) as GDAL rasters.
#ifndef GDAL_NDARRAY_RASTER_B2ND_DRIVER_H_
#define GDAL_NDARRAY_RASTER_B2ND_DRIVER_H_

namespace ndarray {

// Adds the driver to GDAL's list, unless one of its name is there. Allocates little and touches no
// file: it runs in every process that loads the plugin.
void RegisterB2ndDriver();

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_B2ND_DRIVER_H_
