#include "driver/raster/array_open.h"

#include <cpl_string.h>

#include <memory>
#include <string>
#include <utility>

#include "driver/raster/array_dataset.h"
#include "driver/raster/dataset_name.h"
#include "driver/raster/gdal_error.h"
#include "driver/raster/named_file.h"
#include "driver/raster/subdataset_list.h"
#include "driver/raster/threads.h"

namespace ndarray {
namespace {

std::unique_ptr<GDALDataset> OpenArray(GDALOpenInfo* open_info, const char* driver,
                                       const std::string& path,
                                       const ArrayDataset::Options& options, ArrayOpener open_array,
                                       const MapPolicy& policy) {
  const Access access = open_info->eAccess == GA_Update ? Access::kUpdate : Access::kRead;
  Result<std::shared_ptr<Array>> array = open_array(path, access, options.max_threads, policy);
  if (!array.ok()) return Report(array.status()), nullptr;
  const bool whole = options.index.empty() && options.axes.empty();
  if (whole && (*array)->info().shape.size() > kMaxRasterAxes) {
    return ListSubdatasets(**array, driver);
  }
  return ArrayDataset::Open(open_info, std::move(*array), options);
}

GDALDataset* OpenChecked(GDALOpenInfo* open_info, const char* driver, ArrayOpener open_array,
                         PolicyReader read_policy) {
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

  const MapPolicy policy = read_policy(open_info->papszOpenOptions);
  // Where another file takes the name meanwhile, the sidecars may be its own: then it is opened
  // instead. Not for ever, should somebody do nothing but replace it.
  constexpr int kMaxTries = 20;
  for (int tries = 1;; ++tries) {
    options.file = NamedFile(name->path);
    std::unique_ptr<GDALDataset> dataset =
        OpenArray(open_info, driver, name->path, options, open_array, policy);
    if (dataset == nullptr || tries == kMaxTries || options.file.IsStillNamed()) {
      return dataset.release();
    }
  }
}

}  // namespace

const char* const kOpenOptions =
    "<OpenOptionList>"
    "<Option name='AXES' type='string' description='Which axes of the array are bands (B), lines "
    "(Y) and pixels (X), in array order, such as BYX, YXB or XY'/>"
    "<Option name='NUM_THREADS' type='string' description='Threads that read one window: a number "
    "or ALL_CPUS (default: GDAL_NUM_THREADS, else ALL_CPUS)'/>"
    "<Option name='MAX_RESIDENT' type='string' description='How much of the file may count as "
    "memory "
    "of the process, in megabytes, or with KB, MB or GB. Longer .npy files are read without a map; "
    "of "
    ".b2nd files what was read is released (default: NDARRAY_MAX_RESIDENT, else no bound for .npy, "
    "and 128 for all .b2nd together)'/>"
    "</OpenOptionList>";

GDALDataset* OpenArrayDataset(GDALOpenInfo* open_info, const char* driver, ArrayOpener open_array,
                              PolicyReader read_policy) {
  return Guarded<GDALDataset*>(
      nullptr, [&] { return OpenChecked(open_info, driver, open_array, read_policy); });
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
