// Lines of one TIFF page, out of its strips or tiles.
#ifndef GDAL_NDARRAY_TOOLS_CONVERT_TIFF_LINES_H_
#define GDAL_NDARRAY_TOOLS_CONVERT_TIFF_LINES_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "tools/gdal_ndarray/convert/tiff_handle.h"
#include "tools/gdal_ndarray/convert/tiff_samples.h"

namespace ndarray::tools {

// What of a page must be the same on all pages of a stack.
struct PageKind {
  uint32_t width = 0, height = 0;
  uint16_t samples = 1;
  SampleKind sample;

  friend bool operator==(const PageKind& a, const PageKind& b) {
    return a.width == b.width && a.height == b.height && a.samples == b.samples &&
           a.sample == b.sample;
  }
};

PageKind KindOf(const TiffHandle& page);

// "640 x 480 pixels of 3 x uint16"
std::string ToString(const PageKind& kind);

// Why the page cannot be decoded to numbers as they are; empty where it can.
std::string Unsupported(const TiffHandle& page);

// Lines of a strip or tile.
int64_t LinesTogether(const TiffHandle& page);

// Decodes lines: lines, pixels, samples as elements of their type. Throws a Failure.
// REQUIRES: Unsupported(page) is empty, TypeOf(its samples) is not; the lines are the page's
void DecodeLines(const TiffHandle& page, int64_t first_line, int64_t lines, std::byte* to);

}  // namespace ndarray::tools

#endif  // GDAL_NDARRAY_TOOLS_CONVERT_TIFF_LINES_H_
