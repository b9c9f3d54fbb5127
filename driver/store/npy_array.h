// A .npy file as an Array: elements are where the header says, in C or Fortran order.
#ifndef GDAL_NDARRAY_STORE_NPY_ARRAY_H_
#define GDAL_NDARRAY_STORE_NPY_ARRAY_H_

#include <memory>
#include <string>

#include "driver/store/array.h"
#include "driver/store/byte_file.h"
#include "driver/store/npy_header.h"
#include "driver/store/output_file.h"
#include "driver/store/record_dtype.h"
#include "driver/store/status.h"

namespace ndarray {

// The header of a file. Errors carry the path.
Result<NpyHeader> ReadNpyHeader(const ByteFile& file);

// Checks the header and that all elements lie in the file (which may go on after them). Reads of
// one window use at most max_threads threads. Errors carry the path.
Result<std::shared_ptr<Array>> OpenNpyArray(const std::shared_ptr<ByteFile>& file, int max_threads);
Result<std::shared_ptr<WritableArray>> OpenNpyForUpdate(const std::shared_ptr<WritableFile>& file,
                                                        int max_threads);

// As many elements along the fastest axes as one read touches anyway: a few hundred kilobytes.
AxisVector NpyGranule(const AxisVector& shape, int64_t element_bytes, bool fortran_order);

// Writes the header of a new array of zeros and gives the file its full size. With
// `reserve`, the disk space of all elements is taken at once. Returns the offset of the elements.
// kInvalidArgument when the array would exceed 2^63 bytes,
// and for records whose literal is a dict: a header has lists.
Result<uint64_t> StartNpyFile(OutputFile& file, const ElementType& element, const AxisVector& shape,
                              bool reserve);
inline Result<uint64_t> StartNpyFile(OutputFile& file, const DType& dtype, const AxisVector& shape,
                                     bool reserve) {
  return StartNpyFile(file, PlainElement(dtype), shape, reserve);
}

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_NPY_ARRAY_H_
