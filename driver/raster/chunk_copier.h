// Copies pixels into a new .b2nd: reads piece after piece while the chunks of the last one are
// compressed, so that memory is bounded whatever the size.
#ifndef GDAL_NDARRAY_RASTER_CHUNK_COPIER_H_
#define GDAL_NDARRAY_RASTER_CHUNK_COPIER_H_

#include <functional>

#include "driver/raster/gdal_compat.h"
#include "driver/raster/new_array.h"
#include "driver/raster/window_io.h"
#include "driver/store/b2nd_writer.h"
#include "driver/store/status.h"

namespace ndarray {

// Pixels of array.type that are wanted at `data`; spacings in bytes.
struct PieceRequest {
  int first_band, bands;  // from 0
  int x, y, width, height;
  void* data;
  GSpacing pixel_space, line_space, band_space;
};

// CE_Failure after a GDAL error.
using PieceReader = std::function<CPLErr(const PieceRequest&)>;

struct CopyResult {
  enum class Outcome { kDone, kInterrupted, kReadFailed, kWriteFailed };
  Outcome outcome;
  Status status;  // of kWriteFailed; of kReadFailed GDAL has the error
};

// Writes all chunks of the array. `progress` is called with the share that is done.
CopyResult CopyChunks(const NewArray& array, const PieceReader& read, B2ndWriter& writer,
                      const Progress& progress);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_CHUNK_COPIER_H_
