#include "driver/store/archive/mask_levels.h"

#include <algorithm>
#include <utility>

#include "driver/store/archive/pyramid.h"
#include "driver/store/b2nd/b2nd_array.h"
#include "driver/store/b2nd/b2nd_writer.h"
#include "driver/store/b2nd/nested_array.h"
#include "driver/store/box.h"
#include "driver/store/buffer.h"
#include "driver/store/checked_math.h"
#include "driver/store/io/string_file.h"

namespace ndarray {
namespace {

Status Open(const std::string& path, int max_threads, MaskLevel& level) {
  auto file = std::make_shared<StringFile>(path, level.frame, Access::kRead);
  Result<std::shared_ptr<Array>> array = OpenB2ndArray(std::move(file), max_threads);
  if (array.ok()) level.array = std::move(*array);
  return array.status();
}

Halving HalvingOf(const Array& mask, Resampling resampling) {
  const int axes = mask.info().shape.size();
  Halving halving;
  halving.resampling =
      resampling == Resampling::kNearest ? Resampling::kNearest : Resampling::kAnyValid;
  halving.x = axes - 1;
  halving.y = axes - 2;
  halving.band = axes == 3 ? 0 : -1;
  return halving;
}

// All of the mask, chunk by chunk.
Status AddAll(const Array& mask, Pyramid& pyramid) {
  const ArrayInfo& info = mask.info();
  AxisVector grid(info.shape.size());
  for (int axis = 0; axis < grid.size(); ++axis) {
    grid[axis] = DivideUp(info.shape[axis], info.chunk[axis]);
  }
  const Box all{AxisVector(grid.size(), 0), grid};
  AxisVector position = all.start;
  Buffer bytes(static_cast<size_t>(CheckedProduct(info.chunk).value_or(0)));
  do {
    Box box{position, position};
    for (int axis = 0; axis < grid.size(); ++axis) {
      box.start[axis] *= info.chunk[axis];
      box.stop[axis] = std::min(box.start[axis] + info.chunk[axis], info.shape[axis]);
    }
    const AxisVector strides = CStrides(Counts(box), 1);
    Status status = mask.Read(0, box, {bytes.data(), strides});
    if (status.ok()) status = pyramid.Add(box, {bytes.data(), strides});
    if (!status.ok()) return status;
  } while (Advance(all, position));
  return {};
}

struct NewMask {
  explicit NewMask(const std::string& path) : output(path, kMaxNestedBytes) {}

  StringOutput output;
  std::unique_ptr<B2ndWriter> writer;
};

}  // namespace

Result<std::vector<MaskLevel>> MakeMaskLevels(const std::string& path, std::string frame,
                                              size_t count, Resampling resampling,
                                              int max_threads) {
  std::vector<MaskLevel> masks(count + 1);
  masks[0].frame = std::move(frame);
  Status status = Open(path, max_threads, masks[0]);
  if (!status.ok()) return status;
  const Halving halving = HalvingOf(*masks[0].array, resampling);
  std::vector<std::unique_ptr<NewMask>> news;
  std::vector<Pyramid::Level> levels;
  AxisVector shape = masks[0].array->info().shape;
  for (size_t i = 0; i < count; ++i) {
    shape = HalvedShape(halving, shape);
    Result<B2ndLayout> layout = PlanNested(shape);
    if (!layout.ok()) return layout.status().At(path);
    news.push_back(std::make_unique<NewMask>(path));
    Result<std::unique_ptr<B2ndWriter>> writer =
        B2ndWriter::Start(news.back()->output, *layout, NestedCompression(), {}, max_threads);
    if (!writer.ok()) return writer.status();
    news.back()->writer = std::move(*writer);
    levels.push_back({std::move(*layout), news.back()->writer.get(), nullptr});
  }
  Pyramid pyramid(halving, std::move(levels), max_threads);
  status = AddAll(*masks[0].array, pyramid);
  if (status.ok()) status = pyramid.Finish();
  for (size_t i = 0; i < count && status.ok(); ++i) {
    status = news[i]->writer->Finish();
    masks[i + 1].frame = news[i]->output.TakeBytes();
    if (status.ok()) status = Open(path, max_threads, masks[i + 1]);
  }
  if (!status.ok()) return status;
  return masks;
}

}  // namespace ndarray
