// Filters of Blosc2, undone.
#ifndef GDAL_NDARRAY_STORE_BLOSC2_FILTER_KERNELS_H_
#define GDAL_NDARRAY_STORE_BLOSC2_FILTER_KERNELS_H_

#include <cstddef>

namespace ndarray {

// `rows` runs of `count` elements; run r is elements [first + r * step, + count) of the block and
// goes to to + r * to_step_bytes. REQUIRES: count <= step, or one row; the last is inside the block
struct FilterRows {
  size_t first = 0;
  size_t count = 0;
  size_t step = 0;
  size_t rows = 1;
  std::byte* to = nullptr;
  std::ptrdiff_t to_step_bytes = 0;
};

// Of one filtered block of `elements` whole elements. Leftover bytes behind them are the caller's.
void Unshuffle(const std::byte* planes, size_t elements, size_t element_bytes,
               const FilterRows& rows);
// Bytedelta after shuffle.
void UndeltaUnshuffle(const std::byte* planes, size_t elements, size_t element_bytes,
                      const FilterRows& rows);
// In place.
void Undelta(std::byte* planes, size_t plane_bytes, size_t streams);
// REQUIRES: elements % 8 == 0; bit k of byte j of element i is bit (i % 8) of
// planes[(j * 8 + k) * (elements / 8) + i / 8]
void BitUnshuffle(const std::byte* planes, size_t elements, size_t element_bytes,
                  const FilterRows& rows);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_BLOSC2_FILTER_KERNELS_H_
