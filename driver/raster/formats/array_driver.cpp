#include "driver/raster/formats/array_driver.h"

#include <string>

#include "driver/raster/create/overwrite.h"
#include "driver/raster/gdal_types.h"
#include "driver/raster/reserved_names.h"

namespace ndarray {
namespace {

constexpr const char* kOpenOptions =
    "<Option name='AXES' type='string' description='Which axes of the array are bands (B), lines "
    "(Y) and pixels (X), in array order, such as BYX, YXB or XY'/>"
    "<Option name='NUM_THREADS' type='string' description='Threads that read one window: a number "
    "or ALL_CPUS (default: GDAL_NUM_THREADS, else OMP_NUM_THREADS, else ALL_CPUS)'/>"
    "<Option name='MAX_RESIDENT' type='string' description='How much of the file may count as "
    "memory "
    "of the process, in megabytes, or with KB, MB or GB. Longer .npy files are read without a map; "
    "of "
    ".b2nd files what was read is released (default: NDARRAY_MAX_RESIDENT, else no bound for .npy, "
    "and 128 for all .b2nd together)'/>";

std::string Sidecars() {
  std::string list;
  for (const char* const suffix : kSidecarSuffixes)
    list.append(list.empty() ? "" : " ").append(suffix);
  return list;
}

}  // namespace

void RegisterDriver(const ArrayFormat& format) {
  if (GDALGetDriverByName(format.driver) != nullptr) return;
  auto* const driver = new GDALDriver;
  driver->SetDescription(format.driver);
  driver->SetMetadataItem(GDAL_DMD_LONGNAME, format.long_name);
  driver->SetMetadataItem(GDAL_DMD_EXTENSION, format.extension);
  const std::string archives =
      format.archive == nullptr ? "" : std::string(" ") + format.archive->extension;
  driver->SetMetadataItem(GDAL_DMD_EXTENSIONS, (format.extension + archives).c_str());
  driver->SetMetadataItem(GDAL_DCAP_RASTER, "YES");
  driver->SetMetadataItem(GDAL_DCAP_VIRTUALIO, "YES");
  driver->SetMetadataItem(GDAL_DCAP_COORDINATE_EPOCH, "YES");
  if (kCanReadAfterDelete != nullptr) driver->SetMetadataItem(kCanReadAfterDelete, "YES");
  driver->SetMetadataItem(GDAL_DMD_SUBDATASETS, "YES");
  driver->SetMetadataItem(GDAL_DMD_HELPTOPIC, NDARRAY_HELP_TOPIC);
  const std::string open_options =
      std::string("<OpenOptionList>") + kOpenOptions + format.open_options + "</OpenOptionList>";
  driver->SetMetadataItem(GDAL_DMD_OPENOPTIONLIST, open_options.c_str());
  driver->SetMetadataItem(GDAL_DMD_CREATIONOPTIONLIST, format.creation_options().c_str());
  driver->SetMetadataItem(GDAL_DMD_CREATIONDATATYPES, CreationDataTypes());
  driver->SetMetadataItem(kDetailsItem, "YES", kMetadataDomain);
  driver->SetMetadataItem(kSidecarsItem, Sidecars().c_str(), kMetadataDomain);
  DeclareUpdateItems(*driver,
                     "GeoTransform SRS GCPs NoData ColorInterpretation RasterValues "
                     "DatasetMetadata BandMetadata");
  format.add_callbacks(*driver);
  GetGDALDriverManager()->RegisterDriver(driver);
}

}  // namespace ndarray
