#include "driver/raster/formats/array_open.h"

#include <cpl_string.h>

#include <memory>
#include <string>
#include <utility>

#include "driver/raster/axes.h"
#include "driver/raster/dataset/array_dataset.h"
#include "driver/raster/files/dataset_name.h"
#include "driver/raster/files/named_file.h"
#include "driver/raster/files/subdataset_list.h"
#include "driver/raster/files/vsi_file.h"
#include "driver/raster/formats/archive_open.h"
#include "driver/raster/gdal_error.h"
#include "driver/raster/multidim/md_dataset.h"
#include "driver/raster/threads.h"
#include "driver/store/archive/zip_directory.h"

namespace ndarray {
namespace {

std::unique_ptr<GDALDataset> OpenArray(const ArrayFormat& format, GDALOpenInfo* open_info,
                                       const DatasetName& name, ArrayDataset::Options options,
                                       const OpenPolicy& policy) {
  const OpenFor purpose = open_info->eAccess == GA_Update ? OpenFor::kUpdate : OpenFor::kReading;
  Result<std::shared_ptr<Array>> array =
      format.open(name.path, purpose, options.max_threads, policy);
  if (!array.ok()) return Report(array.status()), nullptr;
  const bool whole = options.index.empty() && options.axes.empty();
  if (Wants(*open_info, GDAL_OF_MULTIDIM_RASTER) && whole) {
    if (!Wants(*open_info, GDAL_OF_RASTER)) return OpenMdDataset(*open_info, std::move(*array));
    // Where both are asked for, a raster is what most programs expect, but not GDAL's
    // gdalmdimtranslate.
    if (purpose == OpenFor::kReading) options.root_group = MakeRootGroup(*open_info, *array);
  }
  if (whole && (*array)->info().shape.size() > kMaxRasterAxes) {
    return ListSubdatasets(**array, format.driver, name, options.root_group);
  }
  return ArrayDataset::Open(open_info, std::move(*array), options);
}

GDALDataset* OpenChecked(const ArrayFormat& format, GDALOpenInfo* open_info) {
  if (open_info->bIsDirectory && format.refuse_folder != nullptr) {
    const Status refused = format.refuse_folder(open_info->pszFilename);
    if (!refused.ok()) return Report(refused), nullptr;
  }
  Result<DatasetName> name = ParseDatasetName(open_info->pszFilename, format.driver);
  if (!name.ok()) return Report(name.status()), nullptr;
  ArrayDataset::Options options;
  options.index = name->index;
  options.axes = CPLString(CSLFetchNameValueDef(open_info->papszOpenOptions, "AXES", "")).toupper();
  const Result<int> threads =
      ThreadsFromOption(CSLFetchNameValue(open_info->papszOpenOptions, "NUM_THREADS"));
  // As GDAL's own drivers do: a warning, and the file opens.
  if (!threads.ok()) ReportWarning(threads.status().At(name->path).message() + "; it is ignored");
  options.max_threads = threads.ok() ? *threads : DefaultThreads();

  const OpenPolicy policy = format.open_policy(open_info->papszOpenOptions);
  // Where another file takes the name meanwhile, the sidecars may be its own: then it is opened
  // instead. Not for ever, should somebody do nothing but replace it.
  constexpr int kMaxTries = 20;
  const bool in_archive = IsInArchive(format, *name);
  if (!in_archive && !name->part.empty()) {
    const Result<std::shared_ptr<ByteFile>> file = OpenByteFile(name->path);
    const Status no_index = ParseIndex(name->written_part).status().At(name->path);
    return Report(file.ok() ? no_index : file.status()), nullptr;
  }
  for (int tries = 1;; ++tries) {
    options.file = NamedFile(name->path);
    std::unique_ptr<GDALDataset> dataset =
        in_archive ? OpenInArchive(format, open_info, *name, options, policy)
                   : OpenArray(format, open_info, *name, options, policy);
    if (dataset == nullptr || tries == kMaxTries || options.file.IsStillNamed()) {
      return dataset.release();
    }
  }
}

}  // namespace

bool IdentifyArray(const ArrayFormat& format, GDALOpenInfo& open_info) {
  if (HasDriverPrefix(open_info.pszFilename, format.driver)) return true;
  const std::string_view start(reinterpret_cast<const char*>(open_info.pabyHeader),
                               static_cast<size_t>(open_info.nHeaderBytes));
  if (format.detect(start)) return true;
  if (IsArchiveName(format, open_info.pszFilename) && !start.empty()) {
    if (HasZipMagic(start)) return true;
    // Bytes may stand before the archive.
    const Result<std::shared_ptr<ByteFile>> file = OpenByteFile(open_info.pszFilename);
    if (file.ok() && EndsWithZip(**file)) return true;
  }
  return open_info.bIsDirectory && format.refuse_folder != nullptr &&
         !format.refuse_folder(open_info.pszFilename).ok();
}

GDALDataset* OpenArrayDataset(const ArrayFormat& format, GDALOpenInfo* open_info) {
  return Guarded<GDALDataset*>(nullptr, [&]() -> GDALDataset* {
    return IdentifyArray(format, *open_info) ? OpenChecked(format, open_info) : nullptr;
  });
}

}  // namespace ndarray
