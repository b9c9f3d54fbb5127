// A .npy file as an Array: elements are where the header says, in C or Fortran order.
#ifndef GDAL_NDARRAY_STORE_NPY_NPY_ARRAY_H_
#define GDAL_NDARRAY_STORE_NPY_NPY_ARRAY_H_

#include <functional>
#include <memory>
#include <string>

#include "driver/store/array.h"
#include "driver/store/io/byte_file.h"
#include "driver/store/npy/npy_header.h"
#include "driver/store/status.h"

namespace ndarray {

// The header of a file. Errors carry the path.
Result<NpyHeader> ReadNpyHeader(const ByteFile& file);

// Checks the header and that all elements lie in the file (which may go on after them). Reads of
// one window use at most max_threads threads. `before_first_write` is called once, before the first
// write of elements; it may be empty. Errors carry the path.
Result<std::shared_ptr<Array>> OpenNpyArray(const std::shared_ptr<ByteFile>& file, int max_threads);
Result<std::shared_ptr<WritableArray>> OpenNpyForUpdate(
    const std::shared_ptr<WritableFile>& file, int max_threads,
    std::function<void()> before_first_write = {});

// As many elements along the fastest axes as one read touches anyway: a few hundred kilobytes.
AxisVector NpyGranule(const AxisVector& shape, int64_t element_bytes, bool fortran_order);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_NPY_NPY_ARRAY_H_
