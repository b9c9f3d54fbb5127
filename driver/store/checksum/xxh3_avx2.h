// XXH3 for processors with AVX2: in a file of its own, which alone is compiled for them. It
// includes nothing but xxHash, so that no function of others is compiled for AVX2 with it.
#ifndef GDAL_NDARRAY_STORE_CHECKSUM_XXH3_AVX2_H_
#define GDAL_NDARRAY_STORE_CHECKSUM_XXH3_AVX2_H_

#include <stddef.h>
#include <stdint.h>

namespace ndarray {

// REQUIRES: the processor has AVX2
uint64_t Xxh3Avx2(const void* bytes, size_t size_bytes);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_CHECKSUM_XXH3_AVX2_H_
