#include "driver/store/blosc2/b2nd_layout.h"

#include <algorithm>
#include <string>

#include "driver/store/blosc2/blosc_chunk.h"
#include "driver/store/blosc2/byte_reader.h"
#include "driver/store/box.h"
#include "driver/store/checked_math.h"
#include "driver/store/text.h"

namespace ndarray {
namespace {

// What str(numpy.dtype) prints, or anything else that python-blosc2 reads: a string that
// numpy.dtype takes, or the literal of such a dtype.
Result<ElementType> ParseDtype(const std::string& text) {
  if (text.empty()) {
    return Mismatch(StatusCode::kNotSupported, "dtype", "none", "a dtype of numbers");
  }
  const bool is_literal = text[0] == '[' || text[0] == '{' || text.substr(0, 2) == "('" ||
                          text.substr(0, 2) == "([" || text.substr(0, 2) == "({";
  PyValue value;
  if (is_literal) {
    Result<PyValue> literal = ParsePythonLiteral(text);
    if (!literal.ok()) return literal.status().At("dtype");
    value = std::move(*literal);
  } else {
    value.value = text;
    value.text = text;
  }
  return ParseElementType(value, "dtype", true);
}

// A msgpack array of integers. Its marker has room for 15, and c-blosc2 writes one for 16 all the
// same.
template <typename T>
AxisVector ReadShape(ByteReader& reader, int axes) {
  constexpr unsigned char kArray = 0x90;
  constexpr unsigned char kInteger = sizeof(T) == sizeof(int64_t) ? 0xd3 : 0xd2;
  AxisVector shape;
  reader.Expect(static_cast<unsigned char>(kArray + axes));
  for (int axis = 0; axis < axes; ++axis) {
    reader.Expect(kInteger);
    shape.push_back(reader.Big<T>());
  }
  return shape;
}

Status CheckShapes(const B2ndLayout& layout) {
  if (layout.shape.empty()) {
    return Mismatch(StatusCode::kNotSupported, "shape", "()", "at least one axis");
  }
  for (int axis = 0; axis < layout.shape.size(); ++axis) {
    if (layout.shape[axis] < 0) {
      return Corrupt("shape", ShapeString(layout.shape), "integers that are not negative");
    }
    if (layout.shape[axis] == 0) {
      return Mismatch(StatusCode::kNotSupported, "shape", ShapeString(layout.shape),
                      "no axis of size 0");
    }
    if (layout.chunk_shape[axis] < 1 || layout.chunk_shape[axis] > INT32_MAX ||
        layout.block_shape[axis] < 1 || layout.block_shape[axis] > INT32_MAX) {
      return Corrupt("chunks and blocks",
                     ShapeString(layout.chunk_shape) + " and " + ShapeString(layout.block_shape),
                     "axes of 1 to 2^31 - 1");
    }
  }
  return {};
}

// Big-endian, after a marker of msgpack.
void AppendNumber(std::string& content, int marker, int64_t value, int bytes) {
  content.push_back(static_cast<char>(marker));
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) {
    content.push_back(static_cast<char>(value >> shift));
  }
}

void AppendShape(std::string& content, const AxisVector& shape, int number_bytes) {
  content.push_back(static_cast<char>(0x90 + shape.size()));
  for (const int64_t count : shape) {
    AppendNumber(content, number_bytes == 8 ? 0xd3 : 0xd2, count, number_bytes);
  }
}

// The product of all axes and the element's bytes, at most INT32_MAX.
std::optional<int64_t> SmallBytes(const AxisVector& shape, int64_t element_bytes) {
  auto bytes = CheckedProduct(shape);
  if (bytes) bytes = CheckedMultiply(*bytes, element_bytes);
  return bytes && *bytes <= INT32_MAX ? bytes : std::nullopt;
}

Status CompleteGrids(B2ndLayout& layout) {
  const int axes = layout.shape.size();
  const int64_t element_bytes = layout.element.element_bytes;
  AxisVector padded_chunk(axes);
  layout.chunk_grid = AxisVector(axes);
  layout.block_grid = AxisVector(axes);
  for (int axis = 0; axis < axes; ++axis) {
    layout.chunk_grid[axis] = DivideUp(layout.shape[axis], layout.chunk_shape[axis]);
    layout.block_grid[axis] = DivideUp(layout.chunk_shape[axis], layout.block_shape[axis]);
    padded_chunk[axis] = layout.block_grid[axis] * layout.block_shape[axis];
    // One step over the last chunk must not wrap.
    if (layout.shape[axis] > INT64_MAX - (int64_t{2} << 31)) {
      return Corrupt("shape", ShapeString(layout.shape), "less than 2^63 bytes in all");
    }
  }
  auto total = CheckedProduct(layout.shape);
  if (total) total = CheckedMultiply(*total, element_bytes);
  if (!total) return Corrupt("shape", ShapeString(layout.shape), "less than 2^63 bytes in all");
  const auto block_bytes = SmallBytes(layout.block_shape, element_bytes);
  const auto chunk_bytes = SmallBytes(padded_chunk, element_bytes);
  if (!block_bytes || !chunk_bytes) {
    return Corrupt("chunks and blocks",
                   ShapeString(layout.chunk_shape) + " and " + ShapeString(layout.block_shape),
                   "chunks of less than 2 GiB");
  }
  layout.block_bytes = *block_bytes;
  layout.chunk_bytes = *chunk_bytes;
  layout.chunk_count = *CheckedProduct(layout.chunk_grid);  // at most the elements of shape
  layout.blocks_per_chunk = *CheckedProduct(layout.block_grid);
  layout.block_strides_bytes = CStrides(layout.block_shape, element_bytes);
  return {};
}

}  // namespace

