#include "driver/raster/npy_driver.h"

#include <cpl_conv.h>
#include <cpl_string.h>

#include <cstring>
#include <string>

#include "driver/raster/array_dataset.h"
#include "driver/raster/dataset_name.h"
#include "driver/raster/gdal_error.h"
#include "driver/raster/npy_create.h"
#include "driver/raster/subdataset_list.h"
#include "driver/raster/threads.h"
#include "driver/raster/vsi_file.h"
#include "driver/store/npy_array.h"
#include "driver/store/npy_header.h"

namespace ndarray {
namespace {

constexpr const char* kOpenOptions =
    "<OpenOptionList>"
    "<Option name='AXES' type='string' description='Which axes of the array are bands (B), lines "
    "(Y) and pixels (X), in array order, such as BYX, YXB or XY'/>"
    "<Option name='NUM_THREADS' type='string' description='Threads that read one window: a number "
    "or ALL_CPUS (default: GDAL_NUM_THREADS, else ALL_CPUS)'/>"
    "</OpenOptionList>";

// Runs before every other driver for every file that anyone opens: a comparison of six bytes.
int Identify(GDALOpenInfo* open_info) {
  if (HasDriverPrefix(open_info->pszFilename, kNpyDriverName)) return TRUE;
  return open_info->nHeaderBytes >= static_cast<int>(kNpyMagic.size()) &&
         std::memcmp(open_info->pabyHeader, kNpyMagic.data(), kNpyMagic.size()) == 0;
}

GDALDataset* OpenChecked(GDALOpenInfo* open_info) {
  Result<DatasetName> name = ParseDatasetName(open_info->pszFilename, kNpyDriverName);
  if (!name.ok()) return Report(name.status()), nullptr;
  ArrayDataset::Options options;
  options.index = name->index;
  options.axes = CPLString(CSLFetchNameValueDef(open_info->papszOpenOptions, "AXES", "")).toupper();
  options.max_threads =
      ThreadsFromOption(CSLFetchNameValue(open_info->papszOpenOptions, "NUM_THREADS"));

  const Access access = open_info->eAccess == GA_Update ? Access::kUpdate : Access::kRead;
  Result<std::shared_ptr<ByteFile>> file = OpenByteFile(name->path, access);
  if (!file.ok()) return Report(file.status()), nullptr;
  Result<std::shared_ptr<Array>> array = OpenNpyArray(std::move(*file), options.max_threads);
  if (!array.ok()) return Report(array.status()), nullptr;
  const bool whole = options.index.empty() && options.axes.empty();
  if (whole && (*array)->info().shape.size() > kMaxRasterAxes) {
    return ListSubdatasets(**array, kNpyDriverName).release();
  }
  return ArrayDataset::Open(open_info, std::move(*array), options).release();
}

GDALDataset* Open(GDALOpenInfo* open_info) {
  if (!Identify(open_info)) return nullptr;
  return Guarded<GDALDataset*>(nullptr, [open_info] { return OpenChecked(open_info); });
}

}  // namespace

void RegisterNpyDriver() {
  if (GDALGetDriverByName(kNpyDriverName) != nullptr) return;
  auto* const driver = new GDALDriver;
  driver->SetDescription(kNpyDriverName);
  driver->SetMetadataItem(GDAL_DCAP_RASTER, "YES");
  driver->SetMetadataItem(GDAL_DCAP_VIRTUALIO, "YES");
  driver->SetMetadataItem(GDAL_DMD_LONGNAME, "NumPy array (.npy)");
  driver->SetMetadataItem(GDAL_DMD_EXTENSION, "npy");
  driver->SetMetadataItem(GDAL_DMD_EXTENSIONS, "npy");
  driver->SetMetadataItem(GDAL_DMD_SUBDATASETS, "YES");
  driver->SetMetadataItem(GDAL_DMD_OPENOPTIONLIST, kOpenOptions);
  DeclareUpdateItems(*driver,
                     "GeoTransform SRS GCPs NoData ColorInterpretation RasterValues "
                     "DatasetMetadata BandMetadata");
  driver->pfnIdentify = Identify;
  driver->pfnOpen = Open;
  AddNpyCreation(*driver);
  GetGDALDriverManager()->RegisterDriver(driver);
}

}  // namespace ndarray
