#include "driver/store/blosc2/frame_header.h"

#include <algorithm>
#include <cctype>

#include "driver/store/blosc2/byte_reader.h"
#include "driver/store/damage.h"
#include "driver/store/text.h"

namespace ndarray {
namespace {

constexpr uint8_t kNewestVersion = 3;  // BLOSC2_VERSION_FRAME_FORMAT: variable-length blocks
constexpr uint8_t kPluginCodec = 6;    // the codec's id is in a byte of its own
constexpr size_t kMaxMetalayers = 8192;

// Fields that are written, too.
constexpr size_t kUncompressedBytesAt = 30;
constexpr size_t kCompressedBytesAt = 39;
constexpr size_t kBlockBytesAt = 53;
constexpr size_t kChunkBytesAt = 58;
constexpr size_t kHasAttributesAt = 68;

template <typename T>
void PutBig(std::string& bytes, size_t at, T value) {
  for (size_t i = 0; i < sizeof(T); ++i) {
    const size_t shift = 8 * (sizeof(T) - 1 - i);
    bytes[at + i] = static_cast<char>(static_cast<uint64_t>(value) >> shift & 0xFF);
  }
}

// The names of metalayers, then their contents, which are found by offsets from the start of
// `bytes`; `at` is where the names begin.
Result<std::vector<Metalayer>> ParseMetalayers(std::string_view bytes, size_t at,
                                               const char* field) {
  const Status corrupt = Corrupt(field, "other bytes", "names, offsets and contents in msgpack");
  ByteReader reader(bytes.substr(std::min(at, bytes.size())));
  reader.Expect(0x93);
  reader.Expect(0xcd);
  reader.Take(2);  // the length of what follows
  reader.Expect(0xde);
  const auto count = reader.Big<uint16_t>();
  if (!reader.ok()) return corrupt;
  if (count > kMaxMetalayers) {
    return Corrupt(field, std::to_string(count), "at most " + std::to_string(kMaxMetalayers));
  }
  std::vector<Metalayer> layers;
  for (int i = 0; i < count; ++i) {
    const auto name_marker = reader.Big<uint8_t>();
    if ((name_marker & 0xe0) != 0xa0) return corrupt;
    const std::string name(reader.Take(name_marker & 0x1f));
    reader.Expect(0xd2);
    const auto offset = reader.Big<uint32_t>();
    if (!reader.ok() || offset > bytes.size()) return corrupt;
    ByteReader content(bytes.substr(offset));
    content.Expect(0xc6);
    const auto size_bytes = content.Big<uint32_t>();
    layers.push_back({name, content.Take(size_bytes)});
    if (!content.ok()) {
      return Corrupt(std::string(field) + " '" + Excerpt(name) + "'",
                     std::to_string(size_bytes) + " bytes at " + std::to_string(offset),
                     "a content within " + std::to_string(bytes.size()) + " bytes");
    }
  }
  return layers;
}

// Reads the fixed part. Markers are checked, so that each number is one.
FrameHeader FixedPart(ByteReader& reader) {
  FrameHeader header;
  reader.Take(kFrameMagic.size());
  reader.Expect(0xd2);
  header.header_bytes = reader.Big<uint32_t>();
  reader.Expect(0xcf);
  header.frame_bytes = reader.Big<uint64_t>();
  reader.Expect(0xa4);
  const auto general = reader.Big<uint8_t>();
  header.format_version = general & 0x0f;
  header.has_varying_blocks = (general & 0x80) != 0;
  header.is_sparse = (reader.Big<uint8_t>() & 0x0f) == 1;
  const auto codecs = reader.Big<uint8_t>();
  header.compressor = codecs & 0x0f;
  header.level = static_cast<uint8_t>(codecs >> 4);
  reader.Take(1);
  reader.Expect(0xd3);
  header.uncompressed_bytes = reader.Big<int64_t>();
  reader.Expect(0xd3);
  header.compressed_bytes = reader.Big<int64_t>();
  reader.Expect(0xd2);
  header.element_bytes = reader.Big<int32_t>();
  reader.Expect(0xd2);
  reader.Take(4);  // the bytes of a block: the chunks say it, too
  reader.Expect(0xd2);
  header.chunk_bytes = reader.Big<int32_t>();
  reader.Take(3 + 3 + 1);  // threads, and whether there are variable-length metalayers
  reader.Expect(0xd8);
  reader.Take(1);  // the number of filters: unused slots are zero
  const std::string_view filters = reader.Take(8);
  const std::string_view metas = reader.Take(8);
  if (!reader.ok()) return header;
  for (size_t i = 0; i < kMaxFilters; ++i) {
    header.filters[i] = static_cast<uint8_t>(filters[i]);
    header.filters_meta[i] = static_cast<uint8_t>(metas[i]);
  }
  if (header.compressor == kPluginCodec)
    header.compressor = static_cast<uint8_t>(filters[kMaxFilters]);
  return header;
}

Status CheckLengths(const FrameHeader& header) {
  if (header.frame_bytes < header.header_bytes + kFrameTrailerMinBytes) {
    return Corrupt("frame length", std::to_string(header.frame_bytes) + " bytes",
                   "more than a header of " + std::to_string(header.header_bytes));
  }
  const uint64_t room = header.frame_bytes - header.header_bytes - kFrameTrailerMinBytes;
  if (header.compressed_bytes < 0 || static_cast<uint64_t>(header.compressed_bytes) > room) {
    return Corrupt("compressed size", std::to_string(header.compressed_bytes) + " bytes",
                   "0 to " + std::to_string(room) + " in this frame");
  }
  if (header.uncompressed_bytes < 0 || header.chunk_bytes < -1 || header.element_bytes < 1) {
    return Corrupt("uncompressed sizes",
                   std::to_string(header.uncompressed_bytes) + ", chunk " +
                       std::to_string(header.chunk_bytes) + ", element " +
                       std::to_string(header.element_bytes),
                   "none negative, an element of at least 1 byte");
  }
  return {};
}

}  // namespace

const Metalayer* FrameHeader::Find(std::string_view name) const {
  for (const Metalayer& layer : metalayers) {
    if (layer.name == name) return &layer;
  }
  return nullptr;
}

Status SparseFrame() {
  return Mismatch(StatusCode::kNotSupported, "frame", "a sparse one (a folder of chunks)",
                  "a contiguous one (one file); blosc2.open(FOLDER).copy(urlpath=\"new.b2nd\", "
                  "contiguous=True) makes one");
}

bool HasFrameMagic(std::string_view start) {
  return start.substr(0, kFrameMagic.size()) == kFrameMagic;
}

Result<uint64_t> FrameHeaderBytes(std::string_view start) {
  if (!HasFrameMagic(start)) return OtherFormat(".b2nd", start, kFrameMagic, kFrameHeaderMinBytes);
  if (start.size() < kFrameHeaderMinBytes) {
    return CutShort(start.size(), kFrameHeaderMinBytes, "at least ");
  }
  ByteReader reader(start);
  const FrameHeader header = FixedPart(reader);
  if (header.header_bytes < kFrameHeaderMinBytes || header.header_bytes > kMaxFrameHeaderBytes) {
    return Corrupt(
        "header length", std::to_string(header.header_bytes) + " bytes",
        std::to_string(kFrameHeaderMinBytes) + " to " + std::to_string(kMaxFrameHeaderBytes));
  }
  return header.header_bytes;
}

Result<FrameHeader> ParseFrameHeader(std::string_view bytes) {
  Result<uint64_t> header_bytes = FrameHeaderBytes(bytes);
  if (!header_bytes.ok()) return header_bytes.status();
  if (bytes.size() < *header_bytes) {
    return Corrupt("header", std::to_string(bytes.size()) + " bytes",
                   std::to_string(*header_bytes));
  }
  ByteReader reader(bytes);
  FrameHeader header = FixedPart(reader);
  if (header.format_version > kNewestVersion) {
    return Mismatch(StatusCode::kNotSupported, "frame version",
                    std::to_string(header.format_version),
                    "at most " + std::to_string(kNewestVersion));
  }
  if (!reader.ok()) return Corrupt("header", "other markers", "those of a Blosc2 frame");
  // The chunks of a sparse frame are elsewhere.
  Status status = header.is_sparse ? Status() : CheckLengths(header);
  if (!status.ok()) return status;
  auto layers = ParseMetalayers(bytes.substr(0, *header_bytes), kFrameHeaderMinBytes, "metalayers");
  if (!layers.ok()) return layers.status();
  header.metalayers = std::move(*layers);
  return header;
}

uint64_t FrameBytesOf(std::string_view lengths) { return ByteReader(lengths).Big<uint64_t>(); }

void PutFrameLengths(std::string& header, uint64_t frame_bytes, int64_t uncompressed_bytes,
                     int64_t compressed_bytes) {
  PutBig(header, kFrameLengthsAt, frame_bytes);
  PutBig(header, kUncompressedBytesAt, uncompressed_bytes);
  PutBig(header, kCompressedBytesAt, compressed_bytes);
}

void PutChunkSizes(std::string& header, int32_t chunk_bytes, int32_t block_bytes) {
  PutBig(header, kBlockBytesAt, block_bytes);
  PutBig(header, kChunkBytesAt, chunk_bytes);
}

void PutHasAttributes(std::string& header) { header[kHasAttributesAt] = '\xc3'; }

}  // namespace ndarray
