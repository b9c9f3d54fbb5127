// Copies elements into a new file, from a raster, its masks or any other array: the one loop of all
// copies. A piece is read while the piece before it is compressed and written, so that memory is
// bounded whatever the size: two pieces of 32 MB each, or more where chunks, or what the source
// decodes together, are larger.
//
// Boxes are in elements and in axes of the new array.
#ifndef GDAL_NDARRAY_RASTER_CREATE_COPY_PIXELS_H_
#define GDAL_NDARRAY_RASTER_CREATE_COPY_PIXELS_H_

#include <functional>
#include <string>

#include "driver/store/array.h"
#include "driver/store/array_writer.h"
#include "driver/store/progress.h"
#include "driver/store/status.h"

namespace ndarray {

struct PixelSource {
  std::string path;  // for messages

  // Elements that are decoded together; empty: each for itself. Boxes are multiples of it, unless
  // these take more than 64 MB: then they are smaller, and some of it is decoded more than once.
  // Where that must not be, only more than 4 GiB is an error.
  AxisVector unit;
  bool keep_units_whole = false;

  // All axes, in the order in which reading it costs least: boxes advance along the last one
  // first. Empty: C order. A writer that only appends has C order in any case.
  AxisVector order;

  // Reads a box to memory, dense, in C order; native byte order (records: as they are). Called by
  // one thread. Failures that GDAL has reported are kReported. May throw.
  std::function<Status(const Box&, const StridedView&)> read;
};

// Writes all elements of the array; what remains is writer.Finish(). kCancelled with `path`, where
// the progress asks for it. Exceptions of the source end the copy, and pass.
Status CopyPixels(const PixelSource& source, ArrayWriter& writer, const std::string& path,
                  const ProgressFn& progress);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_CREATE_COPY_PIXELS_H_
