// Any bytes as a .npy file, opened, read and written.
#include <memory>

#include "driver/store/npy/npy_array.h"
#include "driver/store/npy/npy_header.h"
#include "tests/fuzz/fuzz_support.h"
#include "tests/support/memory_file.h"
#include "tests/support/small_box.h"

namespace ndarray::fuzz {
namespace {

constexpr size_t kMaxFields = 16;  // read of one file

// Reads and writes back, from and to a heap block of just the box's elements.
void Exercise(WritableArray& array, size_t field, const Box& box) {
  auto stride = static_cast<int64_t>(array.info().fields[field].dtype.size_bytes());
  AxisVector strides(box.start.size());
  for (int axis = 0; axis < strides.size(); ++axis) {
    strides[axis] = stride;
    stride *= box.count(axis);
  }
  const std::unique_ptr<char[]> elements(new char[static_cast<size_t>(stride)]);
  Check(array.Read(field, box, {elements.get(), strides}).ok());
  Check(array.Write(field, box, {elements.get(), strides}).ok());
  array.Prefetch(box);
}

void Run(std::string_view bytes) {
  const auto file = std::make_shared<testing::MemoryFile>(bytes);
  const Result<std::shared_ptr<WritableArray>> array = OpenNpyForUpdate(file, 1);
  if (!array.ok()) return CheckFailure(array.status());
  Check(ParseNpyHeader(bytes).ok());
  const size_t fields = std::min((*array)->info().fields.size(), kMaxFields);
  for (size_t field = 0; field < fields; ++field) {
    for (const bool at_end : {false, true}) {
      Exercise(**array, field, testing::SmallBox((*array)->info().shape, at_end));
    }
  }
}

}  // namespace
}  // namespace ndarray::fuzz

NDARRAY_FUZZ_TARGET(ndarray::fuzz::Run)
