#include "driver/raster/b2nd_create.h"

#include <cpl_conv.h>
#include <cpl_string.h>
#include <cpl_vsi.h>

#include <algorithm>
#include <future>
#include <numeric>
#include <system_error>
#include <utility>
#include <vector>

#include "driver/raster/array_open.h"
#include "driver/raster/b2nd_options.h"
#include "driver/raster/dataset_name.h"
#include "driver/raster/gdal_error.h"
#include "driver/raster/geo_metadata.h"
#include "driver/raster/new_array.h"
#include "driver/raster/overwrite.h"
#include "driver/raster/stored_metadata.h"
#include "driver/raster/vsi_file.h"
#include "driver/store/b2nd_array.h"
#include "driver/store/b2nd_update.h"
#include "driver/store/b2nd_writer.h"

namespace ndarray {
namespace {

// Read from the source at a time; two such pieces are in memory, and one more of compressed chunks.
constexpr int64_t kPieceBytes = int64_t{32} << 20;

// Some chunks that lie side by side, and the memory for their elements.
struct Piece {
  int first_band = 0, bands = 0;
  int x = 0, y = 0, width = 0, height = 0;
  std::vector<char> elements;
};

// Reads piece after piece from the source while the chunks of the last one are compressed.
class ChunkCopier {
 public:
  ChunkCopier(GDALDataset& source, const NewArray& array, B2ndWriter& writer)
      : source_(source), array_(array), writer_(writer), layout_(writer.layout()) {
    const auto axis = [&](char letter) {
      const size_t at = array.axes.find(letter);
      return at == std::string::npos ? -1 : static_cast<int>(at);
    };
    band_axis_ = axis('B');
    y_axis_ = axis('Y');
    x_axis_ = axis('X');
  }

  CPLErr Copy(GDALProgressFunc progress, void* progress_data) {
    const int64_t band_step = Along(band_axis_, layout_.chunk_shape);
    const int64_t y_step = Along(y_axis_, layout_.chunk_shape);
    const int64_t x_step = PieceWidth(band_step, y_step);
    const double all = static_cast<double>(array_.bands) * array_.height * array_.width;
    double done = 0;
    Piece pieces[2];
    std::future<Status> compressing;
    int current = 0;
    // Files are written chunk row by chunk row, all bands of one before the next where the source
    // has them together.
    for (int64_t y = 0; y < array_.height; y += y_step) {
      for (int64_t band = 0; band < array_.bands; band += band_step) {
        for (int64_t x = 0; x < array_.width; x += x_step) {
          Piece& piece = pieces[current];
          piece.first_band = static_cast<int>(band);
          piece.bands = static_cast<int>(std::min(band_step, array_.bands - band));
          piece.x = static_cast<int>(x);
          piece.y = static_cast<int>(y);
          piece.width = static_cast<int>(std::min<int64_t>(x_step, array_.width - x));
          piece.height = static_cast<int>(std::min<int64_t>(y_step, array_.height - y));
          const CPLErr read = Read(piece);
          const CPLErr written = Report(Finished(compressing));
          if (read != CE_None || written != CE_None) return CE_Failure;
          compressing = Start(piece);
          current = 1 - current;
          done += static_cast<double>(piece.bands) * piece.height * piece.width;
          if (!progress(done / all, "", progress_data)) {
            static_cast<void>(Finished(compressing));
            return ReportInterrupted(array_.path);
          }
        }
      }
    }
    return Report(Finished(compressing));
  }

 private:
  static int64_t Along(int axis, const AxisVector& shape) { return axis < 0 ? 1 : shape[axis]; }

  static Status Finished(std::future<Status>& compressing) {
    return compressing.valid() ? compressing.get() : Status();
  }

  // Whole chunks, as many as fit.
  int64_t PieceWidth(int64_t bands, int64_t lines) const {
    const int64_t chunk = layout_.chunk_shape[x_axis_];
    const int64_t chunk_bytes = chunk * bands * lines * layout_.element.element_bytes;
    return std::max<int64_t>(kPieceBytes / chunk_bytes, 1) * chunk;
  }

