#include "driver/store/b2nd/nested_array.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "driver/store/b2nd/b2nd_array.h"
#include "driver/store/b2nd/b2nd_update.h"
#include "driver/store/b2nd/b2nd_writer.h"
#include "driver/store/blosc2/codecs.h"
#include "driver/store/checked_math.h"
#include "driver/store/frame/frame_attributes.h"
#include "driver/store/io/string_file.h"

namespace ndarray {
namespace {

constexpr int64_t kBlockSide = 256;
constexpr int64_t kChunkSide = 1024;
constexpr int64_t kMaxChunkSide = 8192;
constexpr int64_t kManyChunks = int64_t{1} << 16;
// Such an image takes an eighth of its pixels in bytes, and most of it is mostly one value.
constexpr int kLevel = 5;
constexpr int64_t kWriteCacheBytes = int64_t{64} << 20;

// msgpack's binaries: a byte that says how many there are that say how long.
constexpr char kBin32 = '\xc6';

// The array in memory, and what must happen for its changes to count.
class NestedUpdate final : public WritableArray {
 public:
  NestedUpdate(EditableAttributes& outer, std::string attribute,
               const std::shared_ptr<B2ndForUpdate>& array)
      : WritableArray(array->path(), array->info()),
        outer_(outer),
        attribute_(std::move(attribute)),
        array_(array) {}

  Status Read(const ReadTargets& targets) const override { return array_->Read(targets); }
  Status Write(size_t field, const Box& box, const ConstStridedView& from) override {
    changed_ = true;
    return array_->Write(field, box, from);
  }

  Status Flush() override {
    if (!changed_) return {};
    Status status = array_->Flush();
    if (!status.ok()) return status;
    StringOutput output(path(), kMaxNestedBytes);
    status = array_->CopyTo(output);
    if (!status.ok()) return status;
    status = outer_.Set(attribute_, PackNested(output.TakeBytes()));
    if (status.ok()) changed_ = false;
    return status;
  }

 private:
  EditableAttributes& outer_;
  const std::string attribute_;
  const std::shared_ptr<B2ndForUpdate> array_;
  bool changed_ = false;
};

}  // namespace

Result<B2ndLayout> PlanNested(const AxisVector& shape) {
  AxisVector block(shape.size(), 1);
  AxisVector chunk(shape.size(), 1);
  for (int64_t side = kChunkSide; side <= kMaxChunkSide; side *= 2) {
    // The last two are lines and pixels.
    for (int axis = std::max(shape.size() - 2, 0); axis < shape.size(); ++axis) {
      block[axis] = std::min(kBlockSide, shape[axis]);
      chunk[axis] = std::min(side / block[axis] * block[axis], RoundUp(shape[axis], block[axis]));
    }
    Result<B2ndLayout> layout =
        MakeB2ndLayout({ScalarType::kUInt8, kNativeOrder}, shape, chunk, block);
    const bool few = layout.ok() && layout->chunk_count <= kManyChunks;
    if (few || side == kMaxChunkSide) return layout;
  }
  return Mismatch(StatusCode::kInvalidArgument, "shape", ShapeString(shape), "a smaller one");
}

Compression NestedCompression() {
  Compression compression;
  compression.compressor = compressor_id::kZstd;
  compression.level = kLevel;
  compression.pipeline = PipelineOf(filter_id::kBitShuffle, 1);
  return compression;
}

std::string PackNested(std::string frame) {
  const auto size = static_cast<uint32_t>(frame.size());
  std::string header(1, kBin32);
  for (int shift = 24; shift >= 0; shift -= 8) {
    header.push_back(static_cast<char>(size >> shift & 0xff));
  }
  return frame.insert(0, header);
}

Result<std::string> UnpackNested(std::string packed) {
  // bin 8, bin 16, bin 32
  const size_t kind = packed.empty() ? 0 : static_cast<uint8_t>(packed[0]);
  const size_t length_bytes = kind == 0xc4 ? 1 : kind == 0xc5 ? 2 : kind == 0xc6 ? 4 : 0;
  uint64_t size = 0;
  for (size_t i = 1; i <= length_bytes && i < packed.size(); ++i) {
    size = size << 8 | static_cast<uint8_t>(packed[i]);
  }
  const size_t header_bytes = 1 + length_bytes;
  if (length_bytes == 0 || packed.size() < header_bytes || packed.size() - header_bytes != size) {
    return Mismatch(StatusCode::kCorrupt, "msgpack", "another value", "one binary");
  }
  return packed.erase(0, header_bytes);
}

std::string NestedPath(const std::string& path, std::string_view attribute) {
  return path + ": attribute '" + std::string(attribute) + "'";
}

Result<std::shared_ptr<Array>> OpenNested(Array& outer, const std::string& attribute,
                                          int max_threads) {
  const std::string path = NestedPath(outer.path(), attribute);
  if (outer.attributes() == nullptr) return Status(StatusCode::kNotFound, path + ": not there");
  Result<std::string> packed = outer.attributes()->Read(attribute, kMaxAttributeBytes);
  if (!packed.ok()) return packed.status().At(path);
  Result<std::string> frame = UnpackNested(std::move(*packed));
  if (!frame.ok()) return frame.status().At(path);
  WritableArray* const writable = outer.writable();
  EditableAttributes* const editable =
      writable != nullptr ? writable->editable_attributes() : nullptr;
  auto file = std::make_shared<StringFile>(path, std::move(*frame),
                                           editable != nullptr ? Access::kUpdate : Access::kRead);
  if (editable == nullptr) return OpenB2ndArray(std::move(file), max_threads);
  Result<std::shared_ptr<B2ndForUpdate>> array =
      OpenB2ndForUpdate(std::move(file), max_threads, Chunks::kMayBeWritten, kWriteCacheBytes);
  if (!array.ok()) return array.status();
  return std::shared_ptr<Array>(std::make_shared<NestedUpdate>(*editable, attribute, *array));
}

Status AddNested(WritableArray& outer, const std::string& attribute, const AxisVector& shape) {
  const std::string path = NestedPath(outer.path(), attribute);
  Result<B2ndLayout> layout = PlanNested(shape);
  if (!layout.ok()) return layout.status().At(path);
  StringOutput output(path, kMaxNestedBytes);
  Result<std::unique_ptr<B2ndWriter>> writer =
      B2ndWriter::Start(output, std::move(*layout), NestedCompression(), {}, 1);
  if (!writer.ok()) return writer.status();
  Status status = (*writer)->Finish();
  if (!status.ok()) return status;
  return outer.editable_attributes()->Set(attribute, PackNested(output.TakeBytes()));
}

}  // namespace ndarray
