// Any bytes as a .b2nd file that is verified, compacted, and written to: what a commit says is
// there is there when the file is opened again, and a compacted file has the same elements.
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "driver/store/b2nd/b2nd_array.h"
#include "driver/store/b2nd/b2nd_update.h"
#include "driver/store/b2nd/frame_check.h"
#include "driver/store/frame/frame_copy.h"
#include "driver/store/frame/frame_extents.h"
#include "driver/store/frame/frame_index.h"
#include "driver/store/io/string_file.h"
#include "tests/fuzz/fuzz_support.h"
#include "tests/fuzz/small_frames.h"
#include "tests/support/mapped_bytes.h"

namespace ndarray::fuzz {
namespace {

constexpr size_t kMaxFileBytes = size_t{8} << 20;
constexpr int64_t kWriteCacheBytes = int64_t{1} << 20;

// Dense, in C order; empty where it cannot be read.
std::string Elements(const Array& array, const Box& box) {
  auto stride = static_cast<int64_t>(array.info().fields[0].dtype.size_bytes());
  AxisVector strides(box.start.size());
  for (int axis = strides.size() - 1; axis >= 0; --axis) {
    strides[axis] = stride;
    stride *= box.count(axis);
  }
  std::string elements(static_cast<size_t>(stride), '\0');
  const Status status = array.Read(0, box, {elements.data(), strides});
  if (!status.ok()) CheckFailure(status);
  return status.ok() ? elements : "";
}

Status WriteElements(WritableArray& array, const Box& box, std::string& elements) {
  auto stride = static_cast<int64_t>(array.info().fields[0].dtype.size_bytes());
  AxisVector strides(box.start.size());
  for (int axis = strides.size() - 1; axis >= 0; --axis) {
    strides[axis] = stride;
    stride *= box.count(axis);
  }
  return array.Write(0, box, {elements.data(), strides});
}

std::string BytesOf(const ByteFile& file) {
  std::string bytes(file.size_bytes(), '\0');
  Check(file.Read({{0, bytes.size(), bytes.data()}}).ok());
  return bytes;
}

// What CompactFrame has made.
std::string* compacted = nullptr;

class Kept final : public OutputFile {
 public:
  explicit Kept(const std::string& path) : OutputFile(path), output_(path, kMaxFileBytes) {}

  Status Resize(uint64_t size_bytes) override { return output_.Resize(size_bytes); }
  Status Reserve(uint64_t) override { return {}; }
  Status WriteAt(uint64_t offset_bytes, const void* from, size_t size_bytes) override {
    return output_.WriteAt(offset_bytes, from, size_bytes);
  }
  Status Commit() override {
    *compacted = output_.TakeBytes();
    return {};
  }

 private:
  StringOutput output_;
};

Result<std::unique_ptr<OutputFile>> Keep(const std::string& path) {
  return std::unique_ptr<OutputFile>(std::make_unique<Kept>(path));
}

void Verify(const ByteFile& file) {
  const auto index = FrameIndex::Open(file);
  if (!index.ok()) return CheckFailure(index.status());
  Check(FindExtents(**index, file).ok());
  const Result<FrameDamage> damage = DecodeFrame(**index, file, 1, 4, {});
  Check(damage.ok() && damage->listed.size() <= 4);
  Check(DecodeAttributes(**index, file).ok());
}

// Whether what is written may be read as something else; what ZFP makes of damaged streams depends
// on the bytes behind them.
bool IsLossy(const ArrayInfo& info) {
  const CompressionInfo& packing = *info.packing;
  return info.fields[0].dtype.type == ScalarType::kBool ||
         packing.codec.find("ZFP") != std::string::npos ||
         packing.filters.find("TRUNC") != std::string::npos;
}

void Compact(const std::shared_ptr<ByteFile>& file, Random random) {
  std::string result;
  compacted = &result;
  const Result<Compaction> done = CompactFrame(*file, Keep, {});
  if (!done.ok()) return CheckFailure(done.status());
  if (done->new_bytes == done->old_bytes) return;
  Check(result.size() == done->new_bytes);
  const auto before = OpenB2ndArray(file, 1);
  const auto after =
      OpenB2ndArray(std::make_shared<StringFile>("compacted", std::move(result), Access::kRead), 1);
  Check(before.ok() && after.ok());
  if (IsLossy((*before)->info())) return;
  const Box box = RandomBox((*before)->info().shape, random);
  const std::string elements = Elements(**before, box);
  Check(elements.empty() || elements == Elements(**after, box));
}

void Update(std::string_view bytes, Random random) {
  const auto file = std::make_shared<StringFile>("updated", std::string(bytes), Access::kUpdate);
  const auto array = OpenB2ndForUpdate(file, 1, Chunks::kMayBeWritten, kWriteCacheBytes);
  if (!array.ok()) return CheckFailure(array.status());
  const AxisVector& shape = (*array)->info().shape;
  std::vector<std::pair<Box, std::string>> written;
  for (int i = 0; i < 2; ++i) {
    const Box box = RandomBox(shape, random);
    std::string elements = Elements(**array, box);
    if (elements.empty()) continue;
    // Values that every type has: 0 and 1 of bytes.
    for (char& byte : elements) byte = static_cast<char>(Below(random, 2));
    const Status status = WriteElements(**array, box, elements);
    // Other parts of its chunks may be damaged.
    if (!status.ok()) return CheckFailure(status);
    written.clear();  // the second may lie over the first
    written.emplace_back(box, elements);
  }
  const Status set = (*array)->editable_attributes()->Set("fuzzed", "\xc3");
  const Status flushed = (*array)->Flush();
  // An attribute that cannot be read; a codec that c-blosc2 only decodes as it is asked here
  // (NDLZ).
  if (flushed.code() == StatusCode::kInvalidArgument) return Check(!flushed.message().empty());
  if (!flushed.ok()) return CheckFailure(flushed);
  const auto again =
      OpenB2ndArray(std::make_shared<StringFile>("again", BytesOf(*file), Access::kRead), 1);
  Check(again.ok());
  for (const auto& [box, elements] : written) {
    Check(IsLossy((*again)->info()) || Elements(**again, box) == elements);
  }
  if (set.ok()) Check((*again)->attributes()->Read("fuzzed", 16).ok());
}

void Run(std::string_view bytes) {
  if (!IsSmallFrame(bytes, kMaxChunkCount)) return;
  const auto file = std::make_shared<testing::MappedBytes>(bytes);
  const Random random = RandomOf(bytes);
  Verify(*file);
  Compact(file, random);
  Update(bytes, random);
}

}  // namespace
}  // namespace ndarray::fuzz

NDARRAY_FUZZ_TARGET(ndarray::fuzz::Run)
