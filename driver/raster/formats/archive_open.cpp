#include "driver/raster/formats/archive_open.h"

#include <utility>
#include <vector>

#include "driver/raster/create/b2z_overviews.h"
#include "driver/raster/files/subdataset_list.h"
#include "driver/raster/files/vsi_file.h"
#include "driver/raster/formats/archive_groups.h"
#include "driver/raster/gdal_error.h"
#include "driver/raster/metadata/stored_metadata.h"
#include "driver/raster/multidim/md_dataset.h"
#include "driver/store/archive/zip_directory.h"

namespace ndarray {
namespace {

Status RefuseUpdate(const ArrayFormat& format, const FoundPart& found) {
  const std::string& part = found.item.array.empty() ? "name" : found.item.array;
  return Mismatch(StatusCode::kNotSupported, "access", "update",
                  std::string("read-only: a .") + format.archive->extension +
                      " is not changed in place; copy the array out of it (gdal_ndarray convert '" +
                      found.name.path + ":" + part + "' new." + format.extension +
                      "), or write a new archive")
      .At(found.name.path);
}

Status NotOneArray(const FoundPart& found) {
  return Mismatch(StatusCode::kInvalidArgument, "arrays",
                  std::to_string(found.item.datasets.size()),
                  "one: " + found.name.path + ":" + found.item.datasets.front() +
                      " names the first (gdalinfo lists them)")
      .At(found.name.path);
}

// Parts that are no rasters (texts, objects of Python) are not listed.
std::unique_ptr<GDALDataset> ListArchive(const ArrayFormat& format, const FoundPart& found,
                                         std::shared_ptr<GDALGroup> root_group) {
  std::vector<ListedPart> parts;
  Status first_failure;
  for (const std::string& name : found.item.datasets) {
    if (parts.size() == kMaxListedSubdatasets) break;
    std::string description;
    if (IsVirtualPath(found.name.path)) {  // each would be some requests
      description = name;
    } else {
      Result<ArchiveItem> item = found.archive->Find(name);
      Status status = item.status();
      if (status.ok()) {
        const Result<std::shared_ptr<Array>> array = found.archive->Open(item->array, 1);
        status = array.status();
        if (status.ok()) description = DescribeElements((*array)->info(), (*array)->info().shape);
      }
      if (!status.ok()) {
        if (first_failure.ok()) first_failure = status;
        if (status.code() == StatusCode::kNotSupported) continue;
        description = "(" + status.message() + ")";
      }
    }
    parts.push_back({FormatDatasetName(format.driver, found.name.path, name, {}), description});
  }
  if (parts.empty()) return Report(first_failure), nullptr;
  std::unique_ptr<GDALDataset> list = ListParts(parts, std::move(root_group));
  const auto attributes = found.archive->GroupAttributes(found.name.part);
  CPLStringList items;
  for (const ShownAttribute& shown : ReadStoredMetadata(attributes.get(), {}).shown) {
    items.SetNameValue(shown.key.c_str(), shown.text.c_str());
  }
  if (items.size() > 0) list->GDALDataset::SetMetadata(items.List());
  return list;
}

Result<std::vector<std::shared_ptr<Array>>> OpenAll(const ArrayArchive& archive,
                                                    const std::vector<std::string>& names,
                                                    int max_threads) {
  std::vector<std::shared_ptr<Array>> arrays;
  for (const std::string& name : names) {
    Result<std::shared_ptr<Array>> array = archive.Open(name, max_threads);
    if (!array.ok()) return array.status();
    arrays.push_back(std::move(*array));
  }
  return arrays;
}

}  // namespace

bool IsInArchive(const ArrayFormat& format, const DatasetName& name) {
  if (format.archive == nullptr) return false;
  if (!IsArchiveName(format, name.path) && name.part.empty()) return false;
  const Result<std::shared_ptr<ByteFile>> file = OpenByteFile(name.path);
  constexpr size_t kMagicBytes = 4;
  std::string start;
  return file.ok() && (*file)->size_bytes() >= kMagicBytes &&
         ReadBytes(**file, 0, kMagicBytes, start).ok() && HasZipMagic(start);
}

Result<FoundPart> FindPart(const ArrayFormat& format, const DatasetName& name,
                           const OpenPolicy& policy) {
  Result<std::shared_ptr<ArrayArchive>> archive = format.archive->open(name.path, policy);
  if (!archive.ok()) return archive.status();
  FoundPart found{std::move(*archive), {}, name};
  const std::string written(name.written_part);
  if (!written.empty() && written != name.part) {
    Result<ArchiveItem> item = found.archive->Find(written);
    if (item.ok()) {
      found.item = std::move(*item);
      found.name.part = written;
      found.name.index = {};
      return found;
    }
  }
  Result<ArchiveItem> item = found.archive->Find(name.part);
  if (!item.ok()) return item.status();
  found.item = std::move(*item);
  return found;
}

std::unique_ptr<GDALDataset> OpenInArchive(const ArrayFormat& format, GDALOpenInfo* open_info,
                                           const DatasetName& name, ArrayDataset::Options options,
                                           const OpenPolicy& policy) {
  Result<FoundPart> found = FindPart(format, name, policy);
  if (!found.ok()) return Report(found.status()), nullptr;
  const ArchiveItem& item = found->item;
  if (open_info->eAccess == GA_Update) return Report(RefuseUpdate(format, *found)), nullptr;
  const bool whole_archive = found->name.part.empty() && found->name.index.empty();
  if (Wants(*open_info, GDAL_OF_MULTIDIM_RASTER) && whole_archive && options.axes.empty()) {
    options.root_group = MakeArchiveGroups(found->archive, options.max_threads);
    if (!Wants(*open_info, GDAL_OF_RASTER)) {
      auto dataset = MakeMdDataset(std::move(options.root_group));
      dataset->SetDescription(found->name.path.c_str());
      return dataset;
    }
  }
  if (item.array.empty()) {
    if (!found->name.index.empty() || !options.axes.empty()) {
      return Report(NotOneArray(*found)), nullptr;
    }
    return ListArchive(format, *found, std::move(options.root_group));
  }
  Result<std::shared_ptr<Array>> array = found->archive->Open(item.array, options.max_threads);
  if (!array.ok()) return Report(array.status()), nullptr;
  options.index = found->name.index;
  options.part = found->name.part;
  const bool whole = options.index.empty() && options.axes.empty();
  if (Wants(*open_info, GDAL_OF_MULTIDIM_RASTER) && whole && options.root_group == nullptr) {
    if (!Wants(*open_info, GDAL_OF_RASTER)) return OpenMdDataset(*open_info, std::move(*array));
    options.root_group = MakeRootGroup(*open_info, *array);
  }
  if (whole && (*array)->info().shape.size() > kMaxRasterAxes) {
    return ListSubdatasets(**array, format.driver, found->name, options.root_group);
  }
  options.inherited = found->archive->GroupAttributes(item.array);
  if (!item.coarser.empty()) {
    options.open_coarser = [archive = found->archive, names = item.coarser,
                            max_threads = options.max_threads] {
      return OpenAll(*archive, names, max_threads);
    };
  }
  if (format.archive->build_levels != nullptr) {
    options.build_levels = [&kind = *format.archive, path = found->name.path, item](
                               const ArrayDataset& raster, const std::string& method,
                               const std::vector<int>& factors, const ProgressFn& progress) {
      return kind.build_levels(raster, {path, item.array, item.coarser, method, factors}, progress);
    };
  }
  return ArrayDataset::Open(open_info, std::move(*array), options);
}

Result<std::shared_ptr<ByteFile>> OpenNamedFile(const ArrayFormat& format,
                                                const DatasetName& name) {
  if (!IsInArchive(format, name)) return OpenByteFile(name.path);
  Result<FoundPart> found = FindPart(format, name, {});
  if (!found.ok()) return found.status();
  if (found->item.array.empty()) return NotOneArray(*found);
  return found->archive->OpenFile(found->item.array);
}

Result<std::shared_ptr<Array>> OpenNamedArray(const ArrayFormat& format, const DatasetName& name,
                                              int max_threads) {
  if (!IsInArchive(format, name)) return format.open(name.path, OpenFor::kReading, max_threads, {});
  Result<FoundPart> found = FindPart(format, name, {});
  if (!found.ok()) return found.status();
  if (found->item.array.empty()) return NotOneArray(*found);
  return found->archive->Open(found->item.array, max_threads);
}

}  // namespace ndarray
