#include "driver/store/strided_copy.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "driver/store/box.h"
#include "driver/store/thread_pool.h"

namespace ndarray {
namespace {

// Below this a second thread costs more than it brings: waking one takes as long as copying some
// hundred kilobytes.
constexpr int64_t kMinBytesPerThread = int64_t{1} << 20;
// Several tasks a thread, so that all end at about the same time; yet large ones where there is
// enough to do: each first touches huge pages of its own.
constexpr int64_t kTasksPerThread = 8;
constexpr int64_t kMaxBytesPerTask = int64_t{8} << 20;
// A tile of a transposition: what it touches stays in the caches, its pages in the page table
// cache.
constexpr int64_t kTileElements = 4096;
constexpr int64_t kTileSide = 64;
constexpr int64_t kMinBuffered = 16;  // fewer columns are quicker to pick out one by one

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

// The largest stride of the destination first. Stable, and without the allocation of
// std::stable_sort: this is done for each window.
void SortByDestination(Plan& plan) {
  for (int i = 1; i < plan.size; ++i) {
    const Axis axis = plan.axes[i];
    int at = i;
    for (; at > 0 && std::abs(plan.axes[at - 1].to_stride) < std::abs(axis.to_stride); --at) {
      plan.axes[at] = plan.axes[at - 1];
    }
    plan.axes[at] = axis;
  }
}

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
  if (std::abs(nearest->from_stride) == std::abs(end[-1].from_stride)) return;
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

