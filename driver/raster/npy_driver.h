// The driver NPY: NumPy's .npy files as GDAL rasters.
#ifndef GDAL_NDARRAY_RASTER_NPY_DRIVER_H_
#define GDAL_NDARRAY_RASTER_NPY_DRIVER_H_

namespace ndarray {

// Adds the driver to GDAL's list, unless one of its name is there. Allocates little and touches no
// file: it runs in every process that loads the plugin.
void RegisterNpyDriver();

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_NPY_DRIVER_H_