  // Strides in bytes of a piece's elements, which lie as the array's axes.
  AxisVector Strides(const Piece& piece) const {
    AxisVector strides(layout_.shape.size());
    int64_t stride = layout_.element.element_bytes;
    for (int axis = strides.size() - 1; axis >= 0; --axis) {
      strides[axis] = stride;
      stride *= axis == band_axis_ ? piece.bands : axis == y_axis_ ? piece.height : piece.width;
    }
    return strides;
  }

  CPLErr Read(Piece& piece) {
    const auto size_bytes = static_cast<size_t>(int64_t{piece.bands} * piece.height * piece.width *
                                                layout_.element.element_bytes);
    if (piece.elements.size() < size_bytes) piece.elements.resize(size_bytes);
    const AxisVector strides = Strides(piece);
    std::vector<int> bands(static_cast<size_t>(piece.bands));
    std::iota(bands.begin(), bands.end(), piece.first_band + 1);
    return GDALDatasetRasterIOEx(GDALDataset::ToHandle(&source_), GF_Read, piece.x, piece.y,
                                 piece.width, piece.height, piece.elements.data(), piece.width,
                                 piece.height, array_.type.gdal, piece.bands, bands.data(),
                                 strides[x_axis_],
                                 y_axis_ < 0 ? strides[x_axis_] * piece.width : strides[y_axis_],
                                 band_axis_ < 0 ? 0 : strides[band_axis_], nullptr);
  }

  // Elsewhere, if there is another thread to be had.
  std::future<Status> Start(const Piece& piece) {
    const auto compress = [this, &piece] { return Compress(piece); };
    try {
      return std::async(std::launch::async, compress);
    } catch (const std::system_error&) {
      return std::async(std::launch::deferred, compress);
    }
  }

  Status Compress(const Piece& piece) {
    const AxisVector strides = Strides(piece);
    const int64_t chunk_width = layout_.chunk_shape[x_axis_];
    std::vector<B2ndWriter::Chunk> chunks;
    for (int64_t x = 0; x < piece.width; x += chunk_width) {
      AxisVector place(layout_.shape.size());
      place[x_axis_] = (piece.x + x) / chunk_width;
      if (y_axis_ >= 0) place[y_axis_] = piece.y / layout_.chunk_shape[y_axis_];
      if (band_axis_ >= 0) place[band_axis_] = piece.first_band / layout_.chunk_shape[band_axis_];
      chunks.push_back({GridNumber(layout_.chunk_grid, place),
                        {piece.elements.data() + x * strides[x_axis_], strides}});
    }
    return writer_.WriteChunks(chunks);
  }

