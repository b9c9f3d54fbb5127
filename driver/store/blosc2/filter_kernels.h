// Filters of Blosc2, undone.
#ifndef GDAL_NDARRAY_STORE_BLOSC2_FILTER_KERNELS_H_
#define GDAL_NDARRAY_STORE_BLOSC2_FILTER_KERNELS_H_

#include <cstddef>

namespace ndarray {

// Element ranges [first, first + count) of one filtered block of `elements` whole elements of
// `element_bytes` bytes each. Leftover bytes behind whole elements are the caller's.
void Unshuffle(const std::byte* planes, size_t elements, size_t element_bytes, size_t first,
               size_t count, std::byte* to);
// Bytedelta after shuffle.
void UndeltaUnshuffle(const std::byte* planes, size_t elements, size_t element_bytes, size_t first,
                      size_t count, std::byte* to);
// In place.
void Undelta(std::byte* planes, size_t plane_bytes, size_t streams);
// REQUIRES: elements % 8 == 0; bit k of byte j of element i is bit (i % 8) of
// planes[(j * 8 + k) * (elements / 8) + i / 8]
void BitUnshuffle(const std::byte* planes, size_t elements, size_t element_bytes, size_t first,
                  size_t count, std::byte* to);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_BLOSC2_FILTER_KERNELS_H_
