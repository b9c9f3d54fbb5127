// Reads windows with some of the block cache's rules switched off: part of the library for
// tests/bench/b2nd_windows.py.

#include <ctime>
#include <memory>
#include <vector>

#include "driver/store/b2nd/b2nd_array.h"
#include "driver/store/box.h"
#include "driver/store/frame/block_cache.h"
#include "driver/store/io/local_file.h"

namespace ndarray {
namespace {

double ProcessorSeconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

}  // namespace

// Processor seconds that one thread takes for all boxes, each the starts and then the stops of its
// axes, out of a file that is opened anew; or a negative number. `rules`: of BlockCache::Rule.
extern "C" __attribute__((visibility("default"))) double read_boxes(const char* path,
                                                                    const int64_t* boxes, int count,
                                                                    int axes, uint32_t rules) {
  auto file = OpenLocalFile(path);
  if (!file.ok()) return -1;
  auto array = OpenB2ndArray(std::shared_ptr<ByteFile>(std::move(*file)), 1);
  if (!array.ok() || (*array)->info().shape.size() != axes) return -2;
  const auto element_bytes = static_cast<int64_t>((*array)->info().fields[0].dtype.size_bytes());
  BlockCache::Process().SetRules(rules);
  std::vector<char> pixels;
  const double start = ProcessorSeconds();
  for (int i = 0; i < count; ++i) {
    Box box{AxisVector(axes), AxisVector(axes)};
    for (int axis = 0; axis < axes; ++axis) {
      box.start[axis] = boxes[2 * axes * i + axis];
      box.stop[axis] = boxes[2 * axes * i + axes + axis];
    }
    AxisVector strides(axes);
    int64_t bytes = element_bytes;
    for (int axis = axes - 1; axis >= 0; --axis) {
      strides[axis] = bytes;
      bytes *= box.count(axis);
    }
    if (static_cast<int64_t>(pixels.size()) < bytes) pixels.resize(static_cast<size_t>(bytes));
    if (!(*array)->Read(0, box, {pixels.data(), strides}).ok()) return -3;
  }
  const double seconds = ProcessorSeconds() - start;
  BlockCache::Process().SetRules(BlockCache::kDefaultRules);
  return seconds;
}

}  // namespace ndarray
