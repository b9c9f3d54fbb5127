#include "driver/raster/npy_create.h"

#include <cpl_conv.h>
#include <cpl_string.h>
#include <cpl_vsi.h>

#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

#include "driver/raster/array_dataset.h"
#include "driver/raster/colors.h"
#include "driver/raster/dataset_name.h"
#include "driver/raster/gdal_error.h"
#include "driver/raster/geo_metadata.h"
#include "driver/raster/mask_file.h"
#include "driver/raster/memory_option.h"
#include "driver/raster/new_array.h"
#include "driver/raster/option_words.h"
#include "driver/raster/overwrite.h"
#include "driver/raster/source_cache.h"
#include "driver/raster/vsi_file.h"
#include "driver/store/npy_array.h"

namespace ndarray {
namespace {

// Read from the source and written at a time.
constexpr int64_t kChunkBytes = int64_t{16} << 20;

// Says what of the options has no effect.
void CheckOptions(const NewArray& plan, StringList options) {
  const AxisVector block =
      NpyGranule(plan.shape, static_cast<int64_t>(plan.dtype.size_bytes()), false);
  const auto side = [&](char letter) {
    const size_t axis = plan.axes.find(letter);
    return axis == std::string::npos ? 1 : static_cast<int>(block[static_cast<int>(axis)]);
  };
  WarnOfUnused(plan.path, options, side('X'), side('Y'));
}

// Remembers the order of axes where a reader could not tell it from the shape.
void RememberAxes(const NewArray& plan, GDALDataset& dataset) {
  if (!NeedsAxes(plan)) return;
  dataset.SetMetadataItem("AXES", plan.axes.c_str(), kMetadataDomain);
  dataset.SetMetadataItem("SHAPE", ShapeString(plan.shape).c_str(), kMetadataDomain);
}

// What is left of a file that went to a place from where nothing can be read.
class Gone final : public GDALDataset {
 public:
  explicit Gone(const NewArray& plan) {
    nRasterXSize = plan.width;
    nRasterYSize = plan.height;
  }
};

std::unique_ptr<ArrayDataset> OpenWritten(const NewArray& plan) {
  // Object stores cannot be opened for update, nor copies that took the place of a file that may
  // not be written to; metadata then still goes to the sidecar.
  const bool update = IsVirtualPath(plan.path)
                          ? VSISupportsRandomWrite(plan.path.c_str(), FALSE) != 0
                          : CheckMayUpdate(plan.path).ok();
  GDALOpenInfo open_info(plan.path.c_str(), update ? GA_Update : GA_ReadOnly);
  ArrayDataset::Options options;
  options.axes = plan.axes;
  options.max_threads = plan.max_threads;
  options.file = NamedFile(plan.path);
  Result<std::shared_ptr<Array>> array =
      OpenNpyPath(plan.path, update ? Access::kUpdate : Access::kRead, options.max_threads,
                  PolicyOfPlainFile(nullptr));
  if (!array.ok()) return Report(array.status()), nullptr;
  return ArrayDataset::Open(&open_info, std::move(*array), options);
}

GDALDataset* CreateChecked(const NewArray& plan) {
  const Status may_update = CheckMayUpdate(plan.path);
  if (!may_update.ok()) return Report(may_update), nullptr;
  Result<std::unique_ptr<OutputFile>> file = CreateOutputFile(plan.path);
  if (!file.ok()) return Report(file.status()), nullptr;
  Result<uint64_t> data_offset = StartNpyFile(**file, plan.dtype, plan.shape, false);
  if (!data_offset.ok()) return Report(data_offset.status()), nullptr;
  if (Report(CommitOver(**file)) != CE_None) return nullptr;
  std::unique_ptr<ArrayDataset> dataset = OpenWritten(plan);
  if (!dataset) return nullptr;
  RememberAxes(plan, *dataset);
  ColorNewBands(*dataset, plan.type);
  return dataset.release();
}

GDALDataset* Create(const char* path, int width, int height, int bands, GDALDataType type,
                    StringList options) {
  return Guarded<GDALDataset*>(nullptr, [&]() -> GDALDataset* {
    const WritingMark mark;
    const bool signed_byte = IsSignedByte(CSLFetchNameValue(options, "PIXELTYPE"));
    Result<NewArray> plan =
        PlanArray(path, kNpyDriverName, width, height, bands, type, signed_byte, options);
    if (!plan.ok()) return Report(plan.status()), nullptr;
    CheckOptions(*plan, options);
    return CreateChecked(*plan);
  });
}

// Copies all pixels. A plane is what lies together: one band where the bands are the slowest axis,
// else all of them. Plane after plane, so that every write appends, unless the source has bands
// together: then a part of each plane after the other, so that its blocks are decoded once.
class Copier {
 public:
  Copier(GDALDataset& source, const NewArray& plan, OutputFile& file, uint64_t data_offset)
      : source_(source),
        plan_(plan),
        file_(file),
        pixel_bytes_(static_cast<int64_t>(plan.dtype.size_bytes())),
        plane_bands_(plan.axes[0] == 'B' ? 1 : plan.bands),
        along_x_(plan.axes[plan.axes[0] == 'B' ? 1 : 0] == 'X'),
        data_offset_(data_offset),
        cache_(source, along_x_) {}

