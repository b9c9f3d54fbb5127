#include "driver/raster/create/mask_copy.h"

#include <memory>
#include <utility>

#include "driver/raster/create/copy_pixels.h"
#include "driver/raster/create/raster_source.h"
#include "driver/raster/mask/source_masks.h"
#include "driver/raster/mask/stored_mask.h"
#include "driver/store/b2nd/b2nd_writer.h"
#include "driver/store/b2nd/nested_array.h"
#include "driver/store/io/string_file.h"

namespace ndarray {
namespace {

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

Result<double> CopyMasks(GDALDataset& source, const NewArray& array, const ProgressFn& progress,
                         std::vector<Attribute>& attributes) {
  const SourceMasks masks = FindMasks(source);
  if (masks.count == 0) return 0.0;
  const double share =
      masks.count / (masks.count + static_cast<double>(array.dtype.size_bytes()) * array.bands);
  const NewArray mask = MaskArray(array, masks);
  Result<B2ndLayout> layout = PlanNested(mask.shape);
  if (!layout.ok()) return layout.status().At(mask.path);
  StringOutput output(mask.path, kMaxNestedBytes);
  Result<std::unique_ptr<B2ndWriter>> writer =
      B2ndWriter::Start(output, std::move(*layout), NestedCompression(), {}, array.max_threads);
  if (!writer.ok()) return writer.status();
  Status status =
      CopyPixels(MasksOf(source, mask), **writer, array.path, PartOf(progress, 0, share));
  if (status.ok()) status = (*writer)->Finish();
  if (output.full()) return share;
  if (!status.ok()) return status;
  attributes.emplace_back(kMaskAttribute, PackNested(output.TakeBytes()));
  return share;
}

}  // namespace ndarray
