#include "driver/store/blosc2/block_streams.h"

#include <lz4.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <new>
#include <string>

#include "driver/store/blosc2/codecs.h"
#include "driver/store/checksum/checksum.h"
#include "driver/store/little_endian.h"

namespace ndarray {
namespace {

constexpr size_t kLengthBytes = 4;
// The token after a length below 0: the stream is a run of one byte.
constexpr uint8_t kRunToken = 0x01;
constexpr int32_t kLowestRun = -255;

int32_t LittleInt32(const char* bytes) {
  const auto at = [&](int i) { return uint32_t{static_cast<unsigned char>(bytes[i])} << (8 * i); };
  return static_cast<int32_t>(at(0) | at(1) | at(2) | at(3));
}

Status Corrupt(size_t stream, std::string_view found, std::string_view wanted) {
  return Mismatch(StatusCode::kCorrupt, "compressed data",
                  std::string(found) + " in stream " + std::to_string(stream), wanted);
}

// Writers store what does not shrink. Longer streams (ZSTD and ZLIB take any number of empty
// pieces) would have each block of a chunk cost whatever the file has.
Status TooLong(size_t stream, size_t found, size_t max_bytes) {
  return Corrupt(stream, std::to_string(found) + " bytes", "at most " + std::to_string(max_bytes));
}

uint32_t StartOf(std::string_view chunk, int64_t block) {
  return static_cast<uint32_t>(LittleInt32(chunk.data() + kChunkHeaderBytes + 4 * block));
}

struct FreeZstd {
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
};

// ZSTD_d_forceIgnoreChecksum. Its number is in zstd.h, its name and meaning only for programs that
// link ZSTD statically. So the library is tried: where it does something else, or nothing, frames
// are decoded with their checksums.
constexpr auto kIgnoreChecksum = ZSTD_d_experimentalParam3;

// The thread's own: it holds tables that each stream fills anew.
ZSTD_DCtx* NewZstdContext() {
  ZSTD_DCtx* const context = ZSTD_createDCtx();
  if (context == nullptr) throw std::bad_alloc();
  return context;
}

bool CanIgnoreChecksums() {
  static const bool can = [] {
    const std::unique_ptr<ZSTD_DCtx, FreeZstd> context(NewZstdContext());
    std::string frame;
    AppendStoredZstd("12345678", ZstdChecksum("12345678"), frame);
    std::array<char, 8> to;
    const auto decodes = [&] {
      return ZSTD_decompressDCtx(context.get(), to.data(), to.size(), frame.data(), frame.size()) ==
                 to.size() &&
             std::string_view(to.data(), to.size()) == "12345678";
    };
    if (!decodes()) return false;
    frame.back() ^= 1;
    if (decodes() || ZSTD_isError(ZSTD_DCtx_setParameter(context.get(), kIgnoreChecksum, 1))) {
      return false;
    }
    return decodes();
  }();
  return can;
}

ZSTD_DCtx* ZstdContext(bool ignores_checksums) {
  thread_local const std::unique_ptr<ZSTD_DCtx, FreeZstd> context(NewZstdContext());
  if (CanIgnoreChecksums()) {
    ZSTD_DCtx_setParameter(context.get(), kIgnoreChecksum, ignores_checksums ? 1 : 0);
  }
  return context.get();
}

// What a frame of ZSTD adds to blocks that do not get smaller: its own header and checksum, and a
// header of each block.
constexpr size_t kMaxStoredBlock = size_t{128} << 10;
constexpr size_t kBlockHeaderBytes = 3;

size_t ZstdHeaderBytes(size_t stream_bytes) {
  return 4 + 1 + (stream_bytes < 256 ? 1 : stream_bytes < 65536 + 256 ? 2 : 4);
}

// Of a stream, as files have it.
size_t MaxStreamBytes(bool is_zstd, size_t stream_bytes) {
  return is_zstd ? StoredZstdBytes(stream_bytes) + 16 : stream_bytes;
}

int ZstdLevel(int level) { return level < 9 ? 2 * level - 1 : ZSTD_maxCLevel(); }

ZSTD_CCtx* ZstdEncoder() {
  thread_local const std::unique_ptr<ZSTD_CCtx, FreeZstd> context(ZSTD_createCCtx());
  if (context == nullptr) throw std::bad_alloc();
  return context.get();
}

// Whether the first `wanted_bytes`, at least, of the stream's `to_bytes` are there afterwards.
bool Decompress(const StreamsFormat& format, std::string_view from, size_t wanted_bytes,
                size_t to_bytes, std::byte* to) {
  if (format.codec == StreamCodec::kZstd) {
    return ZSTD_decompressDCtx(ZstdContext(format.ignores_checksums), to, to_bytes, from.data(),
                               from.size()) == to_bytes;
  }
  auto* const output = reinterpret_cast<char*>(to);
  const auto from_size = static_cast<int>(from.size());
  const auto to_size = static_cast<int>(to_bytes);
  // Decoding only a part, LZ4 is up to 1.8 times slower.
  if (wanted_bytes <= to_bytes / 2) {
    const auto wanted = static_cast<int>(wanted_bytes);
    return LZ4_decompress_safe_partial(from.data(), output, from_size, wanted, to_size) >= wanted;
  }
  return LZ4_decompress_safe(from.data(), output, from_size, to_size) == to_size;
}

}  // namespace

Status DecodeStreams(const StreamsFormat& format, std::string_view chunk, int64_t block,
                     size_t block_bytes, size_t streams, const WantedBytes& wanted, std::byte* to,
                     const std::byte** in_place) {
  const uint32_t start = StartOf(chunk, block);
  if (start < format.directory_bytes || start >= chunk.size()) {
    return Mismatch(
        StatusCode::kCorrupt, "start", std::to_string(start),
        std::to_string(format.directory_bytes) + " to " + std::to_string(chunk.size() - 1));
  }
  const size_t stream_bytes = block_bytes / streams;
  std::string_view rest = chunk.substr(start);
  for (size_t stream = 0; stream < streams; ++stream, to += stream_bytes) {
    const size_t wanted_bytes = wanted.OfStream(stream, stream_bytes);
    if (wanted_bytes == 0) break;  // of no later one, either
    if (rest.size() < kLengthBytes) return Corrupt(stream, "no length", "one of 4 bytes");
    const int32_t length = LittleInt32(rest.data());
    rest.remove_prefix(kLengthBytes);
    if (length <= 0) {
      if (length < 0) {
        if (rest.empty() || (static_cast<uint8_t>(rest[0]) & kRunToken) == 0 ||
            length < kLowestRun) {
          return Corrupt(stream, "length " + std::to_string(length), "a run of one byte");
        }
        rest.remove_prefix(1);
      }
      std::memset(to, -length, wanted_bytes);
      continue;
    }
    const auto bytes = static_cast<size_t>(length);
    const size_t max_bytes =
        std::min(rest.size(), MaxStreamBytes(format.codec == StreamCodec::kZstd, stream_bytes));
    if (bytes > max_bytes) return TooLong(stream, bytes, max_bytes);
    if (bytes != stream_bytes) {
      if (!Decompress(format, rest.substr(0, bytes), wanted_bytes, stream_bytes, to)) {
        return Corrupt(stream, "damage", std::to_string(stream_bytes) + " bytes when decoded");
      }
    } else if (streams == 1 && in_place != nullptr) {
      *in_place = reinterpret_cast<const std::byte*>(rest.data());
    } else {
      std::memcpy(to, rest.data(), wanted_bytes);
    }
    rest.remove_prefix(bytes);
  }
  return {};
}

size_t StoredZstdBytes(size_t stream_bytes) {
  const size_t blocks = std::max<size_t>((stream_bytes + kMaxStoredBlock - 1) / kMaxStoredBlock, 1);
  return ZstdHeaderBytes(stream_bytes) + blocks * kBlockHeaderBytes + stream_bytes +
         sizeof(uint32_t);
}

// RFC 8878.
void AppendStoredZstd(std::string_view stream, uint32_t checksum, std::string& to) {
  constexpr uint64_t kMagic = 0xFD2FB528;
  constexpr uint64_t kOneSegmentWithChecksum = 0x24;
  const size_t size_bytes = ZstdHeaderBytes(stream.size()) - 5;
  const uint64_t size_code = size_bytes / 2;
  AppendLittle(to, kMagic, 4);
  AppendLittle(to, size_code << 6 | kOneSegmentWithChecksum, 1);
  AppendLittle(to, stream.size() - (size_bytes == 2 ? 256 : 0), size_bytes);
  std::string_view rest = stream;
  do {
    const std::string_view block = rest.substr(0, kMaxStoredBlock);
    rest.remove_prefix(block.size());
    AppendLittle(to, uint64_t{block.size()} << 3 | (rest.empty() ? 1 : 0), kBlockHeaderBytes);
    to.append(block);
  } while (!rest.empty());
  AppendLittle(to, checksum, 4);
}

// RFC 8878: a flag in the frame's header, and the checksum at its end. By ZSTD_compress2, which can
// write both, short streams take some percent longer.
size_t CompressZstd(std::string_view stream, int level, std::byte* to) {
  constexpr size_t kDescriptorAt = 4;
  constexpr std::byte kChecksumFlag{0x04};
  if (stream.size() <= kDescriptorAt + sizeof(uint32_t)) return 0;
  // With no more room ZSTD gives up where it would only copy.
  const size_t room = stream.size() - sizeof(uint32_t) - 1;
  const size_t size =
      ZSTD_compressCCtx(ZstdEncoder(), to, room, stream.data(), stream.size(), ZstdLevel(level));
  if (ZSTD_isError(size) != 0) return 0;
  to[kDescriptorAt] |= kChecksumFlag;
  const uint32_t checksum = ZstdChecksum(stream);
  for (size_t i = 0; i < sizeof(checksum); ++i) {
    to[size + i] = static_cast<std::byte>(checksum >> (8 * i));
  }
  return size + sizeof(checksum);
}

Status CheckStreams(const BloscChunk& chunk, std::string_view bytes, int64_t block) {
  const int64_t left = chunk.uncompressed_bytes - block * chunk.block_bytes;
  const auto block_bytes = static_cast<size_t>(std::min(chunk.block_bytes, left));
  const bool is_split = chunk.is_split && left >= chunk.block_bytes;
  const size_t streams = is_split ? std::max<size_t>(chunk.element_bytes, 1) : 1;
  const size_t max_bytes = MaxStreamBytes(chunk.codec == codec_id::kZstd, block_bytes / streams);
  std::string_view rest = bytes.substr(std::min<size_t>(StartOf(bytes, block), bytes.size()));
  for (size_t stream = 0; stream < streams && rest.size() >= kLengthBytes; ++stream) {
    const int32_t length = LittleInt32(rest.data());
    rest.remove_prefix(kLengthBytes);
    const size_t stored = length < 0 ? 1 : static_cast<size_t>(length);
    if (length > 0 && stored > max_bytes) return TooLong(stream, stored, max_bytes);
    rest.remove_prefix(std::min(stored, rest.size()));
  }
  return {};
}

Status CheckStreams(const BloscChunk& chunk, std::string_view bytes) {
  if (chunk.kind != ChunkKind::kBlocks || chunk.stored) return {};
  for (int64_t block = 0; block < chunk.block_count(); ++block) {
    Status status = CheckStreams(chunk, bytes, block);
    if (!status.ok()) return status.At("block " + std::to_string(block));
  }
  return {};
}

}  // namespace ndarray
