#include "driver/store/blosc2/blosc_chunk.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "driver/store/blosc2/byte_reader.h"

namespace ndarray {
namespace {

constexpr uint8_t kNewestVersion = 6;  // BLOSC2_VERSION_FORMAT_VL_BLOCKS
constexpr uint8_t kPluginCodec = 6;
constexpr uint8_t kZfpRate = 35;
constexpr int64_t kMaxZfpCell = 256;  // elements: 4 along each of at most 4 axes
constexpr uint8_t kDelta = 3;         // a filter

// Byte 2.
constexpr uint8_t kExtendedHeader = 0x01 | 0x04;
constexpr uint8_t kStored = 0x02;
constexpr uint8_t kUnsplit = 0x10;
// Byte 31.
constexpr uint8_t kDictionary = 0x01;
constexpr uint8_t kLazy = 0x08;
constexpr uint8_t kInstrumented = 0x80;
// Byte 30.
constexpr uint8_t kVaryingBlocks = 0x01;

Status Corrupt(std::string_view field, int64_t found, const std::string& wanted) {
  return ndarray::Corrupt(field, std::to_string(found), wanted);
}

Status CheckSizes(const BloscChunk& chunk, uint64_t available_bytes) {
  if (chunk.uncompressed_bytes < 1) {
    return Corrupt("uncompressed size", chunk.uncompressed_bytes, "at least 1 byte");
  }
  if (chunk.compressed_bytes < kChunkHeaderBytes ||
      static_cast<uint64_t>(chunk.compressed_bytes) > available_bytes) {
    return Corrupt("compressed size", chunk.compressed_bytes,
                   "32 to " + std::to_string(available_bytes) + " bytes");
  }
  if (chunk.kind == ChunkKind::kRepeated) {
    const int64_t value_bytes = chunk.compressed_bytes - kChunkHeaderBytes;
    if (value_bytes < 1 || chunk.uncompressed_bytes % value_bytes != 0) {
      return Corrupt("repeated value", value_bytes, "bytes that divide the chunk");
    }
  }
  if (chunk.kind != ChunkKind::kBlocks) return {};
  if (chunk.block_bytes < 1) return Corrupt("block size", chunk.block_bytes, "at least 1 byte");
  const int64_t max_bytes = MaxChunkBytes(chunk.uncompressed_bytes);
  if (chunk.compressed_bytes > max_bytes) {
    return Corrupt("compressed size", chunk.compressed_bytes,
                   "at most " + std::to_string(max_bytes) + " for " +
                       std::to_string(chunk.uncompressed_bytes) + " uncompressed");
  }
  if (chunk.stored && chunk.compressed_bytes - kChunkHeaderBytes != chunk.uncompressed_bytes) {
    return Corrupt("compressed size", chunk.compressed_bytes,
                   std::to_string(chunk.uncompressed_bytes + kChunkHeaderBytes) + " when stored");
  }
  if (chunk.directory_bytes() > chunk.compressed_bytes) {
    return Corrupt("compressed size", chunk.compressed_bytes,
                   "room for the starts of " + std::to_string(chunk.block_count()) + " blocks");
  }
  return {};
}

}  // namespace

Result<BloscChunk> ParseChunkHeader(std::string_view start, uint64_t available_bytes) {
  ByteReader reader(start);
  const auto version = reader.Little<uint8_t>();
  reader.Take(1);
  const auto flags = reader.Little<uint8_t>();
  BloscChunk chunk;
  chunk.version = version;
  chunk.element_bytes = reader.Little<uint8_t>();
  chunk.uncompressed_bytes = reader.Little<int32_t>();
  chunk.block_bytes = reader.Little<int32_t>();
  chunk.compressed_bytes = reader.Little<int32_t>();
  for (uint8_t& filter : chunk.filters) filter = reader.Little<uint8_t>();
  const auto plugin_codec = reader.Little<uint8_t>();
  reader.Take(1);  // the codec's meta
  for (uint8_t& meta : chunk.filters_meta) meta = reader.Little<uint8_t>();
  const auto more_flags = reader.Little<uint8_t>();
  const auto special_flags = reader.Little<uint8_t>();
  if (!reader.ok()) {
    return Corrupt("header", static_cast<int64_t>(start.size()), "32 bytes");
  }
  if (version > kNewestVersion) {
    return Mismatch(StatusCode::kNotSupported, "chunk version", std::to_string(version),
                    "at most " + std::to_string(kNewestVersion));
  }
  if ((flags & kExtendedHeader) != kExtendedHeader) {
    return Mismatch(StatusCode::kNotSupported, "chunk", "one of Blosc 1", "one of Blosc2");
  }
  if ((more_flags & kVaryingBlocks) != 0 || (special_flags & kInstrumented) != 0) {
    return Mismatch(
        StatusCode::kNotSupported, "chunk",
        (more_flags & kVaryingBlocks) != 0 ? "blocks of varying length" : "measurements",
        "blocks of equal length");
  }
  chunk.stored = (flags & kStored) != 0;
  chunk.has_dictionary = (special_flags & kDictionary) != 0;
  chunk.is_split = (flags & kUnsplit) == 0;
  chunk.codec = static_cast<uint8_t>(flags >> 5);
  chunk.has_plugin_codec = chunk.codec == kPluginCodec;
  if (chunk.has_plugin_codec) chunk.codec = plugin_codec;
  const int special = (special_flags >> 4) & 0x7;
  if (special > static_cast<int>(ChunkKind::kUninitialized)) {
    return Corrupt("special value", special, "0 to 4");
  }
  chunk.kind = static_cast<ChunkKind>(special);
  if (chunk.kind == ChunkKind::kBlocks && (special_flags & kLazy) != 0) {
    return Mismatch(StatusCode::kCorrupt, "chunk", "one without its blocks", "one with them");
  }
  if (chunk.kind != ChunkKind::kBlocks) chunk.stored = false;
  if (chunk.block_bytes > chunk.uncompressed_bytes) chunk.block_bytes = chunk.uncompressed_bytes;
  Status status = CheckSizes(chunk, available_bytes);
  if (!status.ok()) return status;
  return chunk;
}

bool NeedsWholeChunk(const BloscChunk& chunk, int64_t block_bytes) {
  if (chunk.block_bytes != block_bytes) return true;
  if (chunk.stored) return false;
  // Of ZFP's cells, c-blosc2 has a way of its own to decode one alone, which fails where the cell
  // is a whole block.
  if (chunk.codec == kZfpRate && block_bytes <= kMaxZfpCell * chunk.element_bytes) return true;
  // Deltas are to the chunk's first block, for which c-blosc2 takes each that is decoded alone; and
  // then it does not load dictionaries.
  return chunk.has_dictionary ||
         std::find(chunk.filters.begin(), chunk.filters.end(), kDelta) != chunk.filters.end();
}

bool AreZeros(const std::byte* bytes, size_t size_bytes) {
  return size_bytes > 0 && bytes[0] == std::byte{0} &&
         std::memcmp(bytes, bytes + 1, size_bytes - 1) == 0;
}

bool RepeatsElement(const std::byte* elements, size_t size_bytes, size_t element_bytes) {
  const auto is_zero = [](std::byte byte) { return byte == std::byte{0}; };
  return element_bytes <= UINT8_MAX && !std::all_of(elements, elements + element_bytes, is_zero) &&
         std::memcmp(elements, elements + element_bytes, size_bytes - element_bytes) == 0;
}

}  // namespace ndarray