  CPLErr Copy(GDALProgressFunc progress, void* progress_data) {
    const int length = along_x_ ? plan_.width : plan_.height;
    const int planes = plan_.bands / plane_bands_;
    const int together = planes > 1 && file_.CanRewrite() && HasBandsTogether() ? planes : 1;
    const int step = LinesPerChunk(length, together);
    buffer_.resize(static_cast<size_t>(LineBytes() * step));
    for (int start = 0; start < planes; start += together) {
      for (int first = 0, count = 0; first < length; first += count) {
        count = std::min(step, length - first);
        for (int plane = start; plane < start + together; ++plane) {
          if (CopyLines(plane, first, count) != CE_None) return CE_Failure;
          const double part = together * (static_cast<double>(first) / length) +
                              (plane - start + 1) * (static_cast<double>(count) / length);
          if (!progress((start + part) / planes, "", progress_data)) {
            return ReportInterrupted(plan_.path);
          }
        }
        // Blocks of bands together hold what the next plane wants.
        if (together == planes || !HasBandsTogether()) cache_.Passed(first + count);
      }
    }
    return CE_None;
  }

 private:
  // One step along the slowest axis of a plane.
  int64_t LineBytes() const {
    return pixel_bytes_ * plane_bands_ * (along_x_ ? plan_.height : plan_.width);
  }

  bool HasBandsTogether() const {
    const char* const order = source_.GetMetadataItem("INTERLEAVE", "IMAGE_STRUCTURE");
    return order == nullptr || !EQUAL(order, "BAND");
  }

  // Whole rows of source blocks, if they fit, so that no block is decoded twice.
  int LinesPerChunk(int length, int planes) const {
    int block_width = 1;
    int block_height = 1;
    source_.GetRasterBand(1)->GetBlockSize(&block_width, &block_height);
    const int64_t block = along_x_ ? block_width : block_height;
    const int64_t line_bytes = LineBytes() * planes;
    int64_t lines = std::max<int64_t>(kChunkBytes / line_bytes, 1);
    if (block > 1 && block * line_bytes <= 4 * kChunkBytes) {
      lines = std::max<int64_t>(lines / block, 1) * block;
    }
    return static_cast<int>(std::min<int64_t>(lines, length));
  }

