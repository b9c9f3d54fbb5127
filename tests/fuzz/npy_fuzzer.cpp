// Any bytes as a .npy file: the header alone, and the file opened, read and written.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "driver/store/dtype/record_dtype.h"
#include "driver/store/npy/npy_array.h"
#include "driver/store/npy/npy_header.h"
#include "tests/support/memory_file.h"
#include "tests/support/small_box.h"

namespace ndarray {
namespace {

constexpr size_t kMaxFields = 16;  // read of one file

// Not assert: checked in every build.
void Check(bool condition) {
  if (!condition) std::abort();
}

void CheckFailure(const Status& status) {
  Check(!status.message().empty());
  Check(status.code() == StatusCode::kCorrupt || status.code() == StatusCode::kNotSupported);
}

void CheckHeader(const NpyHeader& header) {
  Check(header.shape.size() >= 1 && header.shape.size() <= kMaxAxes);
  Check(!header.fields.empty() && header.fields.size() <= kMaxRecordFields);
  Check(NpyDataBytes(header) <= uint64_t{INT64_MAX});
  for (const int64_t count : header.shape) Check(count >= 1);
  for (const Field& field : header.fields) {
    const auto size_bytes = static_cast<int64_t>(field.dtype.size_bytes());
    Check(field.offset_bytes >= 0 && field.offset_bytes <= header.element_bytes - size_bytes);
  }
}

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
  const Result<NpyHeader> header = ParseNpyHeader(bytes);
  if (header.ok()) {
    CheckHeader(*header);
  } else {
    CheckFailure(header.status());
  }
  const auto file = std::make_shared<testing::MemoryFile>(bytes);
  const Result<std::shared_ptr<WritableArray>> array = OpenNpyForUpdate(file, 1);
  if (!array.ok()) return CheckFailure(array.status());
  Check(header.ok());
  const size_t fields = std::min((*array)->info().fields.size(), kMaxFields);
  for (size_t field = 0; field < fields; ++field) {
    for (const bool at_end : {false, true}) {
      Exercise(**array, field, testing::SmallBox((*array)->info().shape, at_end));
    }
  }
}

}  // namespace
}  // namespace ndarray

extern "C" __attribute__((visibility("default"))) int LLVMFuzzerTestOneInput(const uint8_t* data,
                                                                             size_t size) {
  // A copy without a byte to spare: a sanitizer sees whatever is read beyond it.
  const std::unique_ptr<char[]> copy(new char[size]);
  std::copy_n(data, size, copy.get());
  ndarray::Run({copy.get(), size});
  return 0;
}
