// Samples of a TIFF page as elements of an array: what kinds there are, and how packed ones become
// numbers of whole bytes.
#ifndef GDAL_NDARRAY_TOOLS_CONVERT_TIFF_SAMPLES_H_
#define GDAL_NDARRAY_TOOLS_CONVERT_TIFF_SAMPLES_H_

#include <cstddef>
#include <cstdint>
#include <optional>

#include "driver/store/dtype/dtype.h"

namespace ndarray::tools {

// BitsPerSample and SampleFormat as libtiff has them (SAMPLEFORMAT_UINT, ...).
struct SampleKind {
  uint16_t bits = 1, format = 1;

  friend bool operator==(const SampleKind& a, const SampleKind& b) {
    return a.bits == b.bits && a.format == b.format;
  }
};

// How samples are kept by an array.
struct SampleType {
  ScalarType type;
  // Whether they are in a decoded line as they are in an array: only the type's own bytes.
  bool plain;
};

// Whole numbers of 1 to 32 bits and of 64, floats of 16, 24, 32 and 64, complex numbers of twice 16
// and 32 bits (whole) or 32 and 64 (floats). Absent for others.
std::optional<SampleType> TypeOf(const SampleKind& kind);

// Makes elements of `count` samples of a line that libtiff has decoded. Whole numbers are packed
// from the highest bit of the first byte on, those of 24 bits, too (of big-endian files libtiff has
// turned the bytes of these around, which is how GDAL writes and reads them); floats and parts of
// complex numbers are in native byte order. REQUIRES: TypeOf(kind) is there, and not plain
void Unpack(const SampleKind& kind, const std::byte* line, int64_t count, std::byte* to);

}  // namespace ndarray::tools

#endif  // GDAL_NDARRAY_TOOLS_CONVERT_TIFF_SAMPLES_H_
