// The filter kernels in vector instructions: this file is compiled once for each target.
//
// Elements of 1, 2, 3, 4, 8 or 16 bytes are one *piece*. Others are cut into several (12 bytes: 8 +
// 4), which are made apart and then put into place.
#include <hwy/base.h>

#include <algorithm>
#include <cstring>

#include "driver/store/blosc2/filter_job.h"
#include "driver/store/blosc2/filter_kernel_table.h"

// All others would add little, but half a minute of compiling. Vectors of SVE and RVV have no fixed
// size. The two plain targets only stand for kScalarFilterKernels: there must be one.
#if HWY_MAJOR > 1 || (HWY_MAJOR == 1 && HWY_MINOR >= 1)
#define NDARRAY_NEON_TARGETS (HWY_NEON | HWY_NEON_WITHOUT_AES)
#else
#define NDARRAY_NEON_TARGETS HWY_NEON
#endif
#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS \
  (~(HWY_AVX3_DL | HWY_AVX2 | HWY_SSE4 | NDARRAY_NEON_TARGETS | HWY_EMU128 | HWY_SCALAR))
#define HWY_WANT_AVX3_DL

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "driver/store/blosc2/filter_kernels_simd.cpp"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#if HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128
#include "driver/store/blosc2/plane_vectors-inl.h"

