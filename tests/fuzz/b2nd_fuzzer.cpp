// Any bytes as a .b2nd file: each of its parts alone, and the file opened and read by windows, once
// as if it were mapped and once by ranges.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>

#include "driver/store/b2nd/b2nd_array.h"
#include "driver/store/b2nd/nested_array.h"
#include "driver/store/blosc2/b2nd_layout.h"
#include "driver/store/blosc2/blosc_chunk.h"
#include "driver/store/blosc2/frame_header.h"
#include "driver/store/io/string_file.h"
#include "driver/store/msgpack.h"
#include "tests/support/mapped_bytes.h"
#include "tests/support/memory_file.h"

namespace ndarray {
namespace {

constexpr int64_t kMaxElements = 4096;  // of one read
constexpr size_t kMaxFields = 4;        // read of one file
// Blocks and chunks are decoded in full, however small the window.
constexpr int64_t kMaxGranuleBytes = int64_t{1} << 22;

// Not assert: checked in every build.
void Check(bool condition) {
  if (!condition) std::abort();
}

void CheckFailure(const Status& status) {
  Check(!status.message().empty());
  Check(status.code() == StatusCode::kCorrupt || status.code() == StatusCode::kNotSupported);
}

// A parser's promise: a value or a reason.
template <typename T>
void CheckResult(const Result<T>& result) {
  if (!result.ok()) CheckFailure(result.status());
}

void RunParts(std::string_view bytes) {
  int64_t max_values = kMaxMsgpackValues;
  const Result<nlohmann::json> value = ParseMsgpack(bytes, max_values);
  CheckResult(value);
  if (value.ok()) Presentable(*value);
  CheckResult(FrameHeaderBytes(bytes));
  CheckResult(FrameTrailerBytes(bytes));
  CheckResult(FrameTrailerNamesBytes(bytes));
  CheckResult(ParseFrameTrailer(bytes));
  const Result<BloscChunk> chunk = ParseChunkHeader(bytes, bytes.size());
  CheckResult(chunk);
  if (chunk.ok()) Check(chunk->directory_bytes() <= static_cast<int64_t>(bytes.size()));
  CheckResult(ParseB2ndMetalayer(bytes));
  const Result<FrameHeader> header = ParseFrameHeader(bytes);
  CheckResult(header);
  if (!header.ok()) return;
  for (const Metalayer& layer : header->metalayers) CheckResult(ParseB2ndMetalayer(layer.content));
}

// A box of at most kMaxElements that ends where the array ends, or begins where it begins.
Box SmallBox(const AxisVector& shape, bool at_end) {
  Box box{AxisVector(shape.size(), 0), shape};
  int64_t budget = kMaxElements;
  for (int axis = 0; axis < shape.size(); ++axis) {
    const int64_t count = std::min(shape[axis], std::max<int64_t>(budget, 1));
    budget /= count;
    if (at_end) {
      box.start[axis] = shape[axis] - count;
    } else {
      box.stop[axis] = count;
    }
  }
  return box;
}

// One element in the middle.
Box MiddleBox(const AxisVector& shape) {
  Box box{AxisVector(shape.size()), AxisVector(shape.size())};
  for (int axis = 0; axis < shape.size(); ++axis) {
    box.start[axis] = shape[axis] / 2;
    box.stop[axis] = box.start[axis] + 1;
  }
  return box;
}

// Reads into a heap block of just the box's elements.
void Read(const Array& array, size_t field, const Box& box) {
  auto stride = static_cast<int64_t>(array.info().fields[field].dtype.size_bytes());
  AxisVector strides(box.start.size());
  for (int axis = strides.size() - 1; axis >= 0; --axis) {
    strides[axis] = stride;
    stride *= box.count(axis);
  }
  const std::unique_ptr<char[]> elements(new char[static_cast<size_t>(stride)]);
  const Status status = array.Read(field, box, {elements.get(), strides});
  if (!status.ok()) CheckFailure(status);
}

bool IsSmall(std::string_view bytes) {
  const Result<FrameHeader> header = ParseFrameHeader(bytes);
  return !header.ok() || header->chunk_bytes <= kMaxGranuleBytes;
}

// `depth`: how deep in files that are attributes of others.
void RunFile(const std::shared_ptr<ByteFile>& file, int depth = 0) {
  const Result<std::shared_ptr<Array>> array = OpenB2ndArray(file, 1);
  if (!array.ok()) return CheckFailure(array.status());
  const ArrayInfo& info = (*array)->info();
  Check(info.shape.size() >= 1 && info.shape.size() <= kMaxB2ndAxes && !info.fields.empty());
  for (const int64_t count : info.shape) Check(count >= 1);
  for (size_t field = 0; field < std::min(info.fields.size(), kMaxFields); ++field) {
    Read(**array, field, SmallBox(info.shape, false));
    Read(**array, field, SmallBox(info.shape, true));
    Read(**array, field, MiddleBox(info.shape));
  }
  (*array)->chunked()->Details();
  for (const AttributeInfo& attribute : (*array)->attributes()->List()) {
    Result<std::string> packed = (*array)->attributes()->Read(attribute.name, kMaxElements);
    CheckResult(packed);
    Result<std::string> bytes = packed.ok() ? UnpackNested(std::move(*packed)) : packed.status();
    if (bytes.ok() && IsSmall(*bytes) && depth == 0) {
      RunFile(std::make_shared<StringFile>("nested", std::move(*bytes), Access::kRead), 1);
    }
  }
}

void Run(std::string_view bytes) {
  RunParts(bytes);
  if (!IsSmall(bytes)) return;
  RunFile(std::make_shared<testing::MappedBytes>(bytes));
  RunFile(std::make_shared<testing::MemoryFile>(bytes));
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
