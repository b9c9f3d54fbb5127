// What one target (a set of instructions) has for each function of filter_kernels.h.
//
// Not Highway's own dispatch: its choice is one for the whole process, where GDAL's other libraries
// use Highway as well, and tests change ours.
#ifndef GDAL_NDARRAY_STORE_BLOSC2_FILTER_KERNEL_TABLE_H_
#define GDAL_NDARRAY_STORE_BLOSC2_FILTER_KERNEL_TABLE_H_

#include <cstddef>
#include <vector>

#include "driver/store/blosc2/filter_rows.h"

namespace ndarray {

struct FilterKernels {
  using OfRows = void (*)(const std::byte* planes, size_t elements, size_t element_bytes,
                          const FilterRows& rows);

  const char* name;
  OfRows unshuffle;
  OfRows undelta_unshuffle;
  OfRows bit_unshuffle;
  void (*undelta)(std::byte* planes, size_t plane_bytes, size_t streams);
};

// Plain C++, for every machine.
extern const FilterKernels kScalarFilterKernels;

// Those with vector instructions that this machine can run, the best one first.
std::vector<const FilterKernels*> VectorFilterKernels();

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_BLOSC2_FILTER_KERNEL_TABLE_H_