#if HWY_TARGET == HWY_AVX3_DL
HWY_PUSH_ATTRIBUTES(HWY_TARGET_STR ",gfni")
#else
HWY_BEFORE_NAMESPACE();
#endif
namespace ndarray {
namespace HWY_NAMESPACE {
namespace {

// Calls Kernel<kWays>::Run(job, j) for pieces of kWays bytes, from byte j of each element on.
template <template <size_t> class Kernel>
void ForPieces(const FilterJob& job) {
  job.PrefetchFirst();
  for (size_t j = 0; j < job.element_bytes;) {
    const size_t left = job.element_bytes - j;
    if (left >= 16) {
      Kernel<16>::Run(job, j);
      j += 16;
    } else if (left >= 8) {
      Kernel<8>::Run(job, j);
      j += 8;
    } else if (left >= 4) {
      Kernel<4>::Run(job, j);
      j += 4;
    } else if (left == 3) {
      Kernel<3>::Run(job, j);
      j += 3;
    } else if (left >= 2) {
      Kernel<2>::Run(job, j);
      j += 2;
    } else {
      Kernel<1>::Run(job, j);
      j += 1;
    }
  }
}

// Puts pieces that follow each other into elements.
template <size_t kWays>
void Put(const uint8_t* pieces, size_t count, uint8_t* to, size_t element_bytes) {
  if (element_bytes == kWays) {
    CopyShort(pieces, count * kWays, to);
    return;
  }
  for (size_t i = 0; i < count; ++i) {
    std::memcpy(to + i * element_bytes, pieces + i * kWays, kWays);
  }
}

constexpr size_t kScratchElements = 256;

// ---- SHUFFLE

template <size_t kWays, size_t kBytes>
HWY_INLINE void UnshuffleVectors(const uint8_t* planes, size_t stride, uint8_t* to) {
  Vector<kBytes> v[kWays];
  for (size_t j = 0; j < kWays; ++j) v[j] = LoadPlane<kWays, kBytes>(planes + j * stride);
  Interleave<kWays, kBytes>(v);
  StoreAll<kWays, kBytes>(v, to);
}

// Fewer than 16 elements, by way of buffers that may be read and written whole.
template <size_t kWays>
void UnshuffleFew(const uint8_t* planes, size_t stride, size_t count, uint8_t* to) {
  alignas(kVectorBytes) uint8_t from[kWays * kBlockBytes] = {};
  alignas(kVectorBytes) uint8_t pieces[kWays * kBlockBytes];
  for (size_t j = 0; j < kWays; ++j) {
    for (size_t i = 0; i < count; ++i) from[j * kBlockBytes + i] = planes[j * stride + i];
  }
  UnshuffleVectors<kWays, kBlockBytes>(from, kBlockBytes, pieces);
  std::memcpy(to, pieces, count * kWays);
}

template <size_t kWays>
void UnshuffleRange(const uint8_t* planes, size_t stride, size_t count, uint8_t* to) {
  if constexpr (kWays == 1) {
    std::memcpy(to, planes, count);
    return;
  }
  size_t i = 0;
  for (; i + kVectorBytes <= count; i += kVectorBytes) {
    UnshuffleVectors<kWays, kVectorBytes>(planes + i, stride, to + i * kWays);
  }
  for (; i + kBlockBytes <= count; i += kBlockBytes) {
    UnshuffleVectors<kWays, kBlockBytes>(planes + i, stride, to + i * kWays);
  }
  if (i == count) return;
  if (count >= kBlockBytes) {  // some for the second time
    i = count - kBlockBytes;
    UnshuffleVectors<kWays, kBlockBytes>(planes + i, stride, to + i * kWays);
  } else {
    UnshuffleFew<kWays>(planes, stride, count, to);
  }
}

template <size_t kWays>
struct UnshufflePiece {
  static void Run(const FilterJob& job, size_t j) {
    for (size_t run = 0; run < job.rows.rows; ++run) {
      const uint8_t* const from = job.planes + j * job.elements + job.first(run);
      uint8_t* const to = job.to(run) + j;
      job.PrefetchBehind(run);
      if (job.element_bytes == kWays) {
        UnshuffleRange<kWays>(from, job.elements, job.rows.count, to);
        continue;
      }
      for (size_t i = 0; i < job.rows.count; i += kScratchElements) {
        const size_t count = std::min(kScratchElements, job.rows.count - i);
        alignas(kVectorBytes) uint8_t pieces[kWays * kScratchElements];
        UnshuffleRange<kWays>(from + i, job.elements, count, pieces);
        Put<kWays>(pieces, count, to + i * job.element_bytes, job.element_bytes);
      }
    }
  }
};

// ---- BYTEDELTA

// With 64 bytes there would be more steps to a sum, and no more sums in the end.
constexpr size_t kSumBytes = kVectorBytes < 32 ? kVectorBytes : 32;

template <size_t kWays>
HWY_INLINE void UndeltaVectors(const uint8_t* planes, size_t stride,
                               Vector<kSumBytes> (&carry)[kWays], uint8_t* to) {
  Vector<kSumBytes> v[kWays];
  for (size_t j = 0; j < kWays; ++j) {
    v[j] = RunningSums<kSumBytes>(hn::LoadU(Tag<kSumBytes>(), planes + j * stride), carry[j]);
  }
  Interleave<kWays, kSumBytes>(v);
  StoreAll<kWays, kSumBytes>(v, to);
}

// `sums` are those of the bytes before, for each plane, and become those behind.
template <size_t kWays>
void UndeltaRange(const uint8_t* planes, size_t stride, size_t count, uint8_t (&sums)[kWays],
                  uint8_t* to) {
  const Tag<kSumBytes> d;
  Vector<kSumBytes> carry[kWays];
  for (size_t j = 0; j < kWays; ++j) carry[j] = hn::Set(d, sums[j]);
  size_t i = 0;
  for (; i + kSumBytes <= count; i += kSumBytes) {
    UndeltaVectors<kWays>(planes + i, stride, carry, to + i * kWays);
  }
  if (i < count) {
    alignas(kVectorBytes)
        uint8_t from[kWays * kSumBytes] = {};  // differences of 0 leave the sums as they are
    alignas(kVectorBytes) uint8_t pieces[kWays * kSumBytes];
    for (size_t j = 0; j < kWays; ++j) {
      std::memcpy(from + j * kSumBytes, planes + j * stride + i, count - i);
    }
    UndeltaVectors<kWays>(from, kSumBytes, carry, pieces);
    std::memcpy(to + i * kWays, pieces, (count - i) * kWays);
  }
  for (size_t j = 0; j < kWays; ++j) sums[j] = hn::GetLane(carry[j]);
}

uint8_t Sum(const uint8_t* from, size_t count) {
  const Tag<kVectorBytes> d;
  Vector<kVectorBytes> sums = hn::Zero(d);
  size_t i = 0;
  for (; i + kVectorBytes <= count; i += kVectorBytes) sums = hn::Add(sums, hn::LoadU(d, from + i));
  const hn::Repartition<uint64_t, Tag<kVectorBytes>> words;
  uint64_t sum_of_8[kVectorBytes / 8];
  hn::StoreU(hn::SumsOf8(sums), words, sum_of_8);
  uint64_t sum = 0;
  for (const uint64_t lanes : sum_of_8) sum += lanes;
  for (; i < count; ++i) sum += from[i];
  return static_cast<uint8_t>(sum);
}

template <size_t kWays>
struct UndeltaPiece {
  static void Run(const FilterJob& job, size_t j) {
    uint8_t sums[kWays] = {};
    size_t done = 0;
    for (size_t run = 0; run < job.rows.rows; ++run) {
      const uint8_t* const planes = job.planes + j * job.elements;
      const size_t first = job.first(run);
      job.PrefetchBehind(run);
      for (size_t k = 0; k < kWays && done < first; ++k) {
        const uint8_t gap = Sum(planes + k * job.elements + done, first - done);
        sums[k] = static_cast<uint8_t>(sums[k] + gap);
      }
      RunTo(job, planes + first, sums, job.to(run) + j);
      done = first + job.rows.count;
    }
  }