  GDALDataset& source_;
  const NewArray& array_;
  B2ndWriter& writer_;
  const B2ndLayout& layout_;
  int band_axis_, y_axis_, x_axis_;
};

// The copy is complete and on disk, or there is none.
CPLErr WriteCopy(const NewArray& array, const B2ndPlan& plan, GDALDataset& source,
                 GDALProgressFunc progress, void* progress_data) {
  Result<std::unique_ptr<OutputFile>> file = CreateOutputFile(array.path);
  if (!file.ok()) return Report(file.status());
  Result<std::unique_ptr<B2ndWriter>> writer = B2ndWriter::Start(
      **file, plan.layout, plan.compression, StoreMetadata(source, array.axes), plan.max_threads);
  if (!writer.ok()) return Report(writer.status());
  if (ChunkCopier(source, array, **writer).Copy(progress, progress_data) != CE_None) {
    return CE_Failure;
  }
  Status status = (*writer)->Finish();
  if (status.ok()) status = (*file)->Commit();
  // They describe the old pixels: they go with them, and not before.
  if (status.ok()) DeleteSidecars(array.path);
  return Report(status);
}

Result<std::shared_ptr<Array>> OpenForUpdate(const std::string& path, int max_threads,
                                             Chunks chunks) {
  Result<std::shared_ptr<ByteFile>> file = OpenUpdateFile(path);
  if (!file.ok()) return file.status();
  return OpenB2ndForUpdate(std::move(*file), CreateOutputFile, max_threads, chunks);
}

Result<std::shared_ptr<Array>> OpenUnwritten(const std::string& path, Access, int max_threads) {
  return OpenForUpdate(path, max_threads, Chunks::kUnwritten);
}

GDALDataset* CreateCopy(const char* path, GDALDataset* source, int strict, StringList options,
                        GDALProgressFunc progress, void* progress_data) {
  return Guarded<GDALDataset*>(nullptr, [&]() -> GDALDataset* {
    Result<NewArray> array = PlanCopy(path, kB2ndDriverName, *source, strict != FALSE, options);
    if (!array.ok()) return Report(array.status()), nullptr;
    Result<B2ndPlan> plan = PlanB2nd(*array, options);
    if (!plan.ok()) return Report(plan.status()), nullptr;
    if (!progress(0.0, "", progress_data)) return ReportInterrupted(path), nullptr;
    if (WriteCopy(*array, *plan, *source, progress, progress_data) != CE_None) return nullptr;
    const char* const drivers[] = {kB2ndDriverName, nullptr};
    auto* const dataset = GDALDataset::Open(path, GDAL_OF_RASTER | GDAL_OF_VERBOSE_ERROR, drivers);
    // A mask of its own is a file of its own.
    auto* const pam = dynamic_cast<GDALPamDataset*>(dataset);
    if (pam != nullptr) pam->CloneInfo(source, GCIF_MASK);
    return dataset;
  });
}

// A complete file of zeros, which takes no space, opened for update.
GDALDataset* Create(const char* path, int width, int height, int bands, GDALDataType type,
                    StringList options) {
  return Guarded<GDALDataset*>(nullptr, [&]() -> GDALDataset* {
    const bool signed_byte = IsSignedByte(CSLFetchNameValue(options, "PIXELTYPE"));
    Result<NewArray> array =
        PlanArray(path, kB2ndDriverName, width, height, bands, type, signed_byte, options);
    if (!array.ok()) return Report(array.status()), nullptr;
    Result<B2ndPlan> plan = PlanB2nd(*array, options);
    if (!plan.ok()) return Report(plan.status()), nullptr;
    {
      Result<std::unique_ptr<OutputFile>> file = CreateOutputFile(path);
      if (!file.ok()) return Report(file.status()), nullptr;
      Result<std::unique_ptr<B2ndWriter>> writer = B2ndWriter::Start(
          **file, plan->layout, plan->compression, {StoreAxes(array->axes)}, plan->max_threads);
      if (!writer.ok()) return Report(writer.status()), nullptr;
      Status status = (*writer)->Finish();
      if (status.ok()) status = (*file)->Commit();
      if (!status.ok()) return Report(status), nullptr;
    }
    DeleteSidecars(path);
    GDALOpenInfo open_info(path, GDAL_OF_RASTER | GDAL_OF_UPDATE);
    return OpenArrayDataset(&open_info, kB2ndDriverName, OpenUnwritten);
  });
}

CPLErr Delete(const char* path) {
  if (HasDriverPrefix(path, kB2ndDriverName)) {
    return Report(Mismatch(StatusCode::kInvalidArgument, "file name", path, "a path"));
  }
  if (IsDeletingToOverwrite() && EQUAL(CPLGetExtension(path), "b2nd")) return CE_None;
  if (VSIUnlink(path) != 0) {
    return Report(Status(StatusCode::kIo, std::string(path) + ": cannot delete"));
  }
  DeleteSidecars(path);
  return CE_None;
}

}  // namespace

Result<std::shared_ptr<Array>> OpenB2ndPath(const std::string& path, Access access,
                                            int max_threads) {
  if (access == Access::kUpdate) return OpenForUpdate(path, max_threads, Chunks::kMayBeWritten);
  Result<std::shared_ptr<ByteFile>> file = OpenByteFile(path, access);
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
