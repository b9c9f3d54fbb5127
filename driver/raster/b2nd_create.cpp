#include "driver/raster/b2nd_create.h"

#include <cpl_conv.h>
#include <cpl_string.h>
#include <cpl_vsi.h>

#include <numeric>
#include <optional>
#include <utility>
#include <vector>

#include "driver/raster/array_open.h"
#include "driver/raster/b2nd_options.h"
#include "driver/raster/chunk_copier.h"
#include "driver/raster/colors.h"
#include "driver/raster/dataset_name.h"
#include "driver/raster/gdal_error.h"
#include "driver/raster/mask_copy.h"
#include "driver/raster/mask_file.h"
#include "driver/raster/memory_option.h"
#include "driver/raster/new_array.h"
#include "driver/raster/overwrite.h"
#include "driver/raster/source_cache.h"
#include "driver/raster/stored_metadata.h"
#include "driver/raster/vsi_file.h"
#include "driver/store/b2nd_array.h"
#include "driver/store/b2nd_update.h"
#include "driver/store/b2nd_writer.h"

namespace ndarray {
namespace {

CPLErr ReadPixels(GDALDataset& source, GDALDataType type, const PieceRequest& piece) {
  std::vector<int> bands(static_cast<size_t>(piece.bands));
  std::iota(bands.begin(), bands.end(), piece.first_band + 1);
  return GDALDatasetRasterIOEx(GDALDataset::ToHandle(&source), GF_Read, piece.x, piece.y,
                               piece.width, piece.height, piece.data, piece.width, piece.height,
                               type, piece.bands, bands.data(), piece.pixel_space, piece.line_space,
                               piece.band_space, nullptr);
}

// What is told of a part of the work that begins and ends at these shares of all.
Progress PartOf(const Progress& progress, double begin, double end) {
  return [=](double done) { return progress(begin + (end - begin) * done); };
}

// The copy is complete and on disk, or there is none.
CPLErr WriteCopy(const NewArray& array, const B2ndPlan& plan, GDALDataset& source,
                 const Progress& progress) {
  if (plan.compression.level == 0) {  // how large others will be is not known
    const int64_t bytes =
        CheckedProduct(plan.layout.shape).value_or(0) * plan.layout.element.element_bytes;
    const Status space = CheckFreeSpace(array.path, static_cast<uint64_t>(bytes));
    if (!space.ok()) return Report(space);
  }
  std::vector<Attribute> attributes = StoreMetadata(source, array.axes, {});
  // Masks first: their attribute stands in the file after the pixels, but its length is not known
  // before. They take little of the time.
  double masks_share = 0;
  bool lacks_masks = false;  // they have no room in the file
  const SourceMasks masks = FindMasks(source);
  if (masks.count > 0) {
    std::optional<Attribute> attribute;
    masks_share =
        masks.count / (masks.count + static_cast<double>(array.dtype.size_bytes()) * array.bands);
    if (CopyMasks(source, array, masks, plan.max_threads, PartOf(progress, 0, masks_share),
                  attribute) != CE_None) {
      return CE_Failure;
    }
    lacks_masks = !attribute;
    if (attribute) attributes.push_back(std::move(*attribute));
  }

  Result<std::unique_ptr<OutputFile>> file = CreateOutputFile(array.path);
  if (!file.ok()) return Report(file.status());
  Result<std::unique_ptr<B2ndWriter>> writer =
      B2ndWriter::Start(**file, plan.layout, plan.compression, attributes, plan.max_threads);
  if (!writer.ok()) return Report(writer.status());
  SourceCache cache(source, false);
  const auto read = [&](const PieceRequest& piece) {
    cache.Passed(piece.y);
    return ReadPixels(source, array.type.gdal, piece);
  };
  const CopyResult copied = CopyChunks(array, read, **writer, PartOf(progress, masks_share, 1));
  if (copied.outcome == CopyResult::Outcome::kInterrupted) return ReportInterrupted(array.path);
  if (copied.outcome == CopyResult::Outcome::kReadFailed) return CE_Failure;
  Status status = copied.status;
  if (status.ok()) status = (*writer)->Finish();
  if (!status.ok()) return Report(status);
  MaskFile mask(array.path);
  if (lacks_masks && mask.Write(source) != CE_None) return CE_Failure;
  return Report(CommitOver(**file, &mask));
}

Result<std::shared_ptr<Array>> OpenForUpdate(const std::string& path, int max_threads,
                                             Chunks chunks) {
  Result<std::shared_ptr<WritableFile>> file = OpenUpdateFile(path);
  if (!file.ok()) return file.status();
  Result<std::shared_ptr<B2ndForUpdate>> array =
      OpenB2ndForUpdate(std::move(*file), CreateOutputFile, max_threads, chunks);
  if (!array.ok()) return array.status();
  return std::shared_ptr<Array>(std::move(*array));
}

Result<std::shared_ptr<Array>> OpenUnwritten(const std::string& path, Access, int max_threads,
                                             const MapPolicy&) {
  return OpenForUpdate(path, max_threads, Chunks::kUnwritten);
}

GDALDataset* CreateCopy(const char* path, GDALDataset* source, int strict, StringList options,
                        GDALProgressFunc progress, void* progress_data) {
  return Guarded<GDALDataset*>(nullptr, [&]() -> GDALDataset* {
    const WritingMark mark;
    Result<NewArray> array = PlanCopy(path, kB2ndDriverName, *source, strict != FALSE, options);
    if (!array.ok()) return Report(array.status()), nullptr;
    Result<B2ndPlan> plan = PlanB2nd(*array, options);
    if (!plan.ok()) return Report(plan.status()), nullptr;
    if (!progress(0.0, "", progress_data)) return ReportInterrupted(path), nullptr;
    const auto tell = [=](double done) { return progress(done, "", progress_data) != FALSE; };
    if (WriteCopy(*array, *plan, *source, tell) != CE_None) return nullptr;
    const char* const drivers[] = {kB2ndDriverName, nullptr};
    return GDALDataset::Open(path, GDAL_OF_RASTER | GDAL_OF_VERBOSE_ERROR, drivers);
  });
}

// A complete file of zeros, which takes no space, opened for update.
GDALDataset* Create(const char* path, int width, int height, int bands, GDALDataType type,
                    StringList options) {
  return Guarded<GDALDataset*>(nullptr, [&]() -> GDALDataset* {
    const WritingMark mark;
    const bool signed_byte = IsSignedByte(CSLFetchNameValue(options, "PIXELTYPE"));
    Result<NewArray> array =
        PlanArray(path, kB2ndDriverName, width, height, bands, type, signed_byte, options);
    if (!array.ok()) return Report(array.status()), nullptr;
    Result<B2ndPlan> plan = PlanB2nd(*array, options);
    if (!plan.ok()) return Report(plan.status()), nullptr;
    const Status may_update = CheckMayUpdate(path);
    if (!may_update.ok()) return Report(may_update), nullptr;
    {
      Result<std::unique_ptr<OutputFile>> file = CreateOutputFile(path);
      if (!file.ok()) return Report(file.status()), nullptr;
      Result<std::unique_ptr<B2ndWriter>> writer = B2ndWriter::Start(
          **file, plan->layout, plan->compression, {StoreAxes(array->axes)}, plan->max_threads);
      if (!writer.ok()) return Report(writer.status()), nullptr;
      Status status = (*writer)->Finish();
      if (status.ok()) status = CommitOver(**file);
      if (!status.ok()) return Report(status), nullptr;
    }
    GDALOpenInfo open_info(path, GDAL_OF_RASTER | GDAL_OF_UPDATE);
    GDALDataset* const dataset =
        OpenArrayDataset(&open_info, kB2ndDriverName, OpenUnwritten, PolicyOfChunkedFile);
    if (dataset != nullptr) ColorNewBands(*dataset, array->type);
    return dataset;
  });
}

CPLErr Delete(const char* path) {
  if (HasDriverPrefix(path, kB2ndDriverName)) {
    return Report(Mismatch(StatusCode::kInvalidArgument, "file name", path, "a path"));
  }
  if (IsDeletingToOverwrite() && EQUAL(CPLGetExtension(path), "b2nd")) return CE_None;
  return Report(DeleteRaster(path));
}

}  // namespace

Result<std::shared_ptr<Array>> OpenB2ndPath(const std::string& path, Access access, int max_threads,
                                            const MapPolicy& policy) {
  if (access == Access::kUpdate) return OpenForUpdate(path, max_threads, Chunks::kMayBeWritten);
  Result<std::shared_ptr<ByteFile>> file = OpenByteFile(path, policy);
  if (!file.ok()) return file.status();
  return OpenB2ndArray(std::move(*file), max_threads);
}

void AddB2ndCreation(GDALDriver& driver) {
  driver.SetMetadataItem(GDAL_DMD_CREATIONOPTIONLIST, B2ndCreationOptions().c_str());
  driver.SetMetadataItem(GDAL_DMD_CREATIONDATATYPES, CreationDataTypes());
  driver.pfnCreate = Create;
  driver.pfnCreateCopy = CreateCopy;
  driver.pfnDelete = Delete;
}

}  // namespace ndarray