  // One run of elements.
  static void RunTo(const FilterJob& job, const uint8_t* from, uint8_t (&sums)[kWays],
                    uint8_t* to) {
    if (job.element_bytes == kWays) {
      UndeltaRange<kWays>(from, job.elements, job.rows.count, sums, to);
      return;
    }
    for (size_t i = 0; i < job.rows.count; i += kScratchElements) {
      const size_t count = std::min(kScratchElements, job.rows.count - i);
      alignas(kVectorBytes) uint8_t pieces[kWays * kScratchElements];
      UndeltaRange<kWays>(from + i, job.elements, count, sums, pieces);
      Put<kWays>(pieces, count, to + i * job.element_bytes, job.element_bytes);
    }
  }
};

void Undelta(std::byte* planes, size_t plane_bytes, size_t streams) {
  auto* plane = reinterpret_cast<uint8_t*>(planes);
  for (size_t stream = 0; stream < streams; ++stream, plane += plane_bytes) {
    uint8_t sums[1] = {};
    UndeltaRange<1>(plane, 0, plane_bytes, sums, plane);
  }
}

// ---- BITSHUFFLE

// 64 bytes of a plane, a cache line where planes are aligned: each is fetched once, even where the
// planes of a block all compete for the same places in the cache.
constexpr size_t kTileElements = 512;
constexpr size_t kTilePlaneBytes = kTileElements / 8;

// kTileElements pieces, one after the other, of the planes of their first byte's lowest bit on.
template <size_t kWays>
void BitUnshuffleTile(const uint8_t* bits, size_t stride, uint8_t* to) {
  alignas(kVectorBytes) uint8_t bytes[kWays > 2 ? kWays * kTileElements : 1];
  if constexpr (kWays == 2) {  // all in registers
    for (size_t i = 0; i < kTilePlaneBytes; i += kVectorBytes, to += 16 * kVectorBytes) {
      const Tag<kVectorBytes> d;
      Vector<kVectorBytes> low[8], high[8];
      LoadBitPlanes<16>(bits + i, stride, low);
      LoadBitPlanes<16>(bits + 8 * stride + i, stride, high);
      for (size_t r = 0; r < 8; ++r) {
        const auto even = hn::InterleaveLower(d, low[r], high[r]);
        const auto odd = hn::InterleaveUpper(d, low[r], high[r]);
        StoreInterleaved<16, kVectorBytes>(even, odd, 2 * r, to);
      }
    }
    return;
  }
  uint8_t* plane = kWays == 1 ? to : bytes;
  for (size_t j = 0; j < kWays; ++j, bits += 8 * stride) {
    for (size_t i = 0; i < kTilePlaneBytes; i += kVectorBytes, plane += 8 * kVectorBytes) {
      Vector<kVectorBytes> v[8];
      LoadBitPlanes<8>(bits + i, stride, v);
      StoreAll<8, kVectorBytes>(v, plane);
    }
  }
  if (kWays > 1) UnshuffleRange<kWays>(bytes, kTileElements, kTileElements, to);
}

template <size_t kWays>
struct BitUnshufflePiece {
  // Tiles begin at any multiple of 8 elements. The last one overlaps the one before.
  static void Run(const FilterJob& job, size_t j) {
    const size_t last = job.elements < kTileElements ? 0 : job.elements - kTileElements;
    size_t run = 0;
    size_t done = job.rows.first;
    while (run < job.rows.rows) {
      const size_t start = std::min(done & ~size_t{7}, last);
      const uint8_t* const bits = job.planes + j * job.elements + start / 8;
      const size_t run_end = job.first(run) + job.rows.count;
      if (job.element_bytes == kWays && job.elements >= kTileElements && start >= job.first(run) &&
          start + kTileElements <= run_end) {
        BitUnshuffleTile<kWays>(bits, job.elements / 8,
                                job.to(run) + (start - job.first(run)) * kWays);
        done = start + kTileElements;
        if (done == run_end) done = job.first(++run);
      } else {
        alignas(kVectorBytes) uint8_t pieces[kWays * kTileElements];
        MakePieces(bits, job.elements, pieces);
        PutRuns(job, j, pieces, start, run, done);
      }
    }
  }

