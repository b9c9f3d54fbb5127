// Memory that shows the pixels of a band whose file cannot be mapped as it is (compressed elements,
// the other byte order, types that GDAL converts): pages are read when they are touched.
#ifndef GDAL_NDARRAY_RASTER_EMULATED_MAP_H_
#define GDAL_NDARRAY_RASTER_EMULATED_MAP_H_

#include <cpl_virtualmem.h>

#include <memory>
#include <mutex>

#include "driver/raster/gdal_compat.h"
#include "driver/raster/window_io.h"

namespace ndarray {

// What the map shows: the pixels of `band`, line by line without gaps, as elements of its GDAL
// type.
struct EmulatedPixels {
  WindowIo io;
  BandSource band;
  int width, height;
  // Held while pixels are moved; null where the array is only read.
  std::shared_ptr<std::recursive_mutex> mutex;
};

// Takes GDAL's options of GetVirtualMemAuto: CACHE_SIZE, PAGE_SIZE_HINT, SINGLE_THREAD.
//
// Unlike GDAL's own, the map owns what it reads from (it shares the array, and asks no dataset), so
// that it outlives the dataset it was made of. For GF_Write, changed pages are written when their
// memory is needed for others and when the map is freed, which then flushes the array, too.
// Errors of pages are reported as GDAL errors by the thread that moves them. nullptr, after a GDAL
// error, where the system has no such memory.
CPLVirtualMem* NewEmulatedMap(EmulatedPixels pixels, GDALRWFlag direction, CSLConstList options);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_EMULATED_MAP_H_
