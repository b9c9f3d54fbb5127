// The bands of an ArrayDataset: which there are, how they are cut, and where they lie in the file.

#include <cpl_conv.h>

#include <algorithm>
#include <optional>
#include <string>

#include "driver/raster/dataset/array_band.h"
#include "driver/raster/dataset/array_dataset.h"
#include "driver/raster/gdal_error.h"

namespace ndarray {
namespace {

// What GDAL's bands ask for by themselves, each of them.
bool ForcesCaching() { return CPLTestBool(CPLGetConfigOption("GDAL_FORCE_CACHING", "NO")); }

}  // namespace

// GDAL's blocks are those of the file, so that who makes a file of another's block size cuts it
// alike. As in a GeoTIFF they may be larger than the raster, but not as large as a bad file says.
int ArrayDataset::BlockSide(int axis, int raster_side) const {
  constexpr int kAlwaysSane = 1024;
  const ArrayInfo& info = io_.array().info();
  const int64_t side = io_.axes().Count(info.block.empty() ? info.read_chunk : info.block, axis);
  return static_cast<int>(std::min<int64_t>(side, std::max(raster_side, kAlwaysSane)));
}

// Bands in the order of the band axis; for each of its indexes the fields of a record.
CPLErr ArrayDataset::AddBands() {
  const ArrayInfo& info = io_.array().info();
  const int64_t indexes = io_.axes().Count(info.shape, io_.axes().band);
  const auto fields = static_cast<int64_t>(info.fields.size());
  const int64_t max_bands = MaxBandCount();
  if (indexes > max_bands / fields) {
    return Report(Mismatch(StatusCode::kNotSupported, "bands",
                           std::to_string(indexes) + " x " + std::to_string(fields) + " fields",
                           "at most " + std::to_string(max_bands) +
                               " (GDAL_MAX_BAND_COUNT); open one plane as DRIVER:\"PATH\":index")
                      .At(io_.array().path()));
  }
  const int block_width = BlockSide(io_.axes().x, nRasterXSize);
  const int block_height = BlockSide(io_.axes().y, nRasterYSize);
  const bool forces_caching = ForcesCaching();
  sources_.reserve(static_cast<size_t>(indexes * fields));
  for (int64_t index = 0; index < indexes; ++index) {
    for (size_t field = 0; field < info.fields.size(); ++field) {
      sources_.push_back({field, index, ToBandType(info.fields[field].dtype.type)});
    }
  }
  // From the last to the first: GDAL's list of bands is then made in its full length at once.
  for (auto number = static_cast<int>(sources_.size()); number > 0; --number) {
    const BandSource& source = sources_[static_cast<size_t>(number - 1)];
    auto* const band =
        new ArrayBand(this, number, source, block_width, block_height, forces_caching);
    SetBand(number, band);
    const std::string& name = info.fields[source.field].name;
    if (name.empty()) continue;
    const std::string suffix = indexes > 1 ? "[" + std::to_string(source.index) + "]" : "";
    // Not the sidecar's SetDescription: nothing has changed that it should keep.
    band->GDALMajorObject::SetDescription((name + suffix).c_str());
  }
  return CE_None;
}

bool ArrayDataset::GetRawBinaryLayout(RawBinaryLayout& layout) {
  auto* const first_band = static_cast<ArrayBand*>(GetRasterBand(1));
  const std::optional<BandLayout> first = first_band->Layout();
  if (!first) return false;
  // All bands of one type, at equal distances. The fields of a record may come in any order.
  int64_t band_offset = 0;
  for (int number = 2; number <= nBands; ++number) {
    const std::optional<BandLayout> other =
        static_cast<ArrayBand*>(GetRasterBand(number))->Layout();
    if (!other || other->dtype.type != first->dtype.type ||
        other->dtype.order != first->dtype.order) {
      return false;
    }
    const auto distance = static_cast<int64_t>(other->offset_bytes - first->offset_bytes);
    if (number == 2) band_offset = distance;
    if (distance != band_offset * (number - 1)) return false;
  }
  layout.osRawFilename = io_.array().info().raw->path;
  layout.eDataType = first_band->GetRasterDataType();
  layout.bLittleEndianOrder = first->dtype.order == ByteOrder::kLittle;
  layout.nImageOffset = first->offset_bytes;
  layout.nPixelOffset = first->pixel_space;
  layout.nLineOffset = first->line_space;
  layout.nBandOffset = band_offset;

  using Interleaving = RawBinaryLayout::Interleaving;
  const auto size = static_cast<int64_t>(first->dtype.size_bytes());
  const int64_t width = nRasterXSize;
  layout.eInterleaving = Interleaving::UNKNOWN;
  if (layout.nPixelOffset == size && layout.nLineOffset == size * width &&
      (nBands == 1 || band_offset == size * width * nRasterYSize)) {
    layout.eInterleaving = Interleaving::BSQ;
  } else if (band_offset == size && layout.nPixelOffset == size * nBands &&
             layout.nLineOffset == size * nBands * width) {
    layout.eInterleaving = Interleaving::BIP;
  } else if (layout.nPixelOffset == size && band_offset == size * width &&
             layout.nLineOffset == size * nBands * width) {
    layout.eInterleaving = Interleaving::BIL;
  }
  return true;
}

}  // namespace ndarray