  static void MakePieces(const uint8_t* bits, size_t elements, uint8_t* to) {
    if (elements >= kTileElements) {
      BitUnshuffleTile<kWays>(bits, elements / 8, to);
      return;
    }
    alignas(kVectorBytes) uint8_t copy[8 * kWays * kTilePlaneBytes] = {};
    for (size_t k = 0; k < 8 * kWays; ++k) {
      std::memcpy(copy + k * kTilePlaneBytes, bits + k * (elements / 8), elements / 8);
    }
    BitUnshuffleTile<kWays>(copy, kTilePlaneBytes, to);
  }

  // Puts those of a tile's pieces into place that are wanted, from element `done` of `run` on;
  // moves both on to the first that is wanted behind the tile.
  static void PutRuns(const FilterJob& job, size_t j, const uint8_t* pieces, size_t start,
                      size_t& run, size_t& done) {
    const size_t end = start + kTileElements;
    while (run < job.rows.rows && done < end) {
      const size_t first = job.first(run);
      const size_t until = std::min(end, first + job.rows.count);
      Put<kWays>(pieces + (done - start) * kWays, until - done,
                 job.to(run) + (done - first) * job.element_bytes + j, job.element_bytes);
      done = until;
      if (until < first + job.rows.count) return;
      job.PrefetchBehind(run);
      done = job.first(++run);
    }
  }
};

template <template <size_t> class Kernel>
void ForRows(const std::byte* planes, size_t elements, size_t element_bytes,
             const FilterRows& rows) {
  ForPieces<Kernel>({planes, elements, element_bytes, rows});
}

}  // namespace

const FilterKernels kKernels = {hwy::TargetName(HWY_TARGET), ForRows<UnshufflePiece>,
                                ForRows<UndeltaPiece>, ForRows<BitUnshufflePiece>, Undelta};

}  // namespace HWY_NAMESPACE
}  // namespace ndarray
HWY_AFTER_NAMESPACE();
#endif  // a target with vectors

#if HWY_ONCE
namespace ndarray {

std::vector<const FilterKernels*> VectorFilterKernels() {
  std::vector<const FilterKernels*> kernels;
  [[maybe_unused]] const int64_t supported = HWY_SUPPORTED_TARGETS;
#if HWY_TARGETS & HWY_AVX3_DL
  if ((supported & HWY_AVX3_DL) && __builtin_cpu_supports("gfni")) {
    kernels.push_back(&N_AVX3_DL::kKernels);
  }
#endif
#if HWY_TARGETS & HWY_AVX2
  if (supported & HWY_AVX2) kernels.push_back(&N_AVX2::kKernels);
#endif
#if HWY_TARGETS & HWY_SSE4
  if (supported & HWY_SSE4) kernels.push_back(&N_SSE4::kKernels);
#endif
#if HWY_TARGETS & HWY_NEON
  if (supported & HWY_NEON) kernels.push_back(&N_NEON::kKernels);
#endif
#if defined(HWY_NEON_WITHOUT_AES) && (HWY_TARGETS & HWY_NEON_WITHOUT_AES)
  if (supported & HWY_NEON_WITHOUT_AES) kernels.push_back(&N_NEON_WITHOUT_AES::kKernels);
#endif
  return kernels;
}

}  // namespace ndarray
#endif  // HWY_ONCE
