// Bytes of a block that a reader wants, and where they go: runs along axes. Offsets and steps are
// in bytes.
#ifndef GDAL_NDARRAY_STORE_BLOSC2_BLOCK_RUNS_H_
#define GDAL_NDARRAY_STORE_BLOSC2_BLOCK_RUNS_H_

#include <algorithm>
#include <array>
#include <cstddef>

namespace ndarray {

// The last axis is the innermost. Runs do not overlap, at neither end.
struct BlockRuns {
  static constexpr int kMaxRunAxes = 16;
  struct Axis {
    size_t count;
    size_t block_step;
    std::ptrdiff_t to_step;
  };

  std::byte* to = nullptr;
  size_t start = 0;      // of the first run in the block
  size_t run_bytes = 0;  // at least 1
  int axes_size = 0;
  std::array<Axis, kMaxRunAxes> axes;  // of counts of at least 1

  size_t count() const {
    size_t count = 1;
    for (int axis = 0; axis < axes_size; ++axis) count *= axes[static_cast<size_t>(axis)].count;
    return count;
  }

  // After the last of them in the block.
  size_t stop() const {
    size_t stop = start + run_bytes;
    for (int axis = 0; axis < axes_size; ++axis) {
      const Axis& step = axes[static_cast<size_t>(axis)];
      stop += (step.count - 1) * step.block_step;
    }
    return stop;
  }
};

// Calls run(offset in the block, destination) for each.
template <typename Run>
void ForEachRun(const BlockRuns& runs, const Run& run) {
  const int outer = runs.axes_size - 1;
  if (outer < 0) return run(runs.start, runs.to);
  const BlockRuns::Axis& inner = runs.axes[static_cast<size_t>(outer)];
  std::array<size_t, BlockRuns::kMaxRunAxes> at;
  std::fill_n(at.begin(), outer, size_t{0});
  size_t start = runs.start;
  std::byte* to = runs.to;
  while (true) {
    for (size_t i = 0; i < inner.count; ++i) {
      run(start + i * inner.block_step, to + static_cast<std::ptrdiff_t>(i) * inner.to_step);
    }
    int axis = outer - 1;
    for (; axis >= 0; --axis) {
      const auto k = static_cast<size_t>(axis);
      const BlockRuns::Axis& step = runs.axes[k];
      start += step.block_step;
      to += step.to_step;
      if (++at[k] < step.count) break;
      at[k] = 0;
      start -= step.count * step.block_step;
      to -= static_cast<std::ptrdiff_t>(step.count) * step.to_step;
    }
    if (axis < 0) return;
  }
}

// Where runs are the same part of each of some elements (one band of pixels): how their axes step
// from element to element.
struct RunParts {
  int axis = -1;       // to the next one in the block, packed in memory; -1: they are no such parts
  int row_axis = -1;   // to others; -1: there is none
  int outer_axes = 0;  // of more such axes
};

// `width`: the bytes of an element, which is where the block has its elements from the start on.
inline RunParts FindParts(const BlockRuns& runs, size_t width) {
  RunParts parts;
  if (runs.run_bytes >= width) return {};
  size_t part_stop = runs.start % width + runs.run_bytes;
  for (int i = 0; i < runs.axes_size; ++i) {
    const BlockRuns::Axis& axis = runs.axes[static_cast<size_t>(i)];
    if (axis.block_step % width != 0) {  // within elements
      part_stop += (axis.count - 1) * axis.block_step;
    } else if (axis.block_step == width &&
               axis.to_step == static_cast<std::ptrdiff_t>(runs.run_bytes)) {
      parts.axis = i;
    } else {
      if (parts.row_axis >= 0) ++parts.outer_axes;
      parts.row_axis = i;
    }
  }
  return part_stop <= width ? parts : RunParts();
}

inline BlockRuns Without(BlockRuns runs, int axis) {
  const auto removed = runs.axes.begin() + axis;
  std::copy(removed + 1, runs.axes.begin() + runs.axes_size, removed);
  --runs.axes_size;
  return runs;
}

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_BLOSC2_BLOCK_RUNS_H_