std::string FormatB2ndMetalayer(const AxisVector& shape, const AxisVector& chunk_shape,
                                const AxisVector& block_shape, std::string_view dtype) {
  std::string content = {'\x97', '\0', static_cast<char>(shape.size())};
  AppendShape(content, shape, 8);
  AppendShape(content, chunk_shape, 4);
  AppendShape(content, block_shape, 4);
  content.push_back('\0');  // dtypes as NumPy writes them
  AppendNumber(content, 0xdb, static_cast<int64_t>(dtype.size()), 4);
  return content.append(dtype);
}

B2ndParts SplitB2ndMetalayer(std::string_view content) {
  constexpr size_t kShapeAt = 4;
  constexpr size_t kNumberBytes = 9;
  B2ndParts parts{std::string(content), ""};
  size_t at = 0;
  size_t size = content.size();
  if (content.size() > kShapeAt) {
    const size_t shape_bytes = kNumberBytes * static_cast<unsigned char>(content[2]);
    if (shape_bytes <= content.size() - kShapeAt) {
      at = kShapeAt;
      size = shape_bytes;
    }
  }
  parts.shape = content.substr(at, size);
  parts.all_but_shape.replace(at, size, size, '\0');
  return parts;
}

Result<B2ndLayout> ParseB2ndMetalayer(std::string_view content) {
  // [version, axes, shape, chunk shape, block shape, dtype format, dtype]
  ByteReader reader(content);
  // Caterva, which c-blosc2 took b2nd over from, ended after the block shape.
  const bool has_dtype = content.substr(0, 1) != "\x95";
  if (has_dtype) reader.Expect(0x97);
  if (!has_dtype) reader.Take(1);
  reader.Take(1);
  const auto axes = reader.Big<uint8_t>();
  if (reader.ok() && axes > kMaxB2ndAxes) {
    return Mismatch(StatusCode::kNotSupported, "shape", std::to_string(axes) + " axes",
                    "at most " + std::to_string(kMaxB2ndAxes));
  }
  B2ndLayout layout;
  layout.shape = ReadShape<int64_t>(reader, reader.ok() ? axes : 0);
  layout.chunk_shape = ReadShape<int32_t>(reader, layout.shape.size());
  layout.block_shape = ReadShape<int32_t>(reader, layout.shape.size());
  if (!has_dtype && reader.ok()) {
    return Mismatch(StatusCode::kNotSupported, "dtype",
                    "none (Caterva wrote arrays so, without a dtype)",
                    "a dtype of numbers; write the array with python-blosc2, which keeps it");
  }
  const auto dtype_format = reader.Big<uint8_t>();
  reader.Expect(0xdb);
  const std::string dtype(reader.Take(reader.Big<uint32_t>()));
  if (!reader.ok()) {
    return Corrupt("content", std::to_string(content.size()) + " bytes",
                   "[version, axes, shape, chunks, blocks, dtype format, dtype]");
  }
  Status status = CheckShapes(layout);
  if (!status.ok()) return status;
  if (dtype_format != 0) {
    return Mismatch(StatusCode::kNotSupported, "dtype format", std::to_string(dtype_format),
                    "0 (NumPy's)");
  }
  Result<ElementType> element = ParseDtype(dtype);
  if (!element.ok()) return element.status();
  layout.element = std::move(*element);
  status = CompleteGrids(layout);
  if (!status.ok()) return status;
  return layout;
}

