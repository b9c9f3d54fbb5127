// Copies elements of any number of axes into a new .npy or .b2nd file: one piece is read while the
// piece before it is written. Boxes are in elements and in array axes.
#ifndef GDAL_NDARRAY_TOOLS_ARRAY_COPY_H_
#define GDAL_NDARRAY_TOOLS_ARRAY_COPY_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "driver/raster/gdal_compat.h"
#include "driver/store/array.h"
#include "driver/store/record_dtype.h"
#include "driver/store/status.h"
#ifdef NDARRAY_HAS_B2ND
#include "driver/raster/b2nd_options.h"
#endif

namespace ndarray::tools {

// Where the elements come from.
struct ElementSource {
  std::string path;  // for messages

  // Elements that are decoded together. Boxes are multiples of it, unless these take more than 256
  // MB: then they are smaller, and some of it is decoded more than once. Where that must not be,
  // only more than 4 GiB is an error.
  AxisVector unit;
  bool keep_units_whole = false;

  // Reads a box to memory, dense, in C order, native byte order (records: as they are), by up to
  // that many threads. Called by one thread. May throw a Failure.
  std::function<Status(const Box&, std::byte*, int)> read;
};

// Bytes between the elements of a box that lie together, in C order.
AxisVector DenseStrides(const Box& box, int64_t element_bytes);

// The new file's path, its elements, and how many threads read them.
struct NewElements {
  std::string path;
  ElementType element;
  AxisVector shape;
  int max_threads = 1;
};

// Reads all elements and writes the file, of which there is nothing before it is complete. Two
// pieces are in memory, of 64 MB each, or more where chunks, or what the source decodes together,
// are larger. Throws a Failure.
void WriteNpy(const ElementSource& source, const NewElements& array, GDALProgressFunc progress);
#ifdef NDARRAY_HAS_B2ND
void WriteB2nd(const ElementSource& source, const std::string& path, const B2ndPlan& plan,
               const std::vector<Attribute>& attributes, GDALProgressFunc progress);
#endif

}  // namespace ndarray::tools

#endif  // GDAL_NDARRAY_TOOLS_ARRAY_COPY_H_
