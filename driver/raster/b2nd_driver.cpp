#include "driver/raster/b2nd_driver.h"

#include <cpl_vsi.h>

#include <string>
#include <string_view>

#include "driver/raster/array_open.h"
#include "driver/raster/b2nd_create.h"
#include "driver/raster/cache_limit.h"
#include "driver/raster/dataset_name.h"
#include "driver/raster/gdal_error.h"
#include "driver/raster/memory_option.h"
#include "driver/raster/subdataset_info.h"
#include "driver/store/frame_header.h"

namespace ndarray {
namespace {

// A folder of that name is a sparse frame, which is ours to refuse. Other folders are not asked.
bool IsFrameFolder(const GDALOpenInfo* open_info) {
  std::string_view name(open_info->pszFilename);
  if (!name.empty() && name.back() == '/') name.remove_suffix(1);
  constexpr std::string_view kSuffix = ".b2nd";
  if (!open_info->bIsDirectory || name.size() < kSuffix.size() ||
      name.substr(name.size() - kSuffix.size()) != kSuffix) {
    return false;
  }
  VSIStatBufL about;
  return VSIStatL((std::string(name) + "/chunks.b2frame").c_str(), &about) == 0;
}

// Runs before every other driver for every file that anyone opens: a comparison of ten bytes.
int Identify(GDALOpenInfo* open_info) {
  if (HasDriverPrefix(open_info->pszFilename, kB2ndDriverName)) return TRUE;
  const std::string_view start(reinterpret_cast<const char*>(open_info->pabyHeader),
                               static_cast<size_t>(open_info->nHeaderBytes));
  return HasFrameMagic(start) || IsFrameFolder(open_info);
}

GDALDataset* Open(GDALOpenInfo* open_info) {
  if (!Identify(open_info)) return nullptr;
  const std::string name = open_info->pszFilename;
  if (IsFrameFolder(open_info)) {
    Report(SparseFrame().At(name));
    return nullptr;
  }
  ApplyCacheLimit();
  return OpenArrayDataset(open_info, kB2ndDriverName, OpenB2ndPath, PolicyOfChunkedFile);
}

}  // namespace

void RegisterB2ndDriver() {
  if (GDALGetDriverByName(kB2ndDriverName) != nullptr) return;
  auto* const driver = new GDALDriver;
  driver->SetDescription(kB2ndDriverName);
  DescribeDriver(*driver);
  driver->SetMetadataItem(GDAL_DMD_LONGNAME, "Blosc2 NDim array (.b2nd)");
  driver->SetMetadataItem(GDAL_DMD_EXTENSION, "b2nd");
  driver->SetMetadataItem(GDAL_DMD_EXTENSIONS, "b2nd");
  DeclareUpdateItems(*driver,
                     "GeoTransform SRS GCPs NoData ColorInterpretation RasterValues "
                     "DatasetMetadata BandMetadata");
  driver->pfnIdentify = Identify;
  driver->pfnOpen = Open;
  AddSubdatasetInfo(*driver);
  AddB2ndCreation(*driver);
  GetGDALDriverManager()->RegisterDriver(driver);
}

}  // namespace ndarray
