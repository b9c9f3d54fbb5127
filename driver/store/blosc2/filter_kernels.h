// Undoes the filters of Blosc2 on one block, by the widest instructions that the processor has.
//
// A *filtered block* is `elements` whole elements of `element_bytes` bytes each, rearranged; bytes
// behind the last whole element are the caller's. Filters:
//   SHUFFLE     byte j of element i is planes[j * elements + i].
//   BITSHUFFLE  bit k of byte j of element i is bit i % 8 (the lowest is 0) of
//               planes[(j * 8 + k) * (elements / 8) + i / 8]. If the number of elements of a
//               block is no multiple of 8, the last ones are stored as they are, and the caller
//               copies them. (In chunks of format version 2, Blosc1's, such blocks are stored as
//               they are whole.)
//   BYTEDELTA   the buffer is split into `streams` equal planes; every plane holds differences, and
//               its bytes are the running sums (modulo 256) from the plane's own start. What is
//               left behind the last plane is stored as it is.
//
// Nothing is read outside of the planes' elements * element_bytes bytes, nothing is written outside
// of the wanted elements. No pointer needs alignment. Nothing is allocated; nothing fails. All
// functions may run in many threads at once. Fast for elements of 1, 2, 3, 4, 8 and 16 bytes; right
// for any.
#ifndef GDAL_NDARRAY_STORE_BLOSC2_FILTER_KERNELS_H_
#define GDAL_NDARRAY_STORE_BLOSC2_FILTER_KERNELS_H_

#include <cstddef>
#include <string>
#include <vector>

#include "driver/store/blosc2/filter_rows.h"

namespace ndarray {

// Undoes SHUFFLE.
void Unshuffle(const std::byte* planes, size_t elements, size_t element_bytes,
               const FilterRows& rows);

// Undoes BYTEDELTA with as many streams as an element has bytes, then SHUFFLE, in one pass. Planes
// are summed up from their starts, wherever the first run is.
void UndeltaUnshuffle(const std::byte* planes, size_t elements, size_t element_bytes,
                      const FilterRows& rows);

// Undoes BITSHUFFLE. REQUIRES: elements % 8 == 0. `rows` may have any first, count and step.
void BitUnshuffle(const std::byte* planes, size_t elements, size_t element_bytes,
                  const FilterRows& rows);

// Undoes BYTEDELTA in place, on streams * plane_bytes bytes: for any number of streams, and any
// filter before it.
void Undelta(std::byte* planes, size_t plane_bytes, size_t streams);

// The targets that this machine can run, the best one first, by the names that Google Highway gives
// them: "AVX3_DL" (AVX-512 with GFNI), "AVX2", "SSE4", "NEON". The last is always "SCALAR".
std::vector<std::string> FilterTargets();

// The one in use: at first the best, or the one that the environment variable NDARRAY_SIMD names at
// the first use (where this machine cannot run that, the best).
std::string FilterTarget();

// Changes it for the whole process, for tests and benchmarks. False: it is not among them, and
// nothing has changed.
bool UseFilterTarget(const std::string& name);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_BLOSC2_FILTER_KERNELS_H_
