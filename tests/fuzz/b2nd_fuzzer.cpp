// Any bytes as a .b2nd file, opened and read by windows, once as if it were mapped and once by
// ranges; arrays in its attributes, too.
#include <memory>
#include <utility>

#include "driver/store/b2nd/b2nd_array.h"
#include "driver/store/b2nd/nested_array.h"
#include "driver/store/io/string_file.h"
#include "tests/fuzz/fuzz_support.h"
#include "tests/fuzz/small_frames.h"
#include "tests/support/mapped_bytes.h"
#include "tests/support/memory_file.h"
#include "tests/support/small_box.h"

namespace ndarray::fuzz {
namespace {

constexpr size_t kMaxFields = 4;   // read of one file
constexpr int kRandomWindows = 4;  // of one field

// Reads into a heap block of just the box's elements, `first_axis_last`: whose first axis is the
// innermost.
void Read(const Array& array, size_t field, const Box& box, bool first_axis_last = false) {
  auto stride = static_cast<int64_t>(array.info().fields[field].dtype.size_bytes());
  AxisVector strides(box.start.size());
  const auto place = [&](int axis) {
    strides[axis] = stride;
    stride *= box.count(axis);
  };
  if (first_axis_last) place(0);
  for (int axis = strides.size() - 1; axis >= (first_axis_last ? 1 : 0); --axis) place(axis);
  const std::unique_ptr<char[]> elements(new char[static_cast<size_t>(stride)]);
  const Status status = array.Read(field, box, {elements.get(), strides});
  if (!status.ok()) CheckFailure(status);
}

// `depth`: how deep in files that are attributes of others.
void RunFile(const std::shared_ptr<ByteFile>& file, Random random, int depth = 0) {
  const Result<std::shared_ptr<Array>> array = OpenB2ndArray(file, 1);
  if (!array.ok()) return CheckFailure(array.status());
  const ArrayInfo& info = (*array)->info();
  Check(info.shape.size() >= 1 && info.shape.size() <= kMaxB2ndAxes && !info.fields.empty());
  for (const int64_t count : info.shape) Check(count >= 1);
  for (size_t field = 0; field < std::min(info.fields.size(), kMaxFields); ++field) {
    Read(**array, field, testing::SmallBox(info.shape, false));
    Read(**array, field, testing::SmallBox(info.shape, true));
    for (int i = 0; i < kRandomWindows; ++i) {
      Read(**array, field, RandomBox(info.shape, random), i % 2 == 1);
    }
  }
  (*array)->chunked()->Details();
  for (const AttributeInfo& attribute : (*array)->attributes()->List()) {
    Result<std::string> packed = (*array)->attributes()->Read(attribute.name, kMaxElements);
    CheckResult(packed);
    Result<std::string> bytes = packed.ok() ? UnpackNested(std::move(*packed)) : packed.status();
    if (bytes.ok() && IsSmallFrame(*bytes) && depth == 0) {
      RunFile(std::make_shared<StringFile>("nested", std::move(*bytes), Access::kRead), random, 1);
    }
  }
}

void Run(std::string_view bytes) {
  if (!IsSmallFrame(bytes)) return;
  const Random random = RandomOf(bytes);
  RunFile(std::make_shared<testing::MappedBytes>(bytes), random);
  RunFile(std::make_shared<testing::MemoryFile>(bytes), random);
}

}  // namespace
}  // namespace ndarray::fuzz

NDARRAY_FUZZ_TARGET(ndarray::fuzz::Run)
