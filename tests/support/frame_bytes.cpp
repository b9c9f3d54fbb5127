#include "tests/support/frame_bytes.h"

#include <algorithm>

namespace ndarray::testing {
namespace {

constexpr size_t kTrailerFixedBytes = 2 + 23;

constexpr size_t kTrailerMetalayersAt = 2;

// The map of names and offsets, and the contents. Offsets count from `at` bytes before this.
std::string Metalayers(const NamedContents& layers, size_t at) {
  size_t map_bytes = 4 + 3;
  for (const auto& [name, content] : layers) map_bytes += 1 + name.size() + 5;
  // c-blosc2 counts one byte less in a trailer than in a header.
  std::string map = "\x93\xcd" + Big(at == kTrailerMetalayersAt ? map_bytes - 1 : map_bytes, 2) +
                    "\xde" + Big(layers.size(), 2);
  std::string contents = "\xdc" + Big(layers.size(), 2);
  for (const auto& [name, content] : layers) {
    map += static_cast<char>(0xa0 + name.size());
    map += name + "\xd2" + Big(at + map_bytes + contents.size(), 4);
    contents += "\xc6" + Big(content.size(), 4) + content;
  }
  return map + contents;
}

// One shape, each number after its marker.
std::string Shape(const AxisVector& shape, char marker, int bytes) {
  std::string text(1, static_cast<char>(0x90 + shape.size()));
  for (const int64_t count : shape) text += marker + Big(static_cast<uint64_t>(count), bytes);
  return text;
}

NamedContents HeaderLayers(const FrameParts& parts) {
  NamedContents layers = {
      {parts.b2nd_name, parts.b2nd.value_or(B2ndContent(parts.shape, parts.chunk_shape,
                                                        parts.block_shape, parts.dtype))}};
  layers.insert(layers.end(), parts.more_metalayers.begin(), parts.more_metalayers.end());
  return layers;
}

std::string FilterBytes(const std::array<uint8_t, 6>& filters) {
  return {filters.begin(), filters.end()};
}

AxisVector DividedUp(const AxisVector& a, const AxisVector& b) {
  AxisVector result;
  for (int axis = 0; axis < a.size(); ++axis) {
    result.push_back((a[axis] + b[axis] - 1) / b[axis]);
  }
  return result;
}

}  // namespace

std::string Big(uint64_t value, int bytes) {
  std::string text;
  for (int i = bytes - 1; i >= 0; --i) text += static_cast<char>(value >> (8 * i) & 0xFF);
  return text;
}

std::string Little(uint64_t value, int bytes) {
  std::string text = Big(value, bytes);
  std::reverse(text.begin(), text.end());
  return text;
}

std::string ChunkHeader(const ChunkFields& fields) {
  const auto byte = [](int value) { return static_cast<char>(value); };
  const auto four = [](int64_t value) { return Little(static_cast<uint64_t>(value), 4); };
  std::string bytes = {byte(fields.version), byte(fields.codec_version), byte(fields.flags),
                       byte(fields.element_bytes)};
  bytes += four(fields.uncompressed_bytes) + four(fields.block_bytes) +
           four(fields.compressed_bytes) + FilterBytes(fields.filters);
  bytes += {byte(fields.plugin_codec), byte(fields.codec_meta)};
  bytes += FilterBytes(fields.filters_meta);
  return bytes += {byte(fields.more_flags), byte(fields.special_flags)};
}

std::string StoredChunk(std::string_view elements, int64_t block_bytes, int element_bytes) {
  ChunkFields fields;
  fields.flags |= kChunkStored;
  fields.element_bytes = element_bytes;
  fields.uncompressed_bytes = static_cast<int64_t>(elements.size());
  fields.block_bytes = block_bytes;
  fields.compressed_bytes = 32 + fields.uncompressed_bytes;
  return ChunkHeader(fields).append(elements);
}

std::string ChunkOfBlocks(std::string_view elements, int64_t block_bytes, int element_bytes) {
  const auto block_size = static_cast<size_t>(block_bytes);
  const size_t count = (elements.size() + block_size - 1) / block_size;
  std::string starts;
  std::string blocks;
  for (size_t i = 0; i < count; ++i) {
    const std::string_view block = elements.substr(i * block_size, block_size);
    starts += Little(kChunkStartsAt + 4 * count + blocks.size(), 4);
    blocks += Little(block.size(), 4).append(block);
  }
  ChunkFields fields;
  fields.element_bytes = element_bytes;
  fields.uncompressed_bytes = static_cast<int64_t>(elements.size());
  fields.block_bytes = block_bytes;
  fields.compressed_bytes = static_cast<int64_t>(32 + starts.size() + blocks.size());
  return ChunkHeader(fields) + starts + blocks;
}

std::string RepeatedChunk(std::string_view value, int64_t uncompressed_bytes, int64_t block_bytes) {
  ChunkFields fields;
  fields.element_bytes = static_cast<int>(value.size());
  fields.uncompressed_bytes = uncompressed_bytes;
  fields.block_bytes = block_bytes;
  fields.compressed_bytes = static_cast<int64_t>(32 + value.size());
  fields.special_flags = 3 << 4;
  return ChunkHeader(fields).append(value);
}

std::string B2ndContent(const AxisVector& shape, const AxisVector& chunk_shape,
                        const AxisVector& block_shape, std::string_view dtype) {
  std::string content = "\x97";
  content += '\0';
  content += static_cast<char>(shape.size());
  content +=
      Shape(shape, '\xd3', 8) + Shape(chunk_shape, '\xd2', 4) + Shape(block_shape, '\xd2', 4);
  content += '\0';
  return (content + "\xdb" + Big(dtype.size(), 4)).append(dtype);
}

std::string FrameBytes(const FrameParts& parts) {
  const std::string metalayers = Metalayers(HeaderLayers(parts), kFrameMetalayersAt);
  std::string chunks;
  std::string offsets;
  for (const std::string& chunk : parts.chunks) {
    if (parts.offsets.empty()) offsets += Little(chunks.size(), 8);
    chunks += chunk;
  }
  for (const int64_t offset : parts.offsets) offsets += Little(static_cast<uint64_t>(offset), 8);
  const std::string offsets_chunk =
      parts.offsets_chunk.value_or(StoredChunk(offsets, static_cast<int64_t>(offsets.size()), 8));
  std::string trailer =
      std::string("\x94\x01") + Metalayers(parts.vlmetalayers, kTrailerMetalayersAt);
  const size_t trailer_bytes = trailer.size() + kTrailerFixedBytes - 2;
  trailer +=
      "\xce" + Big(parts.trailer_bytes.value_or(trailer_bytes), 4) + "\xd8" + std::string(17, '\0');

  const uint64_t header_bytes = kFrameMetalayersAt + metalayers.size();
  const uint64_t frame_bytes = header_bytes + chunks.size() + offsets_chunk.size() + trailer.size();
  const auto signed_or = [](const std::optional<int64_t>& value, uint64_t right) {
    return Big(value ? static_cast<uint64_t>(*value) : right, 8);
  };
  std::string bytes = std::string("\x9e\xa8") + "b2frame" + std::string(1, '\0');
  bytes += "\xd2" + Big(parts.header_bytes.value_or(header_bytes), 4);
  bytes += "\xcf" + Big(parts.frame_bytes.value_or(frame_bytes), 8);
  bytes += "\xa4" + Big(static_cast<uint64_t>(parts.general_flags), 1) +
           Big(static_cast<uint64_t>(parts.frame_type), 1) +
           Big(static_cast<uint64_t>(parts.codec_flags), 1) + Big(0, 1);
  const size_t chunk_count = offsets.size() / 8;
  bytes += "\xd3" + signed_or(parts.uncompressed_bytes,
                              chunk_count * static_cast<uint64_t>(parts.chunk_bytes));
  bytes += "\xd3" + signed_or(parts.compressed_bytes, chunks.size());
  for (const int64_t number :
       {int64_t{parts.element_bytes}, parts.block_bytes, parts.chunk_bytes}) {
    bytes += "\xd2" + Big(static_cast<uint64_t>(number), 4);
  }
  bytes += "\xd1" + Big(1, 2) + "\xd1" + Big(1, 2);  // threads
  bytes += parts.vlmetalayers.empty() ? "\xc2" : "\xc3";
  bytes += "\xd8" + Big(6, 1) + FilterBytes(parts.filters) + std::string(2 + 6 + 2, '\0');
  return bytes + metalayers + chunks + offsets_chunk + trailer;
}

size_t ChunkStart(const FrameParts& parts, size_t chunk) {
  size_t start = kFrameMetalayersAt + Metalayers(HeaderLayers(parts), 0).size();
  for (size_t i = 0; i < chunk; ++i) start += parts.chunks[i].size();
  return start;
}

FrameParts FrameOf(const ReferenceArray& reference, const AxisVector& chunk_shape,
                   const AxisVector& block_shape, ChunkStyle style) {
  const auto element_bytes = static_cast<int>(reference.dtype.size_bytes());
  FrameParts parts;
  parts.shape = reference.shape;
  parts.chunk_shape = chunk_shape;
  parts.block_shape = block_shape;
  parts.dtype = TypeString(reference.dtype);
  parts.element_bytes = element_bytes;
  parts.block_bytes = Product(block_shape) * element_bytes;
  const AxisVector block_grid = DividedUp(chunk_shape, block_shape);
  parts.chunk_bytes = Product(block_grid) * parts.block_bytes;
  ForEachIndex(DividedUp(reference.shape, chunk_shape), [&](const AxisVector& chunk) {
    std::string elements;
    ForEachIndex(block_grid, [&](const AxisVector& block) {
      ForEachIndex(block_shape, [&](const AxisVector& index) {
        Box element{index, index};
        bool is_padding = false;
        for (int axis = 0; axis < index.size(); ++axis) {
          const int64_t in_chunk = block[axis] * block_shape[axis] + index[axis];
          element.start[axis] = chunk[axis] * chunk_shape[axis] + in_chunk;
          element.stop[axis] = element.start[axis] + 1;
          is_padding = is_padding || in_chunk >= chunk_shape[axis] ||
                       element.start[axis] >= reference.shape[axis];
        }
        // Padding that nobody may see.
        elements += is_padding ? std::string(static_cast<size_t>(element_bytes), '\x55')
                               : reference.ElementsOf(element);
      });
    });
    if (reference.dtype.order != kNativeOrder) elements = SwapBytes(elements, reference.dtype);
    parts.chunks.push_back(style == ChunkStyle::kStored
                               ? StoredChunk(elements, parts.block_bytes, element_bytes)
                               : ChunkOfBlocks(elements, parts.block_bytes, element_bytes));
  });
  return parts;
}

ReferenceArray SmallReference() {
  ReferenceArray reference{{ScalarType::kUInt16, ByteOrder::kLittle}, {6, 8}, ""};
  for (uint64_t i = 0; i < 48; ++i) reference.elements += Little(i, 2);
  return reference;
}

FrameParts SmallFrame(ChunkStyle style) { return FrameOf(SmallReference(), {4, 4}, {2, 4}, style); }

}  // namespace ndarray::testing
