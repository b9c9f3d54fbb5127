#include "driver/store/strided_copy.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "driver/store/thread_pool.h"

namespace ndarray {
namespace {

// Below this a second thread costs more than it brings: waking one takes as long as copying some
// hundred kilobytes.
constexpr int64_t kMinBytesPerThread = int64_t{1} << 20;
constexpr int64_t kBytesPerTask = int64_t{1} << 20;
// A tile of a transposition: what it touches stays in the caches, its pages in the page table cache.
constexpr int64_t kTileElements = 4096;
constexpr int64_t kTileSide = 64;

struct Axis {
  int64_t count;
  int64_t from_stride;
  int64_t to_stride;
};

// A copy in its simplest form: no axes of one element, none that could be one with its neighbour,
// in the order to walk them.
struct Plan {
  size_t element_bytes = 0;  // moved as one piece
  bool swap = false;
  bool tiled = false;  // the last two axes are a transposition
  int size = 0;
  Axis axes[kMaxAxes + 1];  // the halves of complex numbers may be one axis more
};

void AddAxis(Plan& plan, const Axis& axis) { plan.axes[plan.size++] = axis; }

void JoinNeighbours(Plan& plan) {
  int joined = 0;
  for (int i = 0; i < plan.size; ++i) {
    const Axis& inner = plan.axes[i];
    Axis* outer = joined > 0 ? &plan.axes[joined - 1] : nullptr;
    if (outer != nullptr && outer->from_stride == inner.from_stride * inner.count &&
        outer->to_stride == inner.to_stride * inner.count) {
      *outer = {outer->count * inner.count, inner.from_stride, inner.to_stride};
    } else {
      plan.axes[joined++] = inner;
    }
  }
  plan.size = joined;
}

// Where source and destination disagree on the fastest axis, the source's goes next to last, so
// that both are walked together in tiles.
void FindTransposition(Plan& plan) {
  if (plan.size < 2) return;
  Axis* const end = plan.axes + plan.size;
  Axis* const nearest = std::min_element(plan.axes, end, [](const Axis& a, const Axis& b) {
    return std::abs(a.from_stride) < std::abs(b.from_stride);
  });
  if (nearest == end - 1) return;
  std::rotate(nearest, nearest + 1, end - 1);
  plan.tiled = true;
}

Plan MakePlan(const DType& dtype, const AxisVector& shape, const AxisVector& from_strides,
              const AxisVector& to_strides) {
  Plan plan;
  plan.swap = dtype.swapped();
  plan.element_bytes = plan.swap ? SwapUnitBytes(dtype.type) : dtype.size_bytes();
  for (int i = 0; i < shape.size(); ++i) {
    if (shape[i] > 1) AddAxis(plan, {shape[i], from_strides[i], to_strides[i]});
  }
  const auto unit = static_cast<int64_t>(plan.element_bytes);
  const auto units = static_cast<int64_t>(dtype.size_bytes()) / unit;
  if (units > 1) AddAxis(plan, {units, unit, unit});
  if (plan.size == 0) AddAxis(plan, {1, unit, unit});

  std::stable_sort(plan.axes, plan.axes + plan.size, [](const Axis& a, const Axis& b) {
    return std::abs(a.to_stride) > std::abs(b.to_stride);
  });
  JoinNeighbours(plan);
  FindTransposition(plan);
  return plan;
}

uint16_t Swapped(uint16_t value) { return __builtin_bswap16(value); }
uint32_t Swapped(uint32_t value) { return __builtin_bswap32(value); }
uint64_t Swapped(uint64_t value) { return __builtin_bswap64(value); }
struct Wide {  // a complex128 that needs no swap
  uint64_t halves[2];
};

template <typename T, bool kSwap>
void CopyElement(const char* from, char* to) {
  T value;
  std::memcpy(&value, from, sizeof(T));
  if constexpr (kSwap) value = Swapped(value);
  std::memcpy(to, &value, sizeof(T));
}

// The last axis. Strides that equal the element size are told to the compiler as constants, which
// lets it use vectors.
template <typename T, bool kSwap>
void CopyRun(const char* from, char* to, const Axis& axis) {
  constexpr auto kSize = static_cast<int64_t>(sizeof(T));
  if (axis.from_stride == kSize && axis.to_stride == kSize) {
    if constexpr (kSwap) {
      for (int64_t i = 0; i < axis.count; ++i) {
        CopyElement<T, kSwap>(from + i * kSize, to + i * kSize);
      }
    } else {
      std::memcpy(to, from, static_cast<size_t>(axis.count * kSize));
    }
  } else if (axis.to_stride == kSize) {
    for (int64_t i = 0; i < axis.count; ++i) {
      CopyElement<T, kSwap>(from + i * axis.from_stride, to + i * kSize);
    }
  } else {
    for (int64_t i = 0; i < axis.count; ++i) {
      CopyElement<T, kSwap>(from + i * axis.from_stride, to + i * axis.to_stride);
    }
  }
}

template <typename T, bool kSwap>
void CopyTiled(const char* from, char* to, const Axis& outer, const Axis& inner) {
  const int64_t outer_side = std::min(outer.count, kTileSide);
  const int64_t inner_side = std::max(kTileSide, kTileElements / outer_side);
  for (int64_t i = 0; i < inner.count; i += inner_side) {
    const Axis run = {std::min(inner_side, inner.count - i), inner.from_stride, inner.to_stride};
    for (int64_t o = 0; o < outer.count; o += outer_side) {
      const int64_t o_end = std::min(o + outer_side, outer.count);
      for (int64_t row = o; row < o_end; ++row) {
        CopyRun<T, kSwap>(from + row * outer.from_stride + i * inner.from_stride,
                          to + row * outer.to_stride + i * inner.to_stride, run);
      }
    }
  }
}

template <typename T, bool kSwap>
void CopyFrom(const Plan& plan, int depth, const char* from, char* to) {
  const Axis& axis = plan.axes[depth];
  if (depth == plan.size - 1) return CopyRun<T, kSwap>(from, to, axis);
  if (plan.tiled && depth == plan.size - 2) {
    return CopyTiled<T, kSwap>(from, to, axis, plan.axes[depth + 1]);
  }
  for (int64_t i = 0; i < axis.count; ++i) {
    CopyFrom<T, kSwap>(plan, depth + 1, from + i * axis.from_stride, to + i * axis.to_stride);
  }
}

void Copy(const Plan& plan, const char* from, char* to) {
  switch (plan.element_bytes) {
    case 1:
      return CopyFrom<uint8_t, false>(plan, 0, from, to);
    case 2:
      return plan.swap ? CopyFrom<uint16_t, true>(plan, 0, from, to)
                       : CopyFrom<uint16_t, false>(plan, 0, from, to);
    case 4:
      return plan.swap ? CopyFrom<uint32_t, true>(plan, 0, from, to)
                       : CopyFrom<uint32_t, false>(plan, 0, from, to);
    case 8:
      return plan.swap ? CopyFrom<uint64_t, true>(plan, 0, from, to)
                       : CopyFrom<uint64_t, false>(plan, 0, from, to);
    default:
      return CopyFrom<Wide, false>(plan, 0, from, to);
  }
}

int64_t TotalBytes(const Plan& plan) {
  auto total = static_cast<int64_t>(plan.element_bytes);
  for (int i = 0; i < plan.size; ++i) total *= plan.axes[i].count;
  return total;
}

// Cuts the longest axis into pieces of about kBytesPerTask.
void CopyInParallel(const Plan& plan, const char* from, char* to, int64_t total_bytes,
                    int max_threads) {
  const Axis* const longest =
      std::max_element(plan.axes, plan.axes + plan.size,
                       [](const Axis& a, const Axis& b) { return a.count < b.count; });
  const auto cut = static_cast<int>(longest - plan.axes);
  const int64_t tasks = std::min(longest->count, total_bytes / kBytesPerTask);
  const int64_t step = (longest->count + tasks - 1) / tasks;
  ParallelFor((longest->count + step - 1) / step, max_threads, [&](int64_t task) {
    Plan piece = plan;
    Axis& axis = piece.axes[cut];
    const int64_t start = task * step;
    axis.count = std::min(step, axis.count - start);
    Copy(piece, from + start * axis.from_stride, to + start * axis.to_stride);
  });
}

}  // namespace

void StridedCopy(const DType& dtype, const AxisVector& shape, const ConstStridedView& from,
                 const StridedView& to, int max_threads) {
  const Plan plan = MakePlan(dtype, shape, from.strides_bytes, to.strides_bytes);
  const auto* source = static_cast<const char*>(from.data);
  auto* destination = static_cast<char*>(to.data);
  const int64_t total_bytes = TotalBytes(plan);
  const int64_t threads = std::min<int64_t>(max_threads, total_bytes / kMinBytesPerThread);
  if (threads < 2) return Copy(plan, source, destination);
  CopyInParallel(plan, source, destination, total_bytes, static_cast<int>(threads));
}

}  // namespace ndarray
