#include "driver/store/blosc2/block_streams.h"

#include <lz4.h>
#include <zstd.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <new>
#include <string>

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
};

// The thread's own: it holds tables that each stream fills anew.
ZSTD_DCtx* ZstdContext() {
  thread_local const std::unique_ptr<ZSTD_DCtx, FreeZstd> context(ZSTD_createDCtx());
  if (context == nullptr) throw std::bad_alloc();
  return context.get();
}

// Whether the first `wanted_bytes`, at least, of the stream's `to_bytes` are there afterwards.
bool Decompress(StreamCodec codec, std::string_view from, size_t wanted_bytes, size_t to_bytes,
                std::byte* to) {
  if (codec == StreamCodec::kZstd) {
    return ZSTD_decompressDCtx(ZstdContext(), to, to_bytes, from.data(), from.size()) == to_bytes;
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
    const size_t max_bytes = std::min(rest.size(), stream_bytes);
    if (bytes > max_bytes) return TooLong(stream, bytes, max_bytes);
    if (bytes != stream_bytes) {
      if (!Decompress(format.codec, rest.substr(0, bytes), wanted_bytes, stream_bytes, to)) {
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

Status CheckStreams(const BloscChunk& chunk, std::string_view bytes, int64_t block) {
  const int64_t left = chunk.uncompressed_bytes - block * chunk.block_bytes;
  const auto block_bytes = static_cast<size_t>(std::min(chunk.block_bytes, left));
  const bool is_split = chunk.is_split && left >= chunk.block_bytes;
  const size_t streams = is_split ? std::max<size_t>(chunk.element_bytes, 1) : 1;
  const size_t max_bytes = block_bytes / streams;
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
