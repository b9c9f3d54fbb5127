#include "tools/gdal_ndarray/convert/tiff_stack.h"

#include <algorithm>
#include <optional>

#include "driver/store/box.h"
#include "driver/store/checked_math.h"
#include "driver/store/thread_pool.h"
#include "tools/gdal_ndarray/command.h"

namespace ndarray::tools {
namespace {

constexpr int64_t kTaskBytes = int64_t{1} << 20;  // decoded by one thread at a time, at least

void AddAxis(Stack& stack, const char* name, int64_t size, char letter) {
  stack.names.emplace_back(name);
  stack.array.shape.push_back(size);
  stack.array.axes += letter;
}

// Whole lines of some pages. `box` starts with the axes of pages; then lines, pixels and samples.
class LinesReader {
 public:
  LinesReader(const TiffPages& pages, int lines_axis) : pages_(pages), lines_axis_(lines_axis) {}

  // A thread decodes some strips or rows of tiles, of one page.
  Status Read(const AxisVector& shape, const Box& box, std::byte* to, int max_threads) const {
    struct Task {
      int64_t page, first_line, lines;
      std::byte* to;
    };
    const int64_t together = pages_.lines_together();
    const int64_t min_lines = std::max<int64_t>(kTaskBytes / pages_.line_bytes(), 1);
    const int64_t step = RoundUp(min_lines, together);
    std::vector<Task> tasks;
    Box pages = box;
    for (int axis = lines_axis_; axis < shape.size(); ++axis) {
      pages.start[axis] = 0;
      pages.stop[axis] = 1;
    }
    AxisVector position = pages.start;
    do {
      int64_t page = 0;
      for (int axis = 0; axis < lines_axis_; ++axis) page = page * shape[axis] + position[axis];
      const int64_t stop = box.stop[lines_axis_];
      for (int64_t line = box.start[lines_axis_]; line < stop;) {
        const int64_t end = std::min((line / step + 1) * step, stop);
        tasks.push_back({page, line, end - line, to});
        to += (end - line) * pages_.line_bytes();
        line = end;
      }
    } while (Advance(pages, position));
    return TryParallelFor(static_cast<int64_t>(tasks.size()), max_threads, [&](int64_t i) {
      StopIfInterrupted();
      const Task& task = tasks[static_cast<size_t>(i)];
      pages_.ReadLines(task.page, task.first_line, task.lines, task.to);
      return Status();
    });
  }

 private:
  const TiffPages& pages_;
  const int lines_axis_;
};

}  // namespace

Stack PlanStack(const TiffPages& pages, const std::string& path) {
  Stack stack;
  stack.array.path = path;
  stack.array.width = static_cast<int>(pages.width());
  stack.array.height = static_cast<int>(pages.height());
  stack.array.bands = static_cast<int>(pages.samples());
  stack.array.dtype = {pages.type(), kNativeOrder};
  stack.array.type = ToBandType(pages.type());
  if (const auto& found = pages.hyperstack()) {
    if (found->frames > 1) AddAxis(stack, "t", found->frames, kPlanes);
    if (found->slices > 1) AddAxis(stack, "z", found->slices, kPlanes);
    if (found->channels > 1) AddAxis(stack, "c", found->channels, kPlanes);
  } else {
    AddAxis(stack, "page", pages.count(), kPlanes);
  }
  AddAxis(stack, "y", pages.height(), 'Y');
  AddAxis(stack, "x", pages.width(), 'X');
  if (pages.samples() > 1) AddAxis(stack, "band", pages.samples(), 'B');
  const std::optional<int64_t> count = CheckedProduct(stack.array.shape);
  if (!count || !CheckedMultiply<int64_t>(*count, static_cast<int64_t>(SizeBytes(pages.type())))) {
    throw Failure(pages.path() + ": pages: found " + ShapeString(stack.array.shape) +
                  ", wanted less than 2^63 bytes in all");
  }
  return stack;
}

PixelSource SourceOf(const TiffPages& pages, const Stack& stack) {
  const AxisVector& shape = stack.array.shape;
  const int lines_axis = static_cast<int>(stack.array.axes.find('Y'));
  PixelSource source;
  source.path = pages.path();
  source.unit = shape;
  std::fill_n(source.unit.begin(), lines_axis, 1);
  source.unit[lines_axis] = std::min(pages.lines_together(), pages.height());
  source.keep_units_whole = true;
  source.read = [shape, reader = LinesReader(pages, lines_axis),
                 max_threads = stack.array.max_threads](const Box& box, const StridedView& to) {
    return reader.Read(shape, box, static_cast<std::byte*>(to.data), max_threads);
  };
  return source;
}

}  // namespace ndarray::tools
