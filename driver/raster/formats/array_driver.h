// The GDAL drivers: what all formats share. Failures raise one GDAL error, and exceptions end here.
#ifndef GDAL_NDARRAY_RASTER_FORMATS_ARRAY_DRIVER_H_
#define GDAL_NDARRAY_RASTER_FORMATS_ARRAY_DRIVER_H_

#include "driver/raster/formats/array_create.h"
#include "driver/raster/formats/array_format.h"
#include "driver/raster/formats/array_multidim.h"
#include "driver/raster/formats/array_open.h"
#include "driver/raster/formats/subdataset_info.h"
#include "driver/raster/gdal_compat.h"
#include "driver/raster/gdal_error.h"

namespace ndarray {

// Adds the driver of a format to GDAL's, unless there is one of that name.
void RegisterDriver(const ArrayFormat& format);

// The functions that GDAL calls. They do not learn from GDAL which driver is meant, so each format
// has its own.
template <const ArrayFormat& kFormat>
void AddCallbacks(GDALDriver& driver) {
  driver.pfnIdentify = [](GDALOpenInfo* open_info) -> int {
    return Guarded(false, [&] { return IdentifyArray(kFormat, *open_info); }) ? TRUE : FALSE;
  };
  driver.pfnOpen = [](GDALOpenInfo* open_info) { return OpenArrayDataset(kFormat, open_info); };
  driver.pfnCreate = [](const char* path, int width, int height, int bands, GDALDataType type,
                        StringList options) {
    return CreateArray(kFormat, path, width, height, bands, type, options);
  };
  driver.pfnCreateMultiDimensional = [](const char* path, CSLConstList, CSLConstList options) {
    return CreateMultidim(kFormat, path, options);
  };
  driver.pfnCreateCopy = [](const char* path, GDALDataset* source, int strict, StringList options,
                            GDALProgressFunc progress, void* progress_data) {
    if (IsMultidimSource(*source)) {
      return Guarded<GDALDataset*>(nullptr, [&] {
        return CopyMultidim(kFormat, path, *source, strict != FALSE, options, progress,
                            progress_data);
      });
    }
    return CopyToArray(kFormat, path, *source, strict != FALSE, options,
                       FromGdal(progress, progress_data));
  };
  driver.pfnDelete = [](const char* path) { return DeleteArray(kFormat, path); };
  driver.pfnRename = RenameArray;
  driver.pfnCopyFiles = CopyArrayFiles;
#if NDARRAY_HAS_SUBDATASET_INFO
  driver.pfnGetSubdatasetInfoFunc = [](const char* name) {
    return MakeSubdatasetInfo(name, kFormat.driver);
  };
#endif
}

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_FORMATS_ARRAY_DRIVER_H_
