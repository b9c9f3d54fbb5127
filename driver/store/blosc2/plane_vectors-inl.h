// Vectors of the planes of a filtered block, for filter_kernels_simd.cpp: once for each target.
//
// The bytes of an element come together by *rounds* of interleaving within blocks of 16 bytes,
// which is one cheap instruction everywhere. Vectors of several blocks then hold elements that do
// not follow each other. With 32 bytes, the two halves are stored apart. With 64, which only
// AVX3_DL has, planes are permuted when they are loaded, so that they do.
#if defined(GDAL_NDARRAY_STORE_BLOSC2_PLANE_VECTORS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef GDAL_NDARRAY_STORE_BLOSC2_PLANE_VECTORS_INL_H_
#undef GDAL_NDARRAY_STORE_BLOSC2_PLANE_VECTORS_INL_H_
#else
#define GDAL_NDARRAY_STORE_BLOSC2_PLANE_VECTORS_INL_H_
#endif

#include <hwy/highway.h>

#include <cstring>

// Highway 1.0.3 leaves GFNI out of AVX3_DL, newer versions do not.
#if HWY_TARGET == HWY_AVX3_DL
HWY_PUSH_ATTRIBUTES(HWY_TARGET_STR ",gfni")
#else
HWY_BEFORE_NAMESPACE();
#endif
namespace ndarray {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

constexpr size_t kBlockBytes = 16;
constexpr size_t kVectorBytes = HWY_LANES(uint8_t);

template <size_t kBytes>
using Tag = hn::FixedTag<uint8_t, kBytes>;
template <size_t kBytes>
using Vector = hn::Vec<Tag<kBytes>>;

#if HWY_TARGET == HWY_AVX3_DL
// Lane [b * 16 + r * 16 / kWays + t] of a permuted plane is byte r * 64 / kWays + b * 16 / kWays +
// t: vector r of the result then has neighbours in its blocks b.
template <size_t kWays>
struct LoadOrder {
  alignas(64) uint8_t from[64] = {};
  constexpr LoadOrder() {
    constexpr size_t kSlots = kBlockBytes / kWays;
    for (size_t i = 0; i < 64; ++i) {
      const size_t block = i / kBlockBytes;
      const size_t r = i % kBlockBytes / kSlots;
      from[i] = static_cast<uint8_t>(r * 4 * kSlots + block * kSlots + i % kSlots);
    }
  }
};
template <size_t kWays>
constexpr LoadOrder<kWays> kLoadOrder;
#endif

// kBytes bytes of a plane, for kWays-fold interleaving.
template <size_t kWays, size_t kBytes>
HWY_INLINE Vector<kBytes> LoadPlane(const uint8_t* plane) {
  const Tag<kBytes> d;
#if HWY_TARGET == HWY_AVX3_DL
  if constexpr (kBytes == 64 && kWays != 3) {
    const auto order = hn::Load(d, kLoadOrder<kWays>.from);
    return Vector<kBytes>{_mm512_permutexvar_epi8(order.raw, hn::LoadU(d, plane).raw)};
  }
#endif
  return hn::LoadU(d, plane);
}

// The bytes of planes v[0] to v[kWays - 1], interleaved, in kWays vectors. kWays is not 3, which
// StoreAll handles.
template <size_t kWays, size_t kBytes, size_t kRound = 1>
HWY_INLINE void Interleave(Vector<kBytes> (&v)[kWays]) {
  if constexpr (kRound < kWays && kWays != 3) {
    const Tag<kBytes> d;
    Vector<kBytes> pairs[kWays];
    for (size_t i = 0; i < kWays / 2; ++i) {
      pairs[2 * i] = hn::InterleaveLower(d, v[i], v[i + kWays / 2]);
      pairs[2 * i + 1] = hn::InterleaveUpper(d, v[i], v[i + kWays / 2]);
    }
    for (size_t i = 0; i < kWays; ++i) v[i] = pairs[i];
    Interleave<kWays, kBytes, kRound * 2>(v);
  }
}

// Stores two vectors of kWays-fold interleaved planes, r and r + 1, to where they belong.
template <size_t kWays, size_t kBytes>
HWY_INLINE void StoreInterleaved(Vector<kBytes> even, Vector<kBytes> odd, size_t r, uint8_t* to) {
  const Tag<kBytes> d;
  if constexpr (kBytes == 2 * kBlockBytes) {
    hn::StoreU(hn::ConcatLowerLower(d, odd, even), d, to + r * kBlockBytes);
    hn::StoreU(hn::ConcatUpperUpper(d, odd, even), d, to + (kWays + r) * kBlockBytes);
  } else {
    hn::StoreU(even, d, to + r * kBytes);
    hn::StoreU(odd, d, to + (r + 1) * kBytes);
  }
}

template <size_t kWays, size_t kBytes>
HWY_INLINE void StoreAll(const Vector<kBytes> (&v)[kWays], uint8_t* to) {
  if constexpr (kWays == 1) {
    hn::StoreU(v[0], Tag<kBytes>(), to);
  } else if constexpr (kWays == 3) {
    hn::StoreInterleaved3(v[0], v[1], v[2], Tag<kBytes>(), to);
  } else {
    for (size_t r = 0; r < kWays; r += 2) {
      StoreInterleaved<kWays, kBytes>(v[r], v[r + 1], r, to);
    }
  }
}

// Copies bytes that are in the cache: where they are few, a call of memcpy takes as long as the
// copy.
HWY_INLINE void CopyShort(const uint8_t* from, size_t bytes, uint8_t* to) {
  const Tag<kVectorBytes> d;
  if (bytes < kVectorBytes) {
    std::memcpy(to, from, bytes);
    return;
  }
  const size_t last = bytes - kVectorBytes;
  for (size_t i = 0; i < last; i += kVectorBytes) hn::StoreU(hn::LoadU(d, from + i), d, to + i);
  hn::StoreU(hn::LoadU(d, from + last), d, to + last);
}

// The running sums of v, beginning with `carry`, which becomes the last of them in all lanes.
template <size_t kBytes>
HWY_INLINE Vector<kBytes> RunningSums(Vector<kBytes> v, Vector<kBytes>& carry) {
  const Tag<kBytes> d;
  const hn::Repartition<uint64_t, Tag<kBytes>> words;
  // Within 8 bytes, then 16, then all. Lanes of x86 are little-endian, and those of NEON in use.
  v = hn::Add(v, hn::BitCast(d, hn::ShiftLeft<8>(hn::BitCast(words, v))));
  v = hn::Add(v, hn::BitCast(d, hn::ShiftLeft<16>(hn::BitCast(words, v))));
  v = hn::Add(v, hn::BitCast(d, hn::ShiftLeft<32>(hn::BitCast(words, v))));
  alignas(16) static constexpr uint8_t kLowToHigh[16] = {
      0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 7, 7, 7, 7, 7, 7, 7, 7};
  v = hn::Add(v, hn::TableLookupBytesOr0(v, hn::LoadDup128(d, kLowToHigh)));
  Vector<kBytes> total = hn::TableLookupBytes(v, hn::Set(d, uint8_t{15}));
  if constexpr (kBytes == 2 * kBlockBytes) {
    const auto other = hn::SwapAdjacentBlocks(total);
    v = hn::Add(v, hn::ConcatUpperLower(d, other, hn::Zero(d)));
    total = hn::Add(total, other);
  }
  v = hn::Add(v, carry);
  carry = hn::Add(carry, total);  // the one instruction that the next vector waits for
  return v;
}

// Exchanges the bits of a's bytes that `low` << kShift selects with those of b's that `low` does.
template <int kShift, class V>
HWY_INLINE void SwapBits(V low, V& a, V& b) {
  const V changed = hn::And(hn::Xor(hn::ShiftRight<kShift>(a), b), low);
  b = hn::Xor(b, changed);
  a = hn::Xor(a, hn::ShiftLeft<kShift>(changed));
}

// Bit k of byte i of v[b] becomes bit b of byte i of v[k].
template <size_t kBytes>
HWY_INLINE void TransposeBits(Vector<kBytes> (&v)[8]) {
  const Tag<kBytes> d;
  const hn::Repartition<uint16_t, Tag<kBytes>> shorts;  // no target shifts bytes
  hn::Vec<decltype(shorts)> w[8];
  for (size_t i = 0; i < 8; ++i) w[i] = hn::BitCast(shorts, v[i]);
  const auto nibbles = hn::Set(shorts, uint16_t{0x0F0F});
  for (size_t i = 0; i < 4; ++i) SwapBits<4>(nibbles, w[i], w[i + 4]);
  const auto pairs = hn::Set(shorts, uint16_t{0x3333});
  for (size_t i = 0; i < 4; ++i) SwapBits<2>(pairs, w[i + (i & 2)], w[i + (i & 2) + 2]);
  const auto bits = hn::Set(shorts, uint16_t{0x5555});
  for (size_t i = 0; i < 4; ++i) SwapBits<1>(bits, w[2 * i], w[2 * i + 1]);
  for (size_t i = 0; i < 8; ++i) v[i] = hn::BitCast(d, w[i]);
}

// One byte of 8 * kVectorBytes elements, of the 8 planes of its bits (kVectorBytes bytes of each):
// what Interleave<8> gives, of planes loaded for kWays-fold interleaving.
template <size_t kWays>
HWY_INLINE void LoadBitPlanes(const uint8_t* planes, size_t stride, Vector<kVectorBytes> (&v)[8]) {
#if HWY_TARGET == HWY_AVX3_DL
  // The instruction multiplies bit matrices, takes their rows from last to first, and transposes
  // one where the other is the unit.
  for (size_t k = 0; k < 8; ++k) {
    v[7 - k] = LoadPlane<kWays, kVectorBytes>(planes + k * stride);
  }
  Interleave<8, kVectorBytes>(v);
  const __m512i unit = _mm512_set1_epi64(static_cast<int64_t>(0x8040201008040201u));
  for (auto& rows : v) rows.raw = _mm512_gf2p8affine_epi64_epi8(unit, rows.raw, 0);
#else
  for (size_t k = 0; k < 8; ++k) v[k] = LoadPlane<kWays, kVectorBytes>(planes + k * stride);
  TransposeBits<kVectorBytes>(v);
  Interleave<8, kVectorBytes>(v);
#endif
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace ndarray
HWY_AFTER_NAMESPACE();

#endif  // GDAL_NDARRAY_STORE_BLOSC2_PLANE_VECTORS_INL_H_
