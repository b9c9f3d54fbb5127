#include "driver/raster/npy_driver.h"

#include <cstring>

#include "driver/raster/array_open.h"
#include "driver/raster/dataset_name.h"
#include "driver/raster/memory_option.h"
#include "driver/raster/npy_create.h"
#include "driver/raster/subdataset_info.h"
#include "driver/raster/vsi_file.h"
#include "driver/store/npy_array.h"
#include "driver/store/npy_header.h"

namespace ndarray {
namespace {

// Runs before every other driver for every file that anyone opens: a comparison of six bytes.
int Identify(GDALOpenInfo* open_info) {
  if (HasDriverPrefix(open_info->pszFilename, kNpyDriverName)) return TRUE;
  return open_info->nHeaderBytes >= static_cast<int>(kNpyMagic.size()) &&
         std::memcmp(open_info->pabyHeader, kNpyMagic.data(), kNpyMagic.size()) == 0;
}

GDALDataset* Open(GDALOpenInfo* open_info) {
  return Identify(open_info)
             ? OpenArrayDataset(open_info, kNpyDriverName, OpenNpyPath, PolicyOfPlainFile)
             : nullptr;
}

}  // namespace

Result<std::shared_ptr<Array>> OpenNpyPath(const std::string& path, Access access, int max_threads,
                                           const MapPolicy& policy) {
  if (access == Access::kRead) {
    Result<std::shared_ptr<ByteFile>> file = OpenByteFile(path, policy);
    if (!file.ok()) return file.status();
    return OpenNpyArray(*file, max_threads);
  }
  Result<std::shared_ptr<WritableFile>> file = OpenWritableFile(path, policy);
  if (!file.ok()) return file.status();
  Result<std::shared_ptr<WritableArray>> array = OpenNpyForUpdate(*file, max_threads);
  if (!array.ok()) return array.status();
  return std::shared_ptr<Array>(std::move(*array));
}

void RegisterNpyDriver() {
  if (GDALGetDriverByName(kNpyDriverName) != nullptr) return;
  auto* const driver = new GDALDriver;
  driver->SetDescription(kNpyDriverName);
  DescribeDriver(*driver);
  driver->SetMetadataItem(GDAL_DMD_LONGNAME, "NumPy array (.npy)");
  driver->SetMetadataItem(GDAL_DMD_EXTENSION, "npy");
  driver->SetMetadataItem(GDAL_DMD_EXTENSIONS, "npy");
  DeclareUpdateItems(*driver,
                     "GeoTransform SRS GCPs NoData ColorInterpretation RasterValues "
                     "DatasetMetadata BandMetadata");
  driver->pfnIdentify = Identify;
  driver->pfnOpen = Open;
  AddSubdatasetInfo(*driver);
  AddNpyCreation(*driver);
  GetGDALDriverManager()->RegisterDriver(driver);
}

}  // namespace ndarray
