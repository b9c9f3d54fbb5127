#include "driver/raster/formats/archive_open.h"

#include <cpl_vsi.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "driver/raster/create/b2z_overviews.h"
#include "driver/raster/create/overwrite.h"
#include "driver/raster/files/subdataset_list.h"
#include "driver/raster/files/vsi_file.h"
#include "driver/raster/files/zip_file.h"
#include "driver/raster/formats/archive_groups.h"
#include "driver/raster/gdal_error.h"
#include "driver/raster/metadata/stored_metadata.h"
#include "driver/raster/multidim/md_dataset.h"
#include "driver/store/archive/zip_directory.h"

namespace ndarray {
namespace {

constexpr uint64_t kMaxMagicBytes = 16;  // that any format begins with

// That pixels are not changed in place, which is all that most programs want of an update;
// overviews in the archive are, where it can be written anew.
Status CheckUpdate(const ArrayFormat& format, const FoundPart& found, bool wants_raster) {
  const std::string& path = found.name.path;
  const auto refuse = [&](const std::string& wanted) {
    return Mismatch(StatusCode::kNotSupported, "access", "update", wanted).At(path);
  };
  if (format.archive->build_levels == nullptr || !wants_raster) {
    const std::string& part = found.item.array.empty() ? "name" : found.item.array;
    return refuse(std::string("read-only: a .") + format.archive->extension +
                  " is not changed in place; copy the array out of it (gdal_ndarray convert '" +
                  path + ":" + part + "' new." + format.extension + "), or write a new archive");
  }
  if (IsVirtualPath(path) && VSISupportsRandomWrite(path.c_str(), FALSE) == 0) {
    return refuse("read-only: files are not written anew there");
  }
  return CheckMayUpdate(path);
}

// What nobody asked for by name may be missing all the same.
void WarnOfLeftOut(const FoundPart& found, size_t listed) {
  if (!found.name.part.empty()) return;
  std::string text;
  if (const size_t all = found.item.datasets.size();
      listed < all && listed == kMaxListedSubdatasets) {
    text = std::to_string(all) + " arrays, of which " + std::to_string(listed) +
           " are listed; all open by their names";
  }
  const std::vector<std::string>& left_out = found.archive->left_out();
  if (!left_out.empty()) {
    const size_t more = left_out.size() - 1;
    text += (text.empty() ? "" : "; ") + std::string("not listed: ") + left_out.front() +
            (more == 0 ? "" : " and " + std::to_string(more) + " more");
  }
  if (!text.empty()) ReportWarning(found.name.path + ": " + text);
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
    const ZipMember* const member = found.archive->MemberOf(name);
    if (member != nullptr && !WhyUnreadable(*member).empty()) {
      if (first_failure.ok()) first_failure = found.archive->OpenFile(name).status();
      continue;
    }
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
  WarnOfLeftOut(found, parts.size());
  std::unique_ptr<GDALDataset> list = ListParts(parts, std::move(root_group));
  const auto attributes = found.archive->GroupAttributes(found.name.part);
  CPLStringList items;
  for (const ShownAttribute& shown : ReadStoredMetadata(attributes.get(), {}).shown) {
    items.SetNameValue(shown.key.c_str(), shown.text.c_str());
  }
  if (items.size() > 0) list->GDALDataset::SetMetadata(items.List());
  return list;
}

// The coarser arrays of a raster, as the archive has them now.
struct Coarser {
  std::shared_ptr<ArrayArchive> archive;
  std::vector<std::string> names;
};

Result<std::vector<std::shared_ptr<Array>>> OpenAll(const Coarser& coarser, int max_threads) {
  std::vector<std::shared_ptr<Array>> arrays;
  for (const std::string& name : coarser.names) {
    Result<std::shared_ptr<Array>> array = coarser.archive->Open(name, max_threads);
    if (!array.ok()) return array.status();
    arrays.push_back(std::move(*array));
  }
  return arrays;
}

// What the dataset shows as overviews, and, where it is open for update, what makes others.
void AddLevels(const ArrayFormat& format, const FoundPart& found, bool update,
               const OpenPolicy& policy, ArrayDataset::Options& options) {
  const auto coarser = std::make_shared<Coarser>(Coarser{found.archive, found.item.coarser});
  if (update || !coarser->names.empty()) {
    options.open_coarser = [coarser, max_threads = options.max_threads] {
      return OpenAll(*coarser, max_threads);
    };
  }
  if (!update) return;
  options.build_levels = [&kind = *format.archive, path = found.name.path, policy, coarser,
                          array = found.item.array](
                             const ArrayDataset& raster, const std::string& method,
                             const std::vector<int>& factors, const ProgressFn& progress) {
    Status status =
        kind.build_levels(raster, {path, array, coarser->names, method, factors}, progress);
    if (!status.ok()) return status;
    Result<std::shared_ptr<ArrayArchive>> archive = kind.open(path, policy);
    if (!archive.ok()) return archive.status();
    Result<ArchiveItem> item = (*archive)->Find(array);
    if (!item.ok()) return item.status();
    *coarser = {std::move(*archive), std::move(item->coarser)};
    return Status();
  };
}

}  // namespace

bool IsInArchive(const ArrayFormat& format, const DatasetName& name) {
  if (format.archive == nullptr) return false;
  if (!IsArchiveName(format, name.path) && name.part.empty()) return false;
  const Result<std::shared_ptr<ByteFile>> file = OpenByteFile(name.path);
  std::string start;
  if (!file.ok() ||
      !ReadBytes(**file, 0, std::min<uint64_t>((*file)->size_bytes(), kMaxMagicBytes), start)
           .ok()) {
    return false;
  }
  return HasZipMagic(start) || (!format.detect(start) && EndsWithZip(**file));
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
  const bool update = open_info->eAccess == GA_Update;
  const Status may_update =
      update ? CheckUpdate(format, *found, Wants(*open_info, GDAL_OF_RASTER)) : Status();
  if (!may_update.ok()) return Report(may_update), nullptr;
  const bool whole_archive = found->name.part.empty() && found->name.index.empty();
  if (Wants(*open_info, GDAL_OF_MULTIDIM_RASTER) && whole_archive && options.axes.empty() &&
      !update) {
    options.root_group = MakeArchiveGroups(found->name.path, found->archive, options.max_threads);
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
  if (Wants(*open_info, GDAL_OF_MULTIDIM_RASTER) && whole && options.root_group == nullptr &&
      !update) {
    if (!Wants(*open_info, GDAL_OF_RASTER)) return OpenMdDataset(*open_info, std::move(*array));
    options.root_group = MakeRootGroup(*open_info, *array);
  }
  if (whole && (*array)->info().shape.size() > kMaxRasterAxes) {
    return ListSubdatasets(**array, format.driver, found->name, options.root_group);
  }
  options.inherited = found->archive->GroupAttributes(item.array);
  AddLevels(format, *found, update, policy, options);
  WarnOfLeftOut(*found, 0);
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
