// What is wanted of a filtered block, how it lies there, and where it goes: see filter_kernels.h.
#ifndef GDAL_NDARRAY_STORE_BLOSC2_FILTER_JOB_H_
#define GDAL_NDARRAY_STORE_BLOSC2_FILTER_JOB_H_

#include <algorithm>
#include <cstdint>

#include "driver/store/blosc2/filter_kernels.h"

namespace ndarray {

// A function that only prefetches has no effect in GCC's eyes: calls of it are dropped. Inlined, it
// is no function.
#define NDARRAY_ALWAYS_INLINE inline __attribute__((always_inline))

struct FilterJob {
  const uint8_t* planes;
  size_t elements;
  size_t element_bytes;
  const FilterRows& rows;
  size_t runs_ahead;  // are fetched; about kFetchedBytes

  FilterJob(const std::byte* filtered, size_t count, size_t size_bytes, const FilterRows& wanted)
      : planes(reinterpret_cast<const uint8_t*>(filtered)),
        elements(count),
        element_bytes(size_bytes),
        rows(wanted),
        runs_ahead(rows.rows == 1 ? 1 : 1 + kFetchedBytes / (rows.count * element_bytes)) {}

  size_t first(size_t run) const { return rows.first + run * rows.step; }
  uint8_t* to(size_t run) const {
    return reinterpret_cast<uint8_t*>(rows.to +
                                      static_cast<std::ptrdiff_t>(run) * rows.to_step_bytes);
  }

  // Has the cache lines of a run fetched that it goes to. No processor foresees where the next row
  // of an image is, and waiting for rows that are in no cache takes three times as long as undoing
  // filters into those that are.
  NDARRAY_ALWAYS_INLINE void Prefetch(size_t run) const {
    if (run >= rows.rows) return;
    const uint8_t* const line = to(run);
    const size_t bytes = std::min(rows.count * element_bytes, kFetchedBytes);
    for (size_t i = 0; i < bytes; i += 64) __builtin_prefetch(line + i, 1);
    __builtin_prefetch(line + bytes - 1, 1);
  }
  NDARRAY_ALWAYS_INLINE void PrefetchFirst() const {
    for (size_t run = 0; run < runs_ahead; ++run) Prefetch(run);
  }
  // Called when a run is done.
  NDARRAY_ALWAYS_INLINE void PrefetchBehind(size_t run) const { Prefetch(run + runs_ahead); }

 private:
  static constexpr size_t kFetchedBytes = 8192;  // more would drive out what was fetched first
};

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_BLOSC2_FILTER_JOB_H_
