#include "driver/raster/array_open.h"

#include <cpl_string.h>

#include "driver/raster/array_dataset.h"
#include "driver/raster/dataset_name.h"
#include "driver/raster/gdal_error.h"
#include "driver/raster/subdataset_list.h"
#include "driver/raster/threads.h"

namespace ndarray {
namespace {

GDALDataset* OpenChecked(GDALOpenInfo* open_info, const char* driver, ArrayOpener open_array,
                         PolicyReader read_policy) {
  Result<DatasetName> name = ParseDatasetName(open_info->pszFilename, driver);
  if (!name.ok()) return Report(name.status()), nullptr;
  ArrayDataset::Options options;
  options.index = name->index;
  options.axes = CPLString(CSLFetchNameValueDef(open_info->papszOpenOptions, "AXES", "")).toupper();
  options.max_threads =
      ThreadsFromOption(CSLFetchNameValue(open_info->papszOpenOptions, "NUM_THREADS"));

  const Access access = open_info->eAccess == GA_Update ? Access::kUpdate : Access::kRead;
  Result<std::shared_ptr<Array>> array =
      open_array(name->path, access, options.max_threads, read_policy(open_info->papszOpenOptions));
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

}  // namespace ndarray
