#include "driver/raster/create/raster_source.h"

#include <algorithm>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "driver/raster/create/source_cache.h"
#include "driver/raster/gdal_error.h"

namespace ndarray {
namespace {

int AxisOf(const NewArray& array, char letter) {
  const size_t axis = array.axes.find(letter);
  return axis == std::string::npos ? -1 : static_cast<int>(axis);
}

// A box of the array as a window of some bands.
struct BandWindow {
  int first_band = 0, bands = 1;  // from 0
  int x = 0, y = 0, width = 1, height = 1;
  GSpacing pixel_space = 0, line_space = 0, band_space = 0;
};

BandWindow WindowOf(const NewArray& array, const Box& box, const AxisVector& strides_bytes) {
  BandWindow window;
  const auto set = [&](char letter, int& start, int& count, GSpacing& space) {
    const int axis = AxisOf(array, letter);
    if (axis < 0) return;
    start = static_cast<int>(box.start[axis]);
    count = static_cast<int>(box.count(axis));
    space = strides_bytes[axis];
  };
  set('X', window.x, window.width, window.pixel_space);
  set('Y', window.y, window.height, window.line_space);
  set('B', window.first_band, window.bands, window.band_space);
  if (window.line_space == 0) window.line_space = window.pixel_space * window.width;
  return window;
}

bool HasBandsTogether(GDALDataset& source) {
  const char* const order = source.GetMetadataItem("INTERLEAVE", "IMAGE_STRUCTURE");
  return source.GetRasterCount() > 1 && (order == nullptr || !EQUAL(order, "BAND"));
}

// The axis of lines or pixels along which the array goes from one end of the image to the other.
int SlowRasterAxis(const NewArray& array) {
  const int x = AxisOf(array, 'X');
  const int y = AxisOf(array, 'Y');
  return y < 0 ? x : std::min(x, y);
}

// C order; where the source has its bands together, these after the first axis of the image.
AxisVector OrderOf(const NewArray& array, bool bands_together) {
  AxisVector order(array.shape.size());
  std::iota(order.begin(), order.end(), 0);
  if (bands_together && AxisOf(array, 'B') == 0) {
    const int slow = SlowRasterAxis(array);
    std::rotate(order.begin(), order.begin() + slow, order.begin() + slow + 1);
  }
  return order;
}

// What of a band is decoded together.
AxisVector UnitOf(const NewArray& array, GDALRasterBand& band, bool bands_together) {
  int width = 1;
  int height = 1;
  band.GetBlockSize(&width, &height);
  AxisVector unit(array.shape.size(), 1);
  for (int axis = 0; axis < unit.size(); ++axis) {
    const char letter = array.axes[static_cast<size_t>(axis)];
    unit[axis] = letter == 'X' ? width : letter == 'Y' ? height : bands_together ? array.bands : 1;
    unit[axis] = std::min(unit[axis], array.shape[axis]);
  }
  return unit;
}

class PixelReader {
 public:
  PixelReader(GDALDataset& source, const NewArray& array)
      : source_(source),
        array_(array),
        bands_together_(HasBandsTogether(source)),
        slow_axis_(SlowRasterAxis(array)),
        band_axis_(AxisOf(array, 'B')),
        cache_(source, array.axes[static_cast<size_t>(slow_axis_)] == 'X') {}

  Status Read(const Box& box, const StridedView& to) {
    // Blocks of bands together hold what the next bands want.
    if (!bands_together_ || last_bands_read_) {
      cache_.Passed(static_cast<int>(box.start[slow_axis_]));
    }
    last_bands_read_ = band_axis_ < 0 || box.stop[band_axis_] == array_.bands;
    const BandWindow window = WindowOf(array_, box, to.strides_bytes);
    std::vector<int> bands(static_cast<size_t>(window.bands));
    std::iota(bands.begin(), bands.end(), window.first_band + 1);
    return GdalStatus(GDALDatasetRasterIOEx(
        GDALDataset::ToHandle(&source_), GF_Read, window.x, window.y, window.width, window.height,
        to.data, window.width, window.height, array_.type.gdal, window.bands, bands.data(),
        window.pixel_space, window.line_space, window.band_space, nullptr));
  }

 private:
  GDALDataset& source_;
  const NewArray& array_;
  const bool bands_together_;
  const int slow_axis_, band_axis_;
  SourceCache cache_;
  bool last_bands_read_ = false;  // by the call before
};

Status ReadMasks(GDALDataset& source, const NewArray& array, const Box& box,
                 const StridedView& to) {
  const BandWindow window = WindowOf(array, box, to.strides_bytes);
  for (int i = 0; i < window.bands; ++i) {
    GDALRasterBand* const mask = source.GetRasterBand(window.first_band + i + 1)->GetMaskBand();
    const CPLErr read =
        mask->RasterIO(GF_Read, window.x, window.y, window.width, window.height,
                       static_cast<char*>(to.data) + i * window.band_space, window.width,
                       window.height, GDT_Byte, window.pixel_space, window.line_space, nullptr);
    if (read != CE_None) return GdalStatus(read);
  }
  return {};
}

}  // namespace

PixelSource PixelsOf(GDALDataset& source, const NewArray& array) {
  const bool together = HasBandsTogether(source);
  PixelSource pixels;
  pixels.path = source.GetDescription();
  pixels.unit = UnitOf(array, *source.GetRasterBand(1), together);
  pixels.order = OrderOf(array, together);
  const auto reader = std::make_shared<PixelReader>(source, array);
  pixels.read = [reader](const Box& box, const StridedView& to) { return reader->Read(box, to); };
  return pixels;
}

PixelSource MasksOf(GDALDataset& source, const NewArray& array) {
  const bool together = HasBandsTogether(source);
  PixelSource masks;
  masks.path = source.GetDescription();
  masks.unit = UnitOf(array, *source.GetRasterBand(1)->GetMaskBand(), together);
  masks.order = OrderOf(array, together);
  masks.read = [&source, &array](const Box& box, const StridedView& to) {
    return ReadMasks(source, array, box, to);
  };
  return masks;
}

}  // namespace ndarray
