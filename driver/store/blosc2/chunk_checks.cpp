#include "driver/store/blosc2/chunk_checks.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "driver/store/blosc2/block_streams.h"
#include "driver/store/blosc2/byte_reader.h"
#include "driver/store/blosc2/codecs.h"
#include "driver/store/buffer.h"
#include "driver/store/checksum/checksum.h"
#include "driver/store/little_endian.h"

namespace ndarray {
namespace {

constexpr std::string_view kMagic(
    "nds\xd1"
    "\1\0\0\0",
    8);
constexpr std::string_view kRepeatedMagic("\xd1\1", 2);
constexpr size_t kRepeatedSumAt = 26;

// Fields of a chunk's header.
constexpr size_t kCodecVersionAt = 1;
constexpr size_t kFlagsAt = 2;
constexpr size_t kCompressedBytesAt = 12;
constexpr size_t kFiltersAt = 16;
constexpr size_t kCompressorAt = 22;
constexpr size_t kFiltersMetaAt = 24;
constexpr int kExtendedHeader = 0x01 | 0x04;
constexpr int kUnsplit = 0x10;
constexpr int kCodecShift = 5;

size_t StartsEnd(int64_t blocks) { return static_cast<size_t>(kChunkHeaderBytes + 4 * blocks); }

uint32_t RepeatedSum(std::string_view bytes) {
  std::string zeroed(bytes);
  PutLittle(zeroed, kRepeatedSumAt, uint32_t{0});
  return Checksum32(zeroed);
}

bool IsRepeatedWithCheck(const BloscChunk& chunk, std::string_view header) {
  const bool has_filters = std::any_of(chunk.filters.begin(), chunk.filters.end(),
                                       [](uint8_t id) { return id != filter_id::kNone; });
  return !has_filters && header.substr(kFiltersMetaAt, kRepeatedMagic.size()) == kRepeatedMagic;
}

Result<bool> CheckRepeated(const BloscChunk& chunk, std::string_view start) {
  if (!IsRepeatedWithCheck(chunk, start) ||
      static_cast<int64_t>(start.size()) < chunk.compressed_bytes) {
    return false;
  }
  const auto bytes = start.substr(0, static_cast<size_t>(chunk.compressed_bytes));
  const Status status = CheckSum("checksum of the repeated value", RepeatedSum(bytes),
                                 LittleAt<uint32_t>(bytes, kRepeatedSumAt));
  return status.ok() ? Result<bool>(true) : status;
}

// Puts blocks after each other into a new chunk.
class ChunkBuilder {
 public:
  ChunkBuilder(std::string_view header, int64_t blocks, size_t expected_bytes,
               std::string room = {})
      : blocks_(blocks), chunk_(std::move(room)) {
    const auto first = StartsEnd(blocks) + static_cast<size_t>(CheckTableBytes(blocks));
    chunk_.reserve(first + expected_bytes);
    chunk_.assign(header);
    chunk_.resize(first);
  }

  std::string& chunk() { return chunk_; }
  size_t blocks_bytes() const { return chunk_.size() - StartsEnd(2 * blocks_) - 16; }

  void BeginBlock(int64_t block) {
    PutLittle(chunk_, StartsEnd(block), static_cast<uint32_t>(chunk_.size()));
  }

  // Its checksum, while it is in the processor's cache.
  void EndBlock(int64_t block) {
    const std::string_view bytes(chunk_);
    const size_t start = LittleAt<uint32_t>(bytes, StartsEnd(block));
    PutLittle(chunk_, SumAt(block), Checksum32(bytes.substr(start)));
  }

  void Add(std::string_view bytes) { chunk_.append(bytes); }
  void AddLength(int32_t length) {
    chunk_.resize(chunk_.size() + sizeof(length));
    PutLittle(chunk_, chunk_.size() - sizeof(length), length);
  }

  std::string Finish() {
    PutLittle(chunk_, kCompressedBytesAt, static_cast<uint32_t>(chunk_.size()));
    chunk_.replace(StartsEnd(blocks_), kMagic.size(), kMagic);
    const size_t sum_at = SumAt(blocks_);
    PutLittle(chunk_, sum_at, Checksum64(std::string_view(chunk_).substr(0, sum_at)));
    return std::move(chunk_);
  }

