// The header of a .npy file: NumPy Enhancement Proposal 1 and numpy.lib.format, versions 1.0, 2.0
// and 3.0. Pure functions over bytes; no file is touched here.
//
//   byte 0   "\x93NUMPY"
//   byte 6   major version, minor version (always 0)
//   byte 8   length of the text below: little-endian, 2 bytes in version 1, 4 bytes in 2 and 3
//   then     "{'descr': ..., 'fortran_order': ..., 'shape': (...), }" padded with spaces and "\n";
//            Latin-1, in version 3 UTF-8
//   then     the elements
#ifndef GDAL_NDARRAY_STORE_NPY_NPY_HEADER_H_
#define GDAL_NDARRAY_STORE_NPY_NPY_HEADER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "driver/store/array.h"
#include "driver/store/status.h"

namespace ndarray {

constexpr std::string_view kNpyMagic = "\x93NUMPY";
constexpr size_t kNpyPreambleBytes = 12;  // enough to know the length of any header

// 65,536 bands of long names fit; a length beyond it is no header but an attack or an accident.
constexpr size_t kMaxNpyHeaderBytes = size_t{4} << 20;

struct NpyHeader {
  int major_version = 1;
  uint64_t data_offset_bytes = 0;
  AxisVector shape;
  bool fortran_order = false;
  bool is_record = false;
  std::vector<Field> fields;  // those of a record in order, arrays and records in it spread out
  int64_t element_bytes = 0;  // of the whole record
  std::string dtype_text;     // as in the file: "<u2" or "[('r', '|u1'), ...]"
  std::string record_text;    // of a record: the same in full, UTF-8
};

// Where the elements start, from the first kNpyPreambleBytes bytes of a file (or all there are).
Result<uint64_t> NpyDataOffset(std::string_view start);

// Parses bytes [0, NpyDataOffset()) of a file. kCorrupt for malformed text and overflowing shapes;
// kNotSupported for dtypes that are no numbers, zero-sized axes, versions and ranks unknown here,
// and records of more fields or bytes than are read here.
Result<NpyHeader> ParseNpyHeader(std::string_view bytes);

// The header of a plain array in the oldest version that can hold it, padded so that elements
// start at a multiple of `alignment_bytes`. numpy.load asks its caller before it accepts a header
// of more than 10,000 bytes. REQUIRES: 0 < alignment_bytes <= 32768
std::string FormatNpyHeader(const DType& dtype, bool fortran_order, const AxisVector& shape,
                            size_t alignment_bytes);

// The same for an array in C order of records, whose descr is given as it stands in a header.
// REQUIRES: descr is UTF-8, and shorter than kMaxNpyHeaderBytes by 64 KiB
std::string FormatNpyHeader(std::string_view descr, const AxisVector& shape,
                            size_t alignment_bytes);

// The bytes of all elements: shape times element_bytes. ParseNpyHeader made sure that it fits.
uint64_t NpyDataBytes(const NpyHeader& header);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_NPY_NPY_HEADER_H_
