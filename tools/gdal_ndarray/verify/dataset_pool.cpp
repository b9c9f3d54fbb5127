#include "tools/gdal_ndarray/verify/dataset_pool.h"

#include <cpl_error.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "driver/raster/gdal_types.h"
#include "tools/gdal_ndarray/picture.h"

namespace ndarray::tools {
namespace {

// `box` is of axes (band, y, x).
PixelWindow WindowOf(const Box& box) {
  return {static_cast<int>(box.start[2]), static_cast<int>(box.start[1]),
          static_cast<int>(box.count(2)), static_cast<int>(box.count(1))};
}

CPLErr ReadPixels(GDALDataset& dataset, GDALDataType type, const Box& box, void* to) {
  const PixelWindow window = WindowOf(box);
  std::vector<int> bands(static_cast<size_t>(box.count(0)));
  std::iota(bands.begin(), bands.end(), static_cast<int>(box.start[0]) + 1);
  const GSpacing pixel = PixelBytes(type);
  return dataset.RasterIO(GF_Read, window.x, window.y, window.width, window.height, to,
                          window.width, window.height, type, static_cast<int>(bands.size()),
                          bands.data(), pixel, pixel * window.width,
                          pixel * window.width * window.height, nullptr);
}

CPLErr ReadValidity(GDALDataset& dataset, const Box& box, void* to) {
  const PixelWindow window = WindowOf(box);
  auto* const first = static_cast<GByte*>(to);
  GByte* plane = first;
  for (int64_t band = box.start[0]; band < box.stop[0]; ++band) {
    GDALRasterBand& mask = *dataset.GetRasterBand(static_cast<int>(band) + 1)->GetMaskBand();
    if (mask.RasterIO(GF_Read, window.x, window.y, window.width, window.height, plane, window.width,
                      window.height, GDT_Byte, 0, 0, nullptr) != CE_None) {
      return CE_Failure;
    }
    plane += box.count(1) * box.count(2);
  }
  std::replace_if(
      first, plane, [](GByte value) { return value != 0; }, GByte{1});
  return CE_None;
}

}  // namespace

DatasetPool::DatasetPool(std::string name, CPLStringList open_options)
    : name_(std::move(name)), open_options_(std::move(open_options)) {}

Status DatasetPool::Read(GDALDataType type, const Box& box, void* to) {
  return With([&](GDALDataset& dataset) { return ReadPixels(dataset, type, box, to); });
}

Status DatasetPool::ReadMasks(const Box& box, void* to) {
  return With([&](GDALDataset& dataset) { return ReadValidity(dataset, box, to); });
}

DatasetPointer DatasetPool::Take() {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (idle_.empty()) return OpenRaster(name_, open_options_.List());
  DatasetPointer dataset = std::move(idle_.back());
  idle_.pop_back();
  return dataset;
}

template <typename Reader>
Status DatasetPool::With(const Reader& read) {
  DatasetPointer dataset = Take();
  CPLErrorReset();
  const CPLErr result = read(*dataset);
  const std::string why = CPLGetLastErrorMsg();
  const std::lock_guard<std::mutex> lock(mutex_);
  idle_.push_back(std::move(dataset));
  if (result == CE_None) return {};
  return Status(StatusCode::kIo, why.empty() ? name_ + ": cannot be read" : why);
}

}  // namespace ndarray::tools