  CPLErr CopyLines(int plane, int first, int count) {
    GSpacing pixel_space = 0;
    GSpacing line_space = 0;
    GSpacing band_space = 0;
    int64_t stride = pixel_bytes_;
    for (auto letter = plan_.axes.rbegin(); letter != plan_.axes.rend(); ++letter) {
      if (*letter == 'B') {
        band_space = stride;
        stride *= plane_bands_;
      } else if (*letter == 'Y') {
        line_space = stride;
        stride *= along_x_ ? plan_.height : count;
      } else {
        pixel_space = stride;
        stride *= along_x_ ? count : plan_.width;
      }
    }
    const int width = along_x_ ? count : plan_.width;
    const int height = along_x_ ? plan_.height : count;
    if (line_space == 0) line_space = pixel_space * width;  // no Y: a single line
    std::vector<int> bands(static_cast<size_t>(plane_bands_));
    std::iota(bands.begin(), bands.end(), plane * plane_bands_ + 1);
    if (GDALDatasetRasterIOEx(GDALDataset::ToHandle(&source_), GF_Read, along_x_ ? first : 0,
                              along_x_ ? 0 : first, width, height, buffer_.data(), width, height,
                              plan_.type.gdal, plane_bands_, bands.data(), pixel_space, line_space,
                              band_space, nullptr) != CE_None) {
      return CE_Failure;
    }
    const auto size_bytes = static_cast<size_t>(LineBytes() * count);
    const int64_t length = along_x_ ? plan_.width : plan_.height;
    const auto at = static_cast<uint64_t>((plane * length + first) * LineBytes());
    return Report(file_.WriteAt(data_offset_ + at, buffer_.data(), size_bytes));
  }

  GDALDataset& source_;
  const NewArray& plan_;
  OutputFile& file_;
  const int64_t pixel_bytes_;
  const int plane_bands_;
  const bool along_x_;  // the slowest axis of a plane is X, not Y
  const uint64_t data_offset_;
  SourceCache cache_;
  std::vector<char> buffer_;
};

GDALDataset* CopyChecked(const NewArray& plan, GDALDataset& source, GDALProgressFunc progress,
                         void* progress_data) {
  if (!progress(0.0, "", progress_data)) return ReportInterrupted(plan.path), nullptr;
  {
    Result<std::unique_ptr<OutputFile>> file = CreateOutputFile(plan.path);
    if (!file.ok()) return Report(file.status()), nullptr;
    Result<uint64_t> data_offset = StartNpyFile(**file, plan.dtype, plan.shape, true);
    if (!data_offset.ok()) return Report(data_offset.status()), nullptr;
    Copier copier(source, plan, **file, *data_offset);
    if (copier.Copy(progress, progress_data) != CE_None) return nullptr;
    MaskFile mask(plan.path);
    if (!IsStandardOutput(plan.path) && mask.Write(source) != CE_None) return nullptr;
    if (Report(CommitOver(**file, &mask)) != CE_None) return nullptr;
  }
  if (IsStandardOutput(plan.path)) return new Gone(plan);
  std::unique_ptr<ArrayDataset> dataset = OpenWritten(plan);
  if (!dataset) return nullptr;
  dataset->DelaySidecar(true);
  CopyMetadata(source, *dataset);
  RememberAxes(plan, *dataset);
  dataset->DelaySidecar(false);
  dataset->FlushCache(false);
  return dataset.release();
}

GDALDataset* CreateCopy(const char* path, GDALDataset* source, int strict, StringList options,
                        GDALProgressFunc progress, void* progress_data) {
  return Guarded<GDALDataset*>(nullptr, [&]() -> GDALDataset* {
    const WritingMark mark;
    Result<NewArray> plan = PlanCopy(path, kNpyDriverName, *source, strict != FALSE, options);
    if (!plan.ok()) return Report(plan.status()), nullptr;
    CheckOptions(*plan, options);
    return CopyChecked(*plan, *source, progress, progress_data);
  });
}

CPLErr Delete(const char* path) {
  if (HasDriverPrefix(path, kNpyDriverName)) {
    return Report(Mismatch(StatusCode::kInvalidArgument, "file name", path, "a path"));
  }
  if (IsDeletingToOverwrite() && EQUAL(CPLGetExtension(path), "npy")) return CE_None;
  return Report(DeleteRaster(path));
}

}  // namespace

void AddNpyCreation(GDALDriver& driver) {
  driver.SetMetadataItem(GDAL_DMD_CREATIONOPTIONLIST,
                         (std::string("<CreationOptionList>") + kShapeOptions + kNpyIgnoredOptions +
                          "</CreationOptionList>")
                             .c_str());
  driver.SetMetadataItem(GDAL_DMD_CREATIONDATATYPES, CreationDataTypes());
  driver.pfnCreate = Create;
  driver.pfnCreateCopy = CreateCopy;
  driver.pfnDelete = Delete;
}

}  // namespace ndarray