  SortByDestination(plan);
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

// One by one. Four are loaded before the first is stored, which compilers do not dare: twice as
// fast.
template <typename T, bool kSwap>
inline void CopyElements(const char* from, char* to, const Axis& axis) {
  constexpr int64_t kStep = 4;
  int64_t i = 0;
  for (; i + kStep <= axis.count; i += kStep) {
    T values[kStep];
    for (int64_t k = 0; k < kStep; ++k) {
      CopyElement<T, kSwap>(from + k * axis.from_stride, reinterpret_cast<char*>(&values[k]));
    }
    for (int64_t k = 0; k < kStep; ++k) std::memcpy(to + k * axis.to_stride, &values[k], sizeof(T));
    from += kStep * axis.from_stride;
    to += kStep * axis.to_stride;
  }
  for (; i < axis.count; ++i, from += axis.from_stride, to += axis.to_stride) {
    CopyElement<T, kSwap>(from, to);
  }
}

// Packed numbers, 16 bytes at a time: compilers turn a loop of bswap into single steps. Bytes are
// swapped within pairs, pairs within fours, fours within eights.
template <typename T>
void SwapPacked(const char* from, char* to, int64_t count) {
  using Pairs = uint16_t __attribute__((vector_size(16)));
  using Fours = uint32_t __attribute__((vector_size(16)));
  using Eights = uint64_t __attribute__((vector_size(16)));
  constexpr auto kSize = static_cast<int64_t>(sizeof(T));
  constexpr int64_t kStep = 16 / kSize;
  int64_t i = 0;
  for (; i + kStep <= count; i += kStep) {
    Pairs pairs;
    std::memcpy(&pairs, from + i * kSize, sizeof(pairs));
    pairs = pairs << 8 | pairs >> 8;
    if constexpr (sizeof(T) >= 4) {
      auto fours = reinterpret_cast<Fours>(pairs);
      fours = fours << 16 | fours >> 16;
      if constexpr (sizeof(T) == 8) {
        auto eights = reinterpret_cast<Eights>(fours);
        eights = eights << 32 | eights >> 32;
        fours = reinterpret_cast<Fours>(eights);
      }
      pairs = reinterpret_cast<Pairs>(fours);
    }
    std::memcpy(to + i * kSize, &pairs, sizeof(pairs));
  }
  for (; i < count; ++i) CopyElement<T, true>(from + i * kSize, to + i * kSize);
}

// The last axis. Strides that equal the element size are constants here, which lets the compiler
// use vectors.
template <typename T, bool kSwap>
void CopyRun(const char* from, char* to, const Axis& axis) {
  constexpr auto kSize = static_cast<int64_t>(sizeof(T));
  if (axis.from_stride == kSize && axis.to_stride == kSize) {
    if constexpr (kSwap) {
      SwapPacked<T>(from, to, axis.count);
    } else {
      std::memcpy(to, from, static_cast<size_t>(axis.count * kSize));
    }
  } else if (axis.to_stride == kSize && axis.from_stride == 0) {
    T value;
    CopyElement<T, kSwap>(from, reinterpret_cast<char*>(&value));
    for (int64_t i = 0; i < axis.count; ++i) std::memcpy(to + i * kSize, &value, sizeof(T));
  } else if (axis.to_stride == kSize) {
    CopyElements<T, kSwap>(from, to, {axis.count, axis.from_stride, kSize});
  } else {
    CopyElements<T, kSwap>(from, to, axis);
  }
}

// One tile of a transposition whose source runs along `outer`: rows are read whole into a small
// buffer and leave it as columns. Reading columns straight from the source would fetch each of its
// lines many times over when its stride is a power of two, since all then compete for one place in
// the cache.
template <typename T, bool kSwap>
void CopyTile(const char* from, char* to, const Axis& outer, const Axis& inner) {
  constexpr int64_t kPitch = kTileSide + 2;  // in elements; no power of two
  T tile[kTileSide * kPitch];
  const auto row_bytes = sizeof(T) * static_cast<size_t>(outer.count);
  for (int64_t i = 0; i < inner.count; ++i) {
    std::memcpy(tile + i * kPitch, from + i * inner.from_stride, row_bytes);
  }
  for (int64_t o = 0; o < outer.count; ++o) {
    CopyRun<T, kSwap>(reinterpret_cast<const char*>(tile + o), to + o * outer.to_stride,
                      {inner.count, kPitch * static_cast<int64_t>(sizeof(T)), inner.to_stride});
  }
}

template <typename T, bool kSwap>
void CopyTiled(const char* from, char* to, const Axis& outer, const Axis& inner) {
  const bool buffered =
      outer.from_stride == static_cast<int64_t>(sizeof(T)) && outer.count >= kMinBuffered;
  const int64_t outer_side = std::min(outer.count, kTileSide);
  const int64_t inner_side = buffered ? kTileSide : std::max(kTileSide, kTileElements / outer_side);
  for (int64_t i = 0; i < inner.count; i += inner_side) {
    const int64_t inner_count = std::min(inner_side, inner.count - i);
    for (int64_t o = 0; o < outer.count; o += outer_side) {
      const int64_t outer_count = std::min(outer_side, outer.count - o);
      const Axis rows = {outer_count, outer.from_stride, outer.to_stride};
      const Axis run = {inner_count, inner.from_stride, inner.to_stride};
      const char* const tile_from = from + o * outer.from_stride + i * inner.from_stride;
      char* const tile_to = to + o * outer.to_stride + i * inner.to_stride;
      if (buffered) {
        CopyTile<T, kSwap>(tile_from, tile_to, rows, run);
        continue;
      }
      for (int64_t row = 0; row < outer_count; ++row) {
        CopyRun<T, kSwap>(tile_from + row * rows.from_stride, tile_to + row * rows.to_stride, run);
      }
    }
  }
}

// Packed rows. Those of a window lie in pages of memory of their own, of which a processor looks
// for few at a time by itself.
constexpr int64_t kRowsAhead = 8;
constexpr int64_t kPrefetchedBytes = 256;  // of each; the rest it finds
constexpr int64_t kLineBytes = 64;

void CopyRows(const char* from, char* to, const Axis& rows, int64_t row_bytes) {
  const int64_t prefetched_bytes = std::min(row_bytes, kPrefetchedBytes);
  for (int64_t i = 0; i < rows.count; ++i) {
    const char* const row = from + i * rows.from_stride;
    if (i + kRowsAhead < rows.count) {
      const char* const ahead = row + kRowsAhead * rows.from_stride;
      for (int64_t at = 0; at < prefetched_bytes; at += kLineBytes) __builtin_prefetch(ahead + at);
    }
    std::memcpy(to + i * rows.to_stride, row, static_cast<size_t>(row_bytes));
  }
}

template <typename T, bool kSwap>
void CopyFrom(const Plan& plan, int depth, const char* from, char* to) {
  const Axis& axis = plan.axes[depth];
  if (depth == plan.size - 1) return CopyRun<T, kSwap>(from, to, axis);
  if (plan.tiled && depth == plan.size - 2) {
    return CopyTiled<T, kSwap>(from, to, axis, plan.axes[depth + 1]);
  }
  if (!kSwap && depth == plan.size - 2) {
    constexpr auto kSize = static_cast<int64_t>(sizeof(T));
    const Axis& run = plan.axes[depth + 1];
    if (run.from_stride == kSize && run.to_stride == kSize) {
      return CopyRows(from, to, axis, run.count * kSize);
    }
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

// Cuts the longest axis into pieces, one a task. REQUIRES: total_bytes allow max_threads
void CopyInParallel(const Plan& plan, const char* from, char* to, int64_t total_bytes,
                    int max_threads) {
  const Axis* const longest =
      std::max_element(plan.axes, plan.axes + plan.size,
                       [](const Axis& a, const Axis& b) { return a.count < b.count; });
  const auto cut = static_cast<int>(longest - plan.axes);
  const int64_t task_bytes = std::clamp(total_bytes / (max_threads * kTasksPerThread),
                                        kMinBytesPerThread, kMaxBytesPerTask);
  const int64_t tasks = std::min(longest->count, total_bytes / task_bytes);
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

void MakeBools(const StridedView& view, const AxisVector& shape) {
  const Box all{AxisVector(shape.size(), 0), shape};
  AxisVector at = all.start;
  do {
    auto* value = static_cast<std::byte*>(view.data);
    for (int axis = 0; axis < at.size(); ++axis) value += at[axis] * view.strides_bytes[axis];
    *value = std::byte{*value != std::byte{0}};
  } while (Advance(all, at));
}

}  // namespace ndarray
