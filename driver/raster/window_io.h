// Moves windows of bands between an array and the buffers that GDAL hands to RasterIO.
#ifndef GDAL_NDARRAY_RASTER_WINDOW_IO_H_
#define GDAL_NDARRAY_RASTER_WINDOW_IO_H_

#include <memory>
#include <vector>

#include "driver/raster/axes.h"
#include "driver/raster/gdal_compat.h"
#include "driver/raster/gdal_types.h"
#include "driver/store/array.h"
#include "driver/store/progress.h"

namespace ndarray {

// Where the pixels of one band are: a field of the array's element, at an index of the band axis.
struct BandSource {
  size_t field = 0;
  int64_t index = 0;
  BandType type;
};

// As many buffer pixels as raster pixels; spacings in bytes, of any sign.
struct WindowRequest {
  GDALRWFlag direction;
  int x, y, width, height;  // within the raster
  void* data;               // the first pixel of the first band
  GDALDataType type;        // of the buffer
  GSpacing pixel_space, line_space, band_space;
};

// Whether a RasterIO request asks for pixels as they are: no resampling and no fractional window.
bool IsPlainRequest(int x, int y, int width, int height, int buffer_width, int buffer_height,
                    const GDALRasterIOExtraArg* extra);

// One value of any GDAL type as an element of a band, in native byte order.
std::vector<std::byte> ToElement(const BandType& type, const void* value, GDALDataType value_type);

class WindowIo {
 public:
  WindowIo(std::shared_ptr<Array> array, Axes axes, int max_threads);

  // Bands may repeat and come in any order; those that are neighbours in the array, upwards or
  // downwards, are moved together, and so are all that share blocks of the file. Pixels of the
  // buffer's own type go straight there; others through a bounded temporary and GDAL's conversion.
  // After kCancelled, with the path, the window is partly done.
  Status Transfer(const WindowRequest& request, const BandSource* bands, int count,
                  const ProgressFn& progress) const;

  // Whether blocks of the file hold several bands.
  bool BandsShareGranules() const;

  const Array& array() const { return *array_; }
  Array& array() { return *array_; }
  WritableArray* writable() const { return writable_; }  // nullptr where it is read-only
  const Axes& axes() const { return axes_; }

  // The box of a window of bands [first_band, last_band).
  Box WindowBox(int x, int y, int width, int height, int64_t first_band, int64_t last_band) const;

 private:
  // Bands at index, index + 1, ... of one field, and where the first of them goes in the buffer.
  struct Run {
    BandSource first;
    int64_t count;
    char* data;
    GSpacing band_space;

    int64_t element_bytes;
    bool converted;  // the buffer's type is another
  };
  std::vector<Run> Runs(const WindowRequest& request, const BandSource* bands, int count) const;

  // What one read of the array serves: runs of bands that share blocks or records, or one alone.
  Status MoveGroup(const WindowRequest& request, const Run* runs, size_t count) const;
  struct PieceSize {
    int64_t bands, lines, width;
  };
  PieceSize ConversionPiece(const WindowRequest& request, const Run* runs, size_t count) const;
  Status MovePiece(const WindowRequest& request, const Run* runs, size_t count,
                   std::vector<char>& temporary) const;
  void Convert(const WindowRequest& request, const Run& run, char* temporary) const;
  static bool IsConverted(const WindowRequest& request, const BandSource& source) {
    return request.type != source.type.gdal || source.type.promoted;
  }
  ReadTarget Target(const WindowRequest& request, const Run& run, void* data, GSpacing pixel_space,
                    GSpacing line_space, GSpacing band_space) const;

  const std::shared_ptr<Array> array_;
  WritableArray* const writable_;
  const Axes axes_;
  const int max_threads_;
};

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_WINDOW_IO_H_
