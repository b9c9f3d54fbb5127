#include "driver/raster/array_open.h"

#include <cpl_string.h>

#include "driver/raster/array_dataset.h"
#include "driver/raster/dataset_name.h"
#include "driver/raster/gdal_error.h"
#include "driver/raster/subdataset_list.h"
#include "driver/raster/threads.h"

namespace ndarray {
namespace {

GDALDataset* OpenChecked(GDALOpenInfo* open_info, const char* driver, ArrayOpener open_array) {
  Result<DatasetName> name = ParseDatasetName(open_info->pszFilename, driver);
  if (!name.ok()) return Report(name.status()), nullptr;
  ArrayDataset::Options options;
  options.index = name->index;
  options.axes = CPLString(CSLFetchNameValueDef(open_info->papszOpenOptions, "AXES", "")).toupper();
  const Result<int> threads =
      ThreadsFromOption(CSLFetchNameValue(open_info->papszOpenOptions, "NUM_THREADS"));
  // As GDAL's own drivers do: a warning, and the file opens.
  if (!threads.ok()) ReportWarning(threads.status().At(name->path).message() + "; it is ignored");
  options.max_threads = threads.ok() ? *threads : DefaultThreads();

  const Access access = open_info->eAccess == GA_Update ? Access::kUpdate : Access::kRead;
  Result<std::shared_ptr<Array>> array = open_array(name->path, access, options.max_threads);
  if (!array.ok()) return Report(array.status()), nullptr;
  const bool whole = options.index.empty() && options.axes.empty();
  if (whole && (*array)->info().shape.size() > kMaxRasterAxes) {
    return ListSubdatasets(**array, driver).release();
  }
  return ArrayDataset::Open(open_info, std::move(*array), options).release();
}

}  // namespace

const char* const kOpenOptions =
    "<OpenOptionList>"
    "<Option name='AXES' type='string' description='Which axes of the array are bands (B), lines "
    "(Y) and pixels (X), in array order, such as BYX, YXB or XY'/>"
    "<Option name='NUM_THREADS' type='string' description='Threads that read one window: a number "
    "or ALL_CPUS (default: GDAL_NUM_THREADS, else ALL_CPUS)'/>"
    "</OpenOptionList>";

GDALDataset* OpenArrayDataset(GDALOpenInfo* open_info, const char* driver, ArrayOpener open_array) {
  return Guarded<GDALDataset*>(nullptr, [&] { return OpenChecked(open_info, driver, open_array); });
}

void DescribeDriver(GDALDriver& driver) {
  driver.SetMetadataItem(GDAL_DCAP_RASTER, "YES");
  driver.SetMetadataItem(GDAL_DCAP_VIRTUALIO, "YES");
  driver.SetMetadataItem(GDAL_DCAP_COORDINATE_EPOCH, "YES");
  if (kCanReadAfterDelete != nullptr) driver.SetMetadataItem(kCanReadAfterDelete, "YES");
  driver.SetMetadataItem(GDAL_DMD_SUBDATASETS, "YES");
  driver.SetMetadataItem(GDAL_DMD_HELPTOPIC, NDARRAY_HELP_TOPIC);
  driver.SetMetadataItem(GDAL_DMD_OPENOPTIONLIST, kOpenOptions);
}

}  // namespace ndarray
