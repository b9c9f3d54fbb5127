// A new .b2nd file of any shape, type, cut and compression, written as the input says, then updated
// and compacted: its elements are always those of a copy in memory, and verify finds nothing.
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "driver/store/b2nd/b2nd_array.h"
#include "driver/store/b2nd/b2nd_update.h"
#include "driver/store/b2nd/b2nd_writer.h"
#include "driver/store/b2nd/frame_check.h"
#include "driver/store/blosc2/codecs.h"
#include "driver/store/box.h"
#include "driver/store/frame/frame_index.h"
#include "driver/store/io/string_file.h"
#include "tests/fuzz/fuzz_support.h"

namespace ndarray::fuzz {
namespace {

// Small enough for hundreds of files in a second.
constexpr int64_t kMaxElements = 1 << 10;
constexpr int64_t kMaxChunks = 16;
constexpr int64_t kMaxBlocks = 8;  // of a chunk
constexpr size_t kMaxFileBytes = size_t{4} << 20;

constexpr ScalarType kTypes[] = {
    ScalarType::kInt8,    ScalarType::kInt16,   ScalarType::kInt32,     ScalarType::kInt64,
    ScalarType::kUInt8,   ScalarType::kUInt16,  ScalarType::kUInt32,    ScalarType::kUInt64,
    ScalarType::kFloat16, ScalarType::kFloat32, ScalarType::kComplex64, ScalarType::kComplex128};
// More often those that take no megabytes of tables for a stream.
constexpr uint8_t kCompressors[] = {
    compressor_id::kLz4,   compressor_id::kZstd, compressor_id::kLz4,
    compressor_id::kZstd,  compressor_id::kLz4,  compressor_id::kZstd,
    compressor_id::kLz4Hc, compressor_id::kZlib, compressor_id::kBloscLz};
constexpr uint8_t kFilterIds[] = {filter_id::kNone, filter_id::kShuffle, filter_id::kBitShuffle,
                                  filter_id::kByteDelta};

// All elements, dense, in C order and native byte order.
struct Model {
  AxisVector shape;
  int64_t element_bytes;
  std::string elements;

