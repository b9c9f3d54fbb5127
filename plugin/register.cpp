// The one symbol of the plugin. GDAL finds it by the file's name: gdal_ndarray.so.

#include <gdal.h>

#ifdef NDARRAY_HAS_B2ND
#include "driver/raster/b2nd_driver.h"
#endif
#include "driver/raster/npy_driver.h"

extern "C" __attribute__((visibility("default"))) void GDALRegister_ndarray() {
  // A driver's classes are laid out as its GDAL headers say, which change with each minor version.
  if (!GDALCheckVersion(NDARRAY_GDAL_MAJOR, NDARRAY_GDAL_MINOR, "gdal_ndarray")) return;
  ndarray::RegisterNpyDriver();
#ifdef NDARRAY_HAS_B2ND
  ndarray::RegisterB2ndDriver();
#endif
}
