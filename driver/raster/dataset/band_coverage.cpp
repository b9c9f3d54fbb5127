// Which parts of a band hold nothing, for programs that leave them out.

#include <cstdint>
#include <optional>
#include <vector>

#include "driver/raster/dataset/array_band.h"
#include "driver/raster/dataset/array_dataset.h"
#include "driver/raster/gdal_error.h"
#include "driver/raster/nodata.h"
#include "driver/store/box.h"

namespace ndarray {
namespace {

// The nodata value of a band as an element of the array.
std::vector<std::byte> NoDataOf(const BandType& type, GDALRasterBand& band) {
  if (type.gdal == GDT_Int64) {
    const int64_t value = band.GetNoDataValueAsInt64(nullptr);
    return NoDataElement(type, &value, GDT_Int64);
  }
  if (type.gdal == GDT_UInt64) {
    const uint64_t value = band.GetNoDataValueAsUInt64(nullptr);
    return NoDataElement(type, &value, GDT_UInt64);
  }
  const double value = band.GetNoDataValue(nullptr);
  return NoDataElement(type, &value, GDT_Float64);
}

}  // namespace

// What a chunk of nothing but it leaves out: absent where only what was never written is empty.
// `alpha`: another band, of which the same pixels must be zeros, too.
std::optional<std::vector<std::byte>> ArrayBand::EmptyElement(ArrayBand** alpha) {
  const int flags = GetMaskFlags();
  if ((flags & GMF_NODATA) != 0) return NoDataOf(source_.type, *this);
  const bool is_alpha = GetColorInterpretation() == GCI_AlphaBand;
  if ((flags & GMF_ALPHA) == 0 && !is_alpha) return std::nullopt;
  if (!is_alpha) *alpha = dynamic_cast<ArrayBand*>(GetMaskBand());
  if (!is_alpha && *alpha == nullptr) return std::nullopt;
  const double zero = 0;
  return NoDataElement(source_.type, &zero, GDT_Float64);
}

int ArrayBand::IGetDataCoverageStatus(int x, int y, int width, int height, int stop_at,
                                      double* data_percent) {
  const WindowIo& io = dataset().io_;
  const ChunkedArray* const chunks = io.array().chunked();
  int status = 0;
  double data = 0;
  bool stopped = false;
  const CPLErr asked = Guarded(CE_Failure, [&] {
    if (chunks == nullptr) return CE_Failure;
    // Blocks that wait in GDAL's cache are data, too.
    if (eAccess == GA_Update && FlushCache(false) != CE_None) return CE_Failure;
    ArrayBand* alpha = nullptr;
    const std::optional<std::vector<std::byte>> element = EmptyElement(&alpha);
    const std::byte* const wanted = element ? element->data() : nullptr;
    const auto is_transparent = [&](Box part) {
      if (io.axes().band >= 0) {
        part.start[io.axes().band] = alpha->source_.index;
        part.stop[io.axes().band] = alpha->source_.index + 1;
      }
      bool all = true;
      chunks->VisitChunks(part, wanted, [&](const Box&, bool empty) { return all = empty; });
      return all;
    };
    const auto visit = [&](const Box& part, bool empty) {
      if (empty && alpha != nullptr) empty = is_transparent(part);
      status |= empty ? GDAL_DATA_COVERAGE_STATUS_EMPTY : GDAL_DATA_COVERAGE_STATUS_DATA;
      if (!empty) data += static_cast<double>(ElementsIn(part));
      stopped = (status & stop_at) != 0;
      return !stopped;
    };
    const Box box = io.WindowBox(x, y, width, height, source_.index, source_.index + 1);
    return chunks->VisitChunks(box, wanted, visit) ? CE_None : CE_Failure;
  });
  if (asked != CE_None || status == 0) {
    return GDALPamRasterBand::IGetDataCoverageStatus(x, y, width, height, stop_at, data_percent);
  }
  if (data_percent != nullptr) {
    *data_percent = stopped ? -1 : 100 * data / (static_cast<double>(width) * height);
  }
  return status;
}

}  // namespace ndarray
