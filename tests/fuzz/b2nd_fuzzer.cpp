// Any bytes as a .b2nd file: each of its parts alone, and the file opened and read by windows, once
// as if it were mapped and once by ranges. And as a chunk: blocks decoded here are compared with
// those that c-blosc2 decodes.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "driver/store/b2nd/b2nd_array.h"
#include "driver/store/b2nd/nested_array.h"
#include "driver/store/blosc2/b2nd_layout.h"
#include "driver/store/blosc2/block_decoder.h"
#include "driver/store/blosc2/blosc_chunk.h"
#include "driver/store/blosc2/blosc_codec.h"
#include "driver/store/blosc2/frame_header.h"
#include "driver/store/io/string_file.h"
#include "driver/store/msgpack.h"
#include "tests/support/mapped_bytes.h"
#include "tests/support/memory_file.h"
#include "tests/support/small_box.h"

namespace ndarray {
namespace {

constexpr int64_t kMaxElements = testing::kMaxSmallBoxElements;  // of one read
constexpr size_t kMaxFields = 4;                                 // read of one file
constexpr int kRandomWindows = 4;                                // of one field
constexpr int64_t kMaxBlocks = 64;                               // decoded of one chunk
constexpr int32_t kFileElementBytes = 4;
// Blocks and chunks are decoded in full, however small the window.
constexpr int64_t kMaxChunkBytes = int64_t{1} << 22;

// Not assert: checked in every build.
void Check(bool condition) {
  if (!condition) std::abort();
}

void CheckFailure(const Status& status) {
  Check(!status.message().empty());
  Check(status.code() == StatusCode::kCorrupt || status.code() == StatusCode::kNotSupported);
}

using Random = std::minstd_rand;

// The same for the same bytes. What the fuzzer changes leads to other windows.
Random RandomOf(std::string_view bytes) {
  uint32_t sum = 1;
  for (const char byte : bytes) sum = sum * 31 + static_cast<unsigned char>(byte);
  return Random(sum);
}

// In [0, count). REQUIRES: count >= 1
int64_t Below(Random& random, int64_t count) {
  return std::uniform_int_distribution<int64_t>(0, count - 1)(random);
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
  CheckResult(ParseB2ndMetalayer(bytes));
  const Result<FrameHeader> header = ParseFrameHeader(bytes);
  CheckResult(header);
  if (!header.ok()) return;
  for (const Metalayer& layer : header->metalayers) CheckResult(ParseB2ndMetalayer(layer.content));
}

// Runs of bytes of a block, one after another or further apart.
BlockRuns RandomRuns(Random& random, size_t block_bytes) {
  const auto size = static_cast<int64_t>(block_bytes);
  const int64_t unit = std::min(1 + Below(random, 4), size);
  const int64_t step = unit * (1 + Below(random, size / unit));
  const int64_t count = 1 + Below(random, size / step);
  const int64_t start = Below(random, size - (count * step - unit) + 1) / unit * unit;
  BlockRuns runs;
  runs.start = static_cast<size_t>(std::min(start, size - count * step));
  runs.run_bytes = static_cast<size_t>(unit * (1 + Below(random, step / unit)));
  runs.axes_size = 1;
  runs.axes[0] = {static_cast<size_t>(count), static_cast<size_t>(step),
                  static_cast<std::ptrdiff_t>(runs.run_bytes)};
  return runs;
}

// Whether c-blosc2 says what all bytes of its blocks are: what BYTEDELTA leaves behind the last
// plane is whatever was in its memory.
bool IsDefined(const BlockFormat& format, size_t block_bytes) {
  for (size_t i = 0; i < format.steps_size; ++i) {
    const FilterStep& step = format.steps[i];
    if (step.kind == FilterStep::Kind::kUndelta && block_bytes % step.width != 0) return false;
  }
  return true;
}

using Bytes = std::vector<std::byte>;

void RunBlock(std::string_view bytes, const BlockFormat& format, int64_t block,
              const Status& reference, const std::byte* wanted, Random& random) {
  const size_t size = format.BlockBytes(block);
  Bytes whole(size);
  const Status status = DecodeWholeBlock(format, bytes, block, whole.data());
  if (!status.ok()) CheckFailure(status);
  // In the other direction: LZ4 of another version may take what this one does not.
  if (status.ok() && reference.ok() && IsDefined(format, size)) {
    Check(std::equal(whole.begin(), whole.end(), wanted));
  }
  BlockRuns runs = RandomRuns(random, size);
  Bytes found(runs.run_bytes * runs.axes[0].count);
  runs.to = found.data();
  const Status of_runs = DecodeRuns(format, bytes, block, &runs, 1);
  Check(of_runs.ok() || !status.ok());
  if (!status.ok()) return;
  for (size_t run = 0; run < runs.axes[0].count; ++run) {
    const auto from = static_cast<std::ptrdiff_t>(runs.start + run * runs.axes[0].block_step);
    const auto to = static_cast<std::ptrdiff_t>(run * runs.run_bytes);
    Check(std::equal(whole.begin() + from,
                     whole.begin() + from + static_cast<std::ptrdiff_t>(runs.run_bytes),
                     found.begin() + to));
  }
}

void RunChunk(std::string_view bytes) {
  const Result<BloscChunk> chunk = ParseChunkHeader(bytes, bytes.size());
  CheckResult(chunk);
  if (!chunk.ok()) return;
  Check(chunk->directory_bytes() <= static_cast<int64_t>(bytes.size()));
  const auto format = FindBlockFormat(*chunk, kFileElementBytes);
  if (!format || chunk->uncompressed_bytes > kMaxChunkBytes) return;
  bytes = bytes.substr(0, static_cast<size_t>(chunk->compressed_bytes));
  static const auto codec = std::move(*BloscCodec::Make(kFileElementBytes, ""));
  Bytes wanted(static_cast<size_t>(chunk->uncompressed_bytes));
  const Status reference = codec->DecodeChunk(bytes, *chunk, wanted.data());
  Random random = RandomOf(bytes);
  const int64_t blocks = std::min(chunk->block_count(), kMaxBlocks);
  for (int64_t block = 0; block < blocks; ++block) {
    RunBlock(bytes, *format, block, reference, wanted.data() + block * chunk->block_bytes, random);
  }
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

// Anywhere, of at most kMaxElements.
Box RandomBox(const AxisVector& shape, Random& random) {
  Box box{AxisVector(shape.size()), AxisVector(shape.size())};
  int64_t budget = kMaxElements;
  for (int axis = 0; axis < shape.size(); ++axis) {
    const int64_t count = 1 + Below(random, std::min(shape[axis], budget));
    budget /= count;
    box.start[axis] = Below(random, shape[axis] - count + 1);
    box.stop[axis] = box.start[axis] + count;
  }
  return box;
}

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

bool IsSmall(std::string_view bytes) {
  const Result<FrameHeader> header = ParseFrameHeader(bytes);
  return !header.ok() || header->chunk_bytes <= kMaxChunkBytes;
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
    Read(**array, field, MiddleBox(info.shape));
    for (int i = 0; i < kRandomWindows; ++i) {
      Read(**array, field, RandomBox(info.shape, random), i % 2 == 1);
    }
  }
  (*array)->chunked()->Details();
  for (const AttributeInfo& attribute : (*array)->attributes()->List()) {
    Result<std::string> packed = (*array)->attributes()->Read(attribute.name, kMaxElements);
    CheckResult(packed);
    Result<std::string> bytes = packed.ok() ? UnpackNested(std::move(*packed)) : packed.status();
    if (bytes.ok() && IsSmall(*bytes) && depth == 0) {
      RunFile(std::make_shared<StringFile>("nested", std::move(*bytes), Access::kRead), random, 1);
    }
  }
}

void Run(std::string_view bytes) {
  RunParts(bytes);
  RunChunk(bytes);
  if (!IsSmall(bytes)) return;
  const Random random = RandomOf(bytes);
  RunFile(std::make_shared<testing::MappedBytes>(bytes), random);
  RunFile(std::make_shared<testing::MemoryFile>(bytes), random);
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
