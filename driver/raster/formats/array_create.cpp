#include "driver/raster/formats/array_create.h"

#include <cpl_conv.h>
#include <cpl_string.h>
#include <cpl_vsi.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "driver/raster/create/overwrite.h"
#include "driver/raster/create/raster_source.h"
#include "driver/raster/dataset/array_dataset.h"
#include "driver/raster/files/checksum_file.h"
#include "driver/raster/files/dataset_name.h"
#include "driver/raster/files/vsi_file.h"
#include "driver/raster/formats/array_open.h"
#include "driver/raster/gdal_error.h"
#include "driver/raster/mask/mask_file.h"
#include "driver/raster/mask/stored_mask.h"
#include "driver/raster/metadata/colors.h"
#include "driver/raster/metadata/geo_metadata.h"
#include "driver/raster/metadata/stored_metadata.h"

namespace ndarray {
namespace {

// What is left of a file that went to a place from where nothing can be read.
class WrittenToStream final : public GDALDataset {
 public:
  explicit WrittenToStream(const NewArray& array) {
    nRasterXSize = array.width;
    nRasterYSize = array.height;
  }
};

std::unique_ptr<ArrayDataset> OpenNew(const ArrayFormat& format, const NewArray& array,
                                      OpenFor purpose) {
  GDALOpenInfo open_info(array.path.c_str(),
                         purpose == OpenFor::kReading ? GA_ReadOnly : GA_Update);
  ArrayDataset::Options options;
  options.axes = array.axes;
  options.max_threads = array.max_threads;
  options.file = NamedFile(array.path);
  Result<std::shared_ptr<Array>> opened =
      format.open(array.path, purpose, options.max_threads, format.open_policy(nullptr));
  if (!opened.ok()) return Report(opened.status()), nullptr;
  return ArrayDataset::Open(&open_info, std::move(*opened), options);
}

// Object stores cannot be opened for update, nor copies that took the place of a file that may not
// be written to.
bool CanBeUpdated(const std::string& path) {
  return IsVirtualPath(path) ? VSISupportsRandomWrite(path.c_str(), FALSE) != 0
                             : CheckMayUpdate(path).ok();
}

// Stores the order of the axes where a reader could not derive it from the shape.
void RememberAxes(const NewArray& array, GDALDataset& dataset) {
  if (!NeedsAxes(array)) return;
  dataset.SetMetadataItem("AXES", array.axes.c_str(), kMetadataDomain);
  dataset.SetMetadataItem("SHAPE", ShapeString(array.shape).c_str(), kMetadataDomain);
}

Status WriteZeros(const ArrayFormat& format, const NewArray& array, const WriterStarter& start) {
  Result<std::unique_ptr<OutputFile>> file = CreateOutputFile(array.path);
  if (!file.ok()) return file.status();
  std::vector<Attribute> attributes;
  if (format.keeps_metadata) attributes.push_back(StoreAxes(array.axes));
  Result<std::unique_ptr<ArrayWriter>> writer = start(**file, attributes, Contents::kZeros);
  if (!writer.ok()) return writer.status();
  Status status = (*writer)->Finish();
  return status.ok() ? CommitOver(**file) : status;
}

GDALDataset* CreateChecked(const ArrayFormat& format, const NewArray& array,
                           const WriterStarter& start) {
  Status status = CheckMayUpdate(array.path);
  if (status.ok()) status = WriteZeros(format, array, start);
  if (!status.ok()) return Report(status), nullptr;
  const bool update = CanBeUpdated(array.path);
  std::unique_ptr<ArrayDataset> dataset =
      OpenNew(format, array, update ? OpenFor::kFirstWrites : OpenFor::kReading);
  if (!dataset) return nullptr;
  if (!format.keeps_metadata) RememberAxes(array, *dataset);
  ColorNewBands(*dataset, array.type);
  return dataset.release();
}

bool HoldMasks(const std::vector<Attribute>& attributes) {
  return std::any_of(attributes.begin(), attributes.end(),
                     [](const Attribute& attribute) { return attribute.first == kMaskAttribute; });
}

// The copy is complete and on disk, or there is none. Masks first: their attribute stands in the
// file after the pixels, but its length is not known before. They take little of the time.
Status WriteCopy(const ArrayFormat& format, const NewArray& array, const WriterStarter& start,
                 GDALDataset& source, const ProgressFn& progress) {
  std::vector<Attribute> attributes;
  if (format.keeps_metadata) attributes = StoreMetadata(source, array.axes, {}, array.path);
  double masks_share = 0;
  if (format.store_masks != nullptr) {
    Result<double> share = format.store_masks(source, array, progress, attributes);
    if (!share.ok()) return share.status();
    masks_share = *share;
  }
  Result<std::unique_ptr<OutputFile>> file = WriteArray(
      array.path, start, attributes, PixelsOf(source, array), PartOf(progress, masks_share, 1));
  if (!file.ok()) return file.status();
  MaskFile mask(array.path);
  if (!HoldMasks(attributes)) {
    Status status = GdalStatus(mask.Write(source));
    if (!status.ok()) return status;
  }
  return CommitOver(**file, &mask);
}

// As a reader does: no array in it can be updated.
GDALDataset* OpenArchive(const ArrayFormat& format, const NewArray& array) {
  GDALOpenInfo open_info(array.path.c_str(), GA_ReadOnly);
  return OpenArrayDataset(format, &open_info);
}

GDALDataset* CopyChecked(const ArrayFormat& format, const NewArray& array,
                         const WriterStarter& start, GDALDataset& source,
                         const ProgressFn& progress) {
  Status status = ReportProgress(progress, 0).At(array.path);
  if (status.ok()) status = WriteCopy(format, array, start, source, progress);
  if (!status.ok()) return Report(status), nullptr;
  if (IsStandardOutput(array.path)) return new WrittenToStream(array);
  if (IsArchiveName(format, array.path) && format.archive->is_written)
    return OpenArchive(format, array);
  const bool update = CanBeUpdated(array.path);
  std::unique_ptr<GDALDataset> described;
  if (!format.keeps_metadata) {
    described = DescribeInSidecar(format, array, source);
    if (!described || !update) return described.release();
    described.reset();
  }
  return OpenNew(format, array, update ? OpenFor::kLateUpdate : OpenFor::kReading).release();
}

}  // namespace

Result<std::unique_ptr<OutputFile>> WriteArray(const std::string& path, const WriterStarter& start,
                                               const std::vector<Attribute>& attributes,
                                               const PixelSource& source,
                                               const ProgressFn& progress) {
  Result<std::unique_ptr<OutputFile>> file = CreateOutputFile(path);
  if (!file.ok()) return file;
  Result<std::unique_ptr<ArrayWriter>> writer = start(**file, attributes, Contents::kElements);
  if (!writer.ok()) return writer.status();
  const double end = 1 - (*writer)->info().finish_share;
  Status status = CopyPixels(source, **writer, path, PartOf(progress, 0, end));
  (*writer)->ReportFinish(PartOf(progress, end, 1));
  if (status.ok()) status = (*writer)->Finish();
  if (!status.ok()) return status;
  return file;
}

std::unique_ptr<GDALDataset> DescribeInSidecar(const ArrayFormat& format, const NewArray& array,
                                               GDALDataset& source) {
  std::unique_ptr<ArrayDataset> dataset = OpenNew(format, array, OpenFor::kReading);
  if (!dataset) return nullptr;
  CopyMetadata(source, *dataset);
  RememberAxes(array, *dataset);
  dataset->FlushCache(false);
  return dataset;
}

GDALDataset* CreateArray(const ArrayFormat& format, const char* path, int width, int height,
                         int bands, GDALDataType type, StringList options) {
  return Guarded<GDALDataset*>(nullptr, [&]() -> GDALDataset* {
    const WritingMark mark;
    if (IsArchiveName(format, path) && format.archive->is_written) {
      std::string other = path;
      other.resize(other.size() - std::strlen(format.archive->extension));
      other += format.extension;
      return Report(Mismatch(StatusCode::kNotSupported, "file name", path,
                             other + ": an archive is written from a whole image. Write " + other +
                                 " (-of " + format.driver + "), then gdal_translate -of " +
                                 format.driver + " " + other + " " + path)),
             nullptr;
    }
    const bool signed_byte = IsSignedByte(CSLFetchNameValue(options, "PIXELTYPE"));
    Result<NewArray> array =
        PlanArray(path, format.driver, width, height, bands, type, signed_byte, options);
    if (!array.ok()) return Report(array.status()), nullptr;
    Result<WriterStarter> start = format.plan(*array, options);
    if (!start.ok()) return Report(start.status()), nullptr;
    return CreateChecked(format, *array, *start);
  });
}

GDALDataset* CopyToArray(const ArrayFormat& format, const char* path, GDALDataset& source,
                         bool strict, StringList options, const ProgressFn& progress) {
  return Guarded<GDALDataset*>(nullptr, [&]() -> GDALDataset* {
    const WritingMark mark;
    Result<NewArray> array = PlanCopy(path, format.driver, source, strict, options);
    if (!array.ok()) return Report(array.status()), nullptr;
    Result<WriterStarter> start = format.plan(*array, options);
    if (!start.ok()) return Report(start.status()), nullptr;
    return CopyChecked(format, *array, *start, source, progress);
  });
}

CPLErr DeleteArray(const ArrayFormat& format, const char* path) {
  if (HasDriverPrefix(path, format.driver)) {
    return Report(Mismatch(StatusCode::kInvalidArgument, "file name", path, "a path"));
  }
  if (IsDeletingToOverwrite() && IsNameOf(format, path)) return CE_None;
  return Report(DeleteRaster(path));
}

CPLErr RenameArray(const char* new_name, const char* old_name) {
  const CPLErr renamed = GDALDriver::DefaultRename(new_name, old_name);
  if (renamed == CE_None) RenameInChecksumFile(old_name, new_name);
  return renamed;
}

CPLErr CopyArrayFiles(const char* new_name, const char* old_name) {
  const CPLErr copied = GDALDriver::DefaultCopyFiles(new_name, old_name);
  if (copied == CE_None) RenameInChecksumFile(old_name, new_name);
  return copied;
}

}  // namespace ndarray
