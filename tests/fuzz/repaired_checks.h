// Checksums put right after bytes were changed, so that inputs reach what is behind them: whoever
// forges a file can do so, too.
#ifndef GDAL_NDARRAY_TESTS_FUZZ_REPAIRED_CHECKS_H_
#define GDAL_NDARRAY_TESTS_FUZZ_REPAIRED_CHECKS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "driver/store/blosc2/blosc_chunk.h"
#include "driver/store/blosc2/chunk_checks.h"
#include "driver/store/checksum/checksum.h"

namespace ndarray::fuzz {

// Little-endian numbers anywhere in `bytes`; what is not there is 0, and is not written.
inline uint32_t LittleAt(std::string_view bytes, size_t at) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4 && at + i < bytes.size(); ++i) {
    value |= uint32_t{static_cast<unsigned char>(bytes[at + i])} << (8 * i);
  }
  return value;
}

template <typename T>
void PutLittleAt(std::string& bytes, size_t at, T value) {
  for (size_t i = 0; i < sizeof(T) && at + i < bytes.size(); ++i) {
    bytes[at + i] = static_cast<char>(static_cast<uint64_t>(value) >> (8 * i));
  }
}

// Those of the chunk that `bytes` have at `at`, where it seems to have any; returns its bytes, or 0
// where there is no chunk. Its layout is in chunk_checks.h.
inline size_t RepairChunk(std::string& bytes, size_t at) {
  const std::string_view rest = std::string_view(bytes).substr(at);
  const Result<BloscChunk> chunk = ParseChunkHeader(rest, rest.size());
  if (!chunk.ok()) return 0;
  const auto size_bytes = static_cast<size_t>(chunk->compressed_bytes);
  const std::string_view whole = rest.substr(0, size_bytes);
  if (chunk->kind == ChunkKind::kRepeated) {
    constexpr size_t kSumAt = 26;
    if (!SeemsToHaveChecks(*chunk, whole, "")) return size_bytes;
    PutLittleAt(bytes, at + kSumAt, uint32_t{0});
    PutLittleAt(bytes, at + kSumAt, Checksum32(whole));
    return size_bytes;
  }
  constexpr size_t kMagicBytes = 8;
  const auto mark_at = static_cast<size_t>(chunk->directory_bytes());
  const auto blocks =
      static_cast<size_t>(chunk->kind == ChunkKind::kBlocks ? chunk->block_count() : 0);
  const size_t first = mark_at + static_cast<size_t>(CheckTableBytes(static_cast<int64_t>(blocks)));
  if (first > whole.size() ||
      !SeemsToHaveChecks(*chunk, whole, whole.substr(mark_at, kMagicBytes))) {
    return size_bytes;
  }
  const size_t sums_at = mark_at + kMagicBytes;
  for (size_t block = 0; block < blocks; ++block) {
    const size_t start = LittleAt(whole, kChunkHeaderBytes + 4 * block);
    const size_t stop =
        block + 1 < blocks ? LittleAt(whole, kChunkHeaderBytes + 4 * (block + 1)) : whole.size();
    if (start < first || start > stop || stop > whole.size()) continue;
    PutLittleAt(bytes, at + sums_at + 4 * block, Checksum32(whole.substr(start, stop - start)));
  }
  const size_t sum_at = sums_at + 4 * blocks;
  PutLittleAt(bytes, at + sum_at, Checksum64(whole.substr(0, sum_at)));
  return size_bytes;
}

}  // namespace ndarray::fuzz

#endif  // GDAL_NDARRAY_TESTS_FUZZ_REPAIRED_CHECKS_H_