 private:
  // Of a block; after the last one's, of header, starts and table.
  size_t SumAt(int64_t block) const {
    return StartsEnd(blocks_) + kMagic.size() + 4 * static_cast<size_t>(block);
  }

  const int64_t blocks_;
  std::string chunk_;
};

// A stream, after its length.
struct BlockStream {
  int32_t length;  // 0 and less: a run
  std::string_view bytes;
};

// The streams of one block, as many as there are in `streams`.
Status FindStreams(std::string_view rest, std::vector<BlockStream>& streams) {
  for (BlockStream& stream : streams) {
    ByteReader reader(rest);
    stream.length = reader.Little<int32_t>();
    stream.bytes = reader.Take(stream.length < 0 ? 1 : static_cast<size_t>(stream.length));
    if (!reader.ok()) return Corrupt("compressed data", "its end", "another stream");
    rest.remove_prefix(sizeof(stream.length) + stream.bytes.size());
  }
  return {};
}

void AddStream(int32_t length, std::string_view bytes, ChunkBuilder& builder) {
  builder.AddLength(length);
  builder.Add(bytes);
}

// Streams of `zstd` from `next` on in the place of those that are no runs. What does not get
// smaller gets a frame, too, as long as the block is not longer than `max_bytes`.
Status AddZstd(const std::vector<BlockStream>& streams, const ZstdStreams& zstd, size_t max_bytes,
               size_t& next, ChunkBuilder& builder) {
  size_t bytes = 0;
  size_t last = next;
  for (const BlockStream& stream : streams) {
    bytes += sizeof(stream.length) + (stream.length > 0 ? 0 : stream.bytes.size());
    if (stream.length <= 0) continue;
    if (last == zstd.count()) return Corrupt("streams", "more", std::to_string(last));
    const ZstdStreams::Stream& other = zstd.Get(last++);
    bytes += other.is_frame ? other.bytes.size() : StoredZstdBytes(other.bytes.size());
  }
  for (const BlockStream& stream : streams) {
    if (stream.length <= 0) {
      AddStream(stream.length, stream.bytes, builder);
      continue;
    }
    const ZstdStreams::Stream& other = zstd.Get(next++);
    if (other.is_frame || bytes > max_bytes) {
      AddStream(static_cast<int32_t>(other.bytes.size()), other.bytes, builder);
    } else {
      builder.AddLength(static_cast<int32_t>(StoredZstdBytes(other.bytes.size())));
      AppendStoredZstd(other.bytes, other.checksum, builder.chunk());
    }
  }
  return {};
}

void ClearFilters(std::string& chunk) {
  chunk.replace(kFiltersAt, kMaxFilters, kMaxFilters, '\0');
  chunk.replace(kFiltersMetaAt, kMaxFilters, kMaxFilters, '\0');
}

// One repeated value.
std::string RepeatedWithCheck(std::string chunk) {
  ClearFilters(chunk);
  chunk.replace(kFiltersMetaAt, kRepeatedMagic.size(), kRepeatedMagic);
  PutLittle(chunk, kRepeatedSumAt, RepeatedSum(chunk));
  return chunk;
}

void PutCodec(std::string& chunk, int codec, int compressor) {
  constexpr int kCodecBits = 0xE0;
  chunk[kCodecVersionAt] = 1;
  chunk[kFlagsAt] = static_cast<char>((static_cast<uint8_t>(chunk[kFlagsAt]) & ~kCodecBits) |
                                      codec << kCodecShift);
  chunk[kCompressorAt] = static_cast<char>(compressor);
}

}  // namespace

bool SeemsToHaveChecks(const BloscChunk& chunk, std::string_view header, std::string_view mark) {
  if (chunk.kind == ChunkKind::kRepeated) return IsRepeatedWithCheck(chunk, header);
  return chunk.kind == ChunkKind::kBlocks && !chunk.stored && !chunk.has_dictionary &&
         mark == kMagic;
}

bool CanHaveChecks(const BloscChunk& chunk, int64_t block_bytes) {
  return chunk.kind == ChunkKind::kRepeated ||
         (chunk.kind == ChunkKind::kBlocks && !chunk.has_dictionary &&
          chunk.block_bytes == block_bytes &&
          HaveRoomForChecks(chunk.uncompressed_bytes, block_bytes));
}

Result<bool> CheckDirectory(const BloscChunk& chunk, std::string_view start) {
  if (chunk.kind == ChunkKind::kRepeated) return CheckRepeated(chunk, start);
  if (chunk.kind != ChunkKind::kBlocks || chunk.stored || chunk.has_dictionary) return false;
  const int64_t blocks = chunk.block_count();
  const size_t table_at = StartsEnd(blocks);
  const size_t sum_at = table_at + kMagic.size() + 4 * static_cast<size_t>(blocks);
  const size_t end = sum_at + sizeof(uint64_t);
  if (end > static_cast<size_t>(chunk.compressed_bytes) || end > start.size() ||
      std::memcmp(start.data() + table_at, kMagic.data(), kMagic.size()) != 0) {
    return false;
  }
  const Status status = CheckSum("checksum of the header", Checksum64(start.substr(0, sum_at)),
                                 LittleAt<uint64_t>(start, sum_at));
  return status.ok() ? Result<bool>(true) : status;
}

Status CheckBlock(const BloscChunk& chunk, std::string_view bytes, int64_t block) {
  const int64_t blocks = chunk.block_count();
  const size_t first = StartsEnd(blocks) + static_cast<size_t>(CheckTableBytes(blocks));
  // A file that changes while it is open.
  if (first > bytes.size()) {
    return Corrupt("checksums", std::to_string(bytes.size()) + " bytes",
                   "at least " + std::to_string(first));
  }
  const size_t start = LittleAt<uint32_t>(bytes, StartsEnd(block));
  const size_t stop =
      block + 1 < blocks ? LittleAt<uint32_t>(bytes, StartsEnd(block + 1)) : bytes.size();
  if (start < first || start > stop || stop > bytes.size()) {
    return Corrupt("start", std::to_string(start) + " before " + std::to_string(stop),
                   std::to_string(first) + " to " + std::to_string(bytes.size()));
  }
  const uint32_t found = Checksum32(bytes.substr(start, stop - start));
  const auto wanted =
      LittleAt<uint32_t>(bytes, StartsEnd(blocks) + kMagic.size() + 4 * static_cast<size_t>(block));
  if (found == wanted) return {};
  return CheckSum("checksum of bytes " + std::to_string(start) + ".." + std::to_string(stop - 1) +
                      " of the chunk",
                  found, wanted);
}

Status CheckBlocks(const BloscChunk& chunk, std::string_view bytes) {
  for (int64_t block = 0; block < chunk.block_count(); ++block) {
    Status status = CheckBlock(chunk, bytes, block);
    if (!status.ok()) return status.At("block " + std::to_string(block));
  }
  return {};
}

void ZstdStreams::Reserve(size_t size_bytes) { room_ = ThreadScratch<ZstdStreams>(size_bytes); }

void ZstdStreams::Add(std::string_view stream) {
  std::byte* const to = room_ + size_bytes_;
  const size_t compressed_bytes = CompressZstd(stream, level, to);
  const bool is_frame = compressed_bytes > 0;
  const size_t bytes = is_frame ? compressed_bytes : stream.size();
  if (!is_frame) std::memcpy(to, stream.data(), bytes);
  streams_.push_back(
      {is_frame, is_frame ? 0 : ZstdChecksum(stream), {reinterpret_cast<const char*>(to), bytes}});
  size_bytes_ += bytes;
}

Result<std::string> WithChecks(const BloscChunk& chunk, std::string_view bytes,
                               const ZstdStreams* zstd, std::string room) {
  if (chunk.kind != ChunkKind::kBlocks || chunk.stored || chunk.has_dictionary) {
    return Mismatch(StatusCode::kNotSupported, "chunk", "one without blocks, or with a dictionary",
                    "one of blocks");
  }
  const int64_t blocks = chunk.block_count();
  if (bytes.size() < StartsEnd(blocks)) {
    return Corrupt("starts of blocks", std::to_string(bytes.size()) + " bytes",
                   "at least " + std::to_string(StartsEnd(blocks)));
  }
  // With room for frames around streams that are stored: moving the chunk would cost as much as all
  // of its checksums.
  constexpr size_t kMaxFrameBytes = 32;
  const size_t streams_bytes =
      bytes.size() + (zstd != nullptr ? zstd->size_bytes() + kMaxFrameBytes * zstd->count() : 0);
  ChunkBuilder builder(bytes.substr(0, kChunkHeaderBytes), blocks, streams_bytes, std::move(room));
  const size_t element_bytes = std::max<size_t>(chunk.element_bytes, 1);
  std::vector<BlockStream> streams;
  size_t next = 0;
  for (int64_t block = 0; block < blocks; ++block) {
    const size_t start = LittleAt<uint32_t>(bytes, StartsEnd(block));
    if (start < StartsEnd(blocks) || start > bytes.size()) {
      return Corrupt("start of block " + std::to_string(block), std::to_string(start),
                     "within the chunk");
    }
    const int64_t left = chunk.uncompressed_bytes - block * chunk.block_bytes;
    streams.resize(chunk.is_split && left >= chunk.block_bytes ? element_bytes : 1);
    builder.BeginBlock(block);
    Status status = FindStreams(bytes.substr(start), streams);
    if (status.ok() && zstd != nullptr) {
      const auto max_bytes = static_cast<size_t>(chunk.block_bytes) + 4 * element_bytes;
      status = AddZstd(streams, *zstd, max_bytes, next, builder);
    } else if (status.ok()) {
      for (const BlockStream& stream : streams) AddStream(stream.length, stream.bytes, builder);
    }
    // Many blocks may start at the same bytes, which would multiply them.
    if (status.ok() && zstd == nullptr && builder.blocks_bytes() > bytes.size()) {
      status = Corrupt("blocks", "more bytes than the chunk has", "each byte once");
    }
    if (!status.ok()) return status.At("block " + std::to_string(block));
    builder.EndBlock(block);
  }
  if (zstd != nullptr) PutCodec(builder.chunk(), codec_id::kZstd, compressor_id::kZstd);
  return builder.Finish();
}

std::string StoredWithChecks(std::string_view header, std::string_view elements, bool as_zstd) {
  const auto block_bytes = std::min<size_t>(LittleAt<uint32_t>(header, 8), elements.size());
  const auto blocks = static_cast<int64_t>((elements.size() + block_bytes - 1) / block_bytes);
  ChunkBuilder builder(header.substr(0, kChunkHeaderBytes), blocks,
                       elements.size() + static_cast<size_t>(blocks) * 64);
  std::string& chunk = builder.chunk();
  chunk[kFlagsAt] = static_cast<char>(kExtendedHeader | kUnsplit);
  PutCodec(chunk, as_zstd ? codec_id::kZstd : codec_id::kLz4,
           as_zstd ? compressor_id::kZstd : compressor_id::kLz4);
  ClearFilters(chunk);
  for (int64_t block = 0; block < blocks; ++block) {
    const std::string_view bytes =
        elements.substr(static_cast<size_t>(block) * block_bytes, block_bytes);
    builder.BeginBlock(block);
    AddStream(static_cast<int32_t>(bytes.size()), bytes, builder);
    builder.EndBlock(block);
  }
  return builder.Finish();
}

Result<std::string> AddChecks(std::string_view made, std::string_view elements,
                              const ZstdStreams* zstd, std::string room) {
  const Result<BloscChunk> chunk = ParseChunkHeader(made, made.size());
  if (!chunk.ok()) return chunk.status();
  if (chunk->kind == ChunkKind::kRepeated) return RepeatedWithCheck(std::string(made));
  if (chunk->kind != ChunkKind::kBlocks) return std::string(made);
  if (chunk->stored) return StoredWithChecks(made, elements, zstd != nullptr);
  Result<std::string> checked = WithChecks(*chunk, made, zstd, std::move(room));
  if (!checked.ok() || checked->size() < elements.size()) return checked;
  std::string stored = StoredWithChecks(made, elements, zstd != nullptr);
  return stored.size() <= checked->size() ? std::move(stored) : std::move(checked);
}

}  // namespace ndarray
