#include "driver/raster/mask_copy.h"

#include <memory>
#include <utility>

#include "driver/raster/chunk_copier.h"
#include "driver/raster/gdal_error.h"
#include "driver/raster/stored_mask.h"
#include "driver/store/b2nd_writer.h"
#include "driver/store/string_file.h"

namespace ndarray {
namespace {

CPLErr ReadMasks(GDALDataset& source, const PieceRequest& piece) {
  for (int i = 0; i < piece.bands; ++i) {
    GDALRasterBand* const mask = source.GetRasterBand(piece.first_band + i + 1)->GetMaskBand();
    const CPLErr read =
        mask->RasterIO(GF_Read, piece.x, piece.y, piece.width, piece.height,
                       static_cast<char*>(piece.data) + i * piece.band_space, piece.width,
                       piece.height, GDT_Byte, piece.pixel_space, piece.line_space, nullptr);
    if (read != CE_None) return read;
  }
  return CE_None;
}

// The masks as an array of their own. Axes that the raster's array has not are kept here.
NewArray MaskArray(const NewArray& array, const SourceMasks& masks) {
  NewArray mask;
  mask.path = NestedPath(array.path, kMaskAttribute);
  mask.width = array.width;
  mask.height = array.height;
  mask.bands = masks.count;
  mask.dtype = {ScalarType::kUInt8, kNativeOrder};
  mask.type = ToBandType(ScalarType::kUInt8);
  mask.axes = masks.per_dataset ? "YX" : "BYX";
  mask.shape = masks.per_dataset ? AxisVector{array.height, array.width}
                                 : AxisVector{masks.count, array.height, array.width};
  return mask;
}

}  // namespace

SourceMasks FindMasks(GDALDataset& source) {
  bool shared = false;
  for (int number = 1; number <= source.GetRasterCount(); ++number) {
    const int flags = source.GetRasterBand(number)->GetMaskFlags();
    if ((flags & (GMF_ALL_VALID | GMF_ALPHA | GMF_NODATA)) != 0) continue;
    if ((flags & GMF_PER_DATASET) == 0) return {source.GetRasterCount(), false};
    // Of another band than the first one, it is not the mask of all.
    if (number > 1 && !shared) return {source.GetRasterCount(), false};
    shared = true;
  }
  return {shared ? 1 : 0, shared};
}

CPLErr CopyMasks(GDALDataset& source, const NewArray& array, const SourceMasks& masks,
                 int max_threads, const Progress& progress, std::optional<Attribute>& to,
                 size_t most_bytes) {
  const NewArray mask = MaskArray(array, masks);
  Result<B2ndLayout> layout = PlanNested(mask.shape);
  if (!layout.ok()) return Report(layout.status().At(mask.path));
  StringOutput output(mask.path, most_bytes);
  Result<std::unique_ptr<B2ndWriter>> writer =
      B2ndWriter::Start(output, std::move(*layout), NestedCompression(), {}, max_threads);
  if (!writer.ok()) return Report(writer.status());
  const auto read = [&](const PieceRequest& piece) { return ReadMasks(source, piece); };
  const CopyResult copied = CopyChunks(mask, read, **writer, progress);
  Status status = copied.status;
  if (copied.outcome == CopyResult::Outcome::kInterrupted) return ReportInterrupted(array.path);
  if (copied.outcome == CopyResult::Outcome::kReadFailed) return CE_Failure;
  if (status.ok()) status = (*writer)->Finish();
  if (output.full()) return CE_None;
  if (!status.ok()) return Report(status);
  to = {kMaskAttribute, PackNested(output.TakeBytes())};
  return CE_None;
}

}  // namespace ndarray