Result<B2ndLayout> MakeB2ndLayout(const ElementType& element, const AxisVector& shape,
                                  const AxisVector& chunk_shape, const AxisVector& block_shape) {
  B2ndLayout layout;
  layout.element = element;
  layout.shape = shape;
  layout.chunk_shape = chunk_shape;
  layout.block_shape = block_shape;
  if (chunk_shape.size() != shape.size() || block_shape.size() != shape.size() ||
      shape.size() > kMaxB2ndAxes) {
    return Mismatch(StatusCode::kInvalidArgument, "axes", std::to_string(shape.size()),
                    "as many of chunks and blocks, at most " + std::to_string(kMaxB2ndAxes));
  }
  Status status = CheckShapes(layout);
  for (int axis = 0; status.ok() && axis < shape.size(); ++axis) {
    if (block_shape[axis] <= chunk_shape[axis]) continue;
    status = Corrupt("blocks", ShapeString(block_shape),
                     "at most the chunks' " + ShapeString(chunk_shape));
  }
  if (status.ok()) status = CompleteGrids(layout);
  if (status.ok() && layout.chunk_count > kMaxChunks) {
    status =
        Corrupt("chunks", std::to_string(layout.chunk_count) + " of " + ShapeString(chunk_shape),
                "at most " + std::to_string(kMaxChunks) + ", each of them larger");
  }
  if (status.ok()) status = CheckWritable(layout);
  if (!status.ok()) return Status(StatusCode::kInvalidArgument, status.message());
  return layout;
}

Status CheckWritable(const B2ndLayout& layout) {
  // c-blosc2 has the starts of blocks before them, 4 bytes each, and adds up sizes in 32 bits,
  // unchecked.
  constexpr int64_t kMaxBlocks = int64_t{1} << 28;
  constexpr int64_t kMaxChunkBytes = INT32_MAX - kChunkHeaderBytes;
  if (layout.blocks_per_chunk <= kMaxBlocks && layout.chunk_bytes <= kMaxChunkBytes) return {};
  return Mismatch(
      StatusCode::kNotSupported, "chunks to be written",
      std::to_string(layout.blocks_per_chunk) + " blocks, " + std::to_string(layout.chunk_bytes) +
          " bytes",
      "at most " + std::to_string(kMaxBlocks) + " and " + std::to_string(kMaxChunkBytes));
}

Box ChunksOf(const B2ndLayout& layout, const Box& box) {
  Box chunks{AxisVector(box.start.size()), AxisVector(box.start.size())};
  for (int axis = 0; axis < box.start.size(); ++axis) {
    chunks.start[axis] = box.start[axis] / layout.chunk_shape[axis];
    chunks.stop[axis] = (box.stop[axis] - 1) / layout.chunk_shape[axis] + 1;
  }
  return chunks;
}

Box BlocksOf(const B2ndLayout& layout, const AxisVector& chunk, const Box& box) {
  Box blocks{AxisVector(box.start.size()), AxisVector(box.start.size())};
  for (int axis = 0; axis < box.start.size(); ++axis) {
    const int64_t origin = chunk[axis] * layout.chunk_shape[axis];
    const int64_t start = std::max<int64_t>(box.start[axis] - origin, 0);
    const int64_t stop = std::min(box.stop[axis] - origin, layout.chunk_shape[axis]);
    blocks.start[axis] = start / layout.block_shape[axis];
    blocks.stop[axis] = (stop - 1) / layout.block_shape[axis] + 1;
  }
  return blocks;
}

Box ChunkBox(const B2ndLayout& layout, const AxisVector& chunk) {
  Box box{AxisVector(chunk.size()), AxisVector(chunk.size())};
  for (int axis = 0; axis < chunk.size(); ++axis) {
    box.start[axis] = chunk[axis] * layout.chunk_shape[axis];
    box.stop[axis] = std::min(box.start[axis] + layout.chunk_shape[axis], layout.shape[axis]);
  }
  return box;
}

Box BlockBox(const B2ndLayout& layout, const AxisVector& chunk, const AxisVector& block) {
  Box box = ChunkBox(layout, chunk);
  for (int axis = 0; axis < chunk.size(); ++axis) {
    box.start[axis] += block[axis] * layout.block_shape[axis];
    box.stop[axis] = std::min(box.start[axis] + layout.block_shape[axis], box.stop[axis]);
  }
  return box;
}

}  // namespace ndarray