  AxisVector strides() const {
    AxisVector strides(shape.size());
    int64_t stride = element_bytes;
    for (int axis = shape.size() - 1; axis >= 0; --axis) {
      strides[axis] = stride;
      stride *= shape[axis];
    }
    return strides;
  }
  char* At(const Box& box) {
    return elements.data() + OffsetOf(strides(), Box{AxisVector(shape.size(), 0), shape}, box);
  }
};

Box BoxOf(Choices& choices, const AxisVector& shape) {
  Box box{AxisVector(shape.size()), AxisVector(shape.size())};
  for (int axis = 0; axis < shape.size(); ++axis) {
    box.start[axis] = choices.Below(shape[axis]);
    box.stop[axis] = box.start[axis] + 1 + choices.Below(shape[axis] - box.start[axis]);
  }
  return box;
}

// So many of `count` in one part that there are at most `max_parts`, which becomes how often that
// goes for the axes that are left.
int64_t PartOf(Choices& choices, int64_t count, int64_t& max_parts) {
  const int64_t least = (count - 1) / max_parts + 1;
  const int64_t part = least + choices.Below(count - least + 1);
  max_parts /= (count - 1) / part + 1;
  return part;
}

Result<B2ndLayout> LayoutOf(Choices& choices) {
  DType dtype;
  dtype.type = kTypes[choices.Below(std::size(kTypes))];
  if (choices.Below(4) == 0) dtype.order = ByteOrder::kBig;
  AxisVector shape, chunk, block;
  int64_t elements = kMaxElements;
  int64_t chunks = kMaxChunks;
  int64_t blocks = kMaxBlocks;
  for (int64_t axes = 1 + choices.Below(4); axes > 0; --axes) {
    const int64_t count = 1 + choices.Below(std::min<int64_t>(elements, 200));
    elements /= count;
    shape.push_back(count);
    chunk.push_back(PartOf(choices, count, chunks));
    block.push_back(PartOf(choices, chunk[chunk.size() - 1], blocks));
  }
  return MakeB2ndLayout(dtype, shape, chunk, block);
}

void Expect(const Array& array, Model& model) {
  std::string elements(model.elements.size(), '\x55');
  const Box all{AxisVector(model.shape.size(), 0), model.shape};
  Check(array.Read(0, all, {elements.data(), model.strides()}).ok());
  Check(elements == model.elements);
}

void ExpectSound(const std::string& bytes, Model& model) {
  const auto file = std::make_shared<StringFile>("written", bytes, Access::kRead);
  const auto array = OpenB2ndArray(file, 1);
  Check(array.ok());
  Expect(**array, model);
  const auto index = FrameIndex::Open(*file);
  Check(index.ok());
  const Result<FrameDamage> damage = DecodeFrame(**index, *file, 1, 1, {});
  Check(damage.ok() && damage->places == 0);
  const auto attributes = DecodeAttributes(**index, *file);
  Check(attributes.ok() && attributes->empty());
}

// Elements out of the input: of few values, so that chunks of one value come up, too.
void Choose(Choices& choices, Model& model, const Box& box) {
  const std::string_view pattern = choices.Bytes(1 + static_cast<size_t>(choices.Below(64)));
  size_t at = 0;
  const int last = box.start.size() - 1;
  const int64_t row_bytes = box.count(last) * model.element_bytes;
  Box rows = box;
  rows.stop[last] = rows.start[last] + 1;
  AxisVector index = rows.start;
  do {
    Box row{index, index};
    for (int64_t& stop : row.stop) ++stop;
    char* const elements = model.At(row);
    for (int64_t i = 0; i < row_bytes; ++i) {
      elements[i] = pattern.empty() ? '\0' : pattern[at++ % pattern.size()];
    }
  } while (Advance(rows, index));
}

std::string Write(Choices& choices, const B2ndLayout& layout, Model& model) {
  Compression compression;
  compression.compressor = kCompressors[choices.Below(std::size(kCompressors))];
  compression.level = static_cast<int>(choices.Below(10));
  const auto group = static_cast<uint8_t>(model.element_bytes);
  compression.pipeline = PipelineOf(kFilterIds[choices.Below(std::size(kFilterIds))], group);
  if (choices.Below(4) == 0) compression.auto_group_bytes = group;
  std::vector<Attribute> attributes;
  for (int64_t i = choices.Below(4); i > 0; --i) {
    attributes.emplace_back("a" + std::to_string(i), "\xc3");
  }
  StringOutput output("written", kMaxFileBytes);
  auto writer = B2ndWriter::Start(output, layout, compression, attributes, 1);
  if (!writer.ok()) return "";  // c-blosc2 does not take all of them
  const Box all{AxisVector(model.shape.size(), 0), model.shape};
  Choose(choices, model, all);
  const Status status = (*writer)->Write(all, {model.elements.data(), model.strides()});
  Check(status.ok());
  Check((*writer)->Finish().ok());
  return output.TakeBytes();
}

void Update(Choices& choices, std::string bytes, Model& model) {
  const auto file = std::make_shared<StringFile>("written", std::move(bytes), Access::kUpdate);
  const int64_t cache_bytes = int64_t{1} << (8 + choices.Below(12));
  const auto array = OpenB2ndForUpdate(file, 1, Chunks::kMayBeWritten, cache_bytes);
  Check(array.ok());
  for (int64_t i = choices.Below(4); i > 0; --i) {
    const Box box = BoxOf(choices, model.shape);
    Choose(choices, model, box);
    Check((*array)->Write(0, box, {model.At(box), model.strides()}).ok());
    if (choices.Below(3) == 0) Check((*array)->Flush().ok());
    Expect(**array, model);
  }
  if (choices.Below(2) == 0) Check((*array)->editable_attributes()->Set("more", "\xc2").ok());
  Check((*array)->Flush().ok());
  std::string updated(file->size_bytes(), '\0');
  Check(file->Read({{0, updated.size(), updated.data()}}).ok());
  ExpectSound(updated, model);
  StringOutput copy("copy", kMaxFileBytes);
  Check((*array)->CopyTo(copy).ok());
  ExpectSound(copy.TakeBytes(), model);
}

void Run(std::string_view bytes) {
  Choices choices(bytes);
  Result<B2ndLayout> layout = LayoutOf(choices);
  Check(layout.ok());
  Model model{layout->shape, layout->element.element_bytes, ""};
  model.elements.resize(static_cast<size_t>(*CheckedProduct(model.shape) * model.element_bytes));
  std::string written = Write(choices, *layout, model);
  if (written.empty()) return;
  ExpectSound(written, model);
  Update(choices, std::move(written), model);
}

}  // namespace
}  // namespace ndarray::fuzz

NDARRAY_FUZZ_TARGET(ndarray::fuzz::Run)
