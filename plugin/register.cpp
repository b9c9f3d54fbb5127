// The one symbol of the plugin. GDAL finds it by the file's name: gdal_ndarray.so.

#include <gdal.h>

#include "driver/raster/formats/array_driver.h"

extern "C" __attribute__((visibility("default"))) void GDALRegister_ndarray() {
  // A driver's classes are laid out as its GDAL headers say, which change with each minor version.
  if (!GDALCheckVersion(NDARRAY_GDAL_MAJOR, NDARRAY_GDAL_MINOR, "gdal_ndarray")) return;
  for (const ndarray::ArrayFormat* const format : ndarray::Formats()) {
    ndarray::RegisterDriver(*format);
  }
}
