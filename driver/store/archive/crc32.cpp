#include "driver/store/archive/crc32.h"

#include <zlib.h>

#include <algorithm>
#include <cstdio>
#include <vector>

#include "driver/store/buffer.h"
#include "driver/store/thread_pool.h"

namespace ndarray {
namespace {

// What a thread takes, and how much is in memory.
constexpr size_t kPartBytes = size_t{128} << 10;
constexpr size_t kMaxParts = 16;
constexpr uint64_t kPieceBytes = uint64_t{4} << 20;

std::string Hex(uint32_t sum) {
  char text[11];
  std::snprintf(text, sizeof(text), "0x%08x", sum);
  return text;
}

}  // namespace

uint32_t Crc32(const void* bytes, size_t size_bytes) {
  const auto* const from = static_cast<const Bytef*>(bytes);
  const auto sum = [&](size_t offset, size_t count) {
    return static_cast<uint32_t>(crc32_z(0, from + offset, count));
  };
  if (size_bytes <= kPartBytes) return sum(0, size_bytes);
  const size_t count = (size_bytes - 1) / kPartBytes + 1;
  std::vector<uint32_t> sums(count);
  const auto size_of = [&](size_t i) { return std::min(kPartBytes, size_bytes - i * kPartBytes); };
  ParallelFor(static_cast<int64_t>(count), static_cast<int>(std::min(count, kMaxParts)),
              [&](int64_t part) {
                const auto i = static_cast<size_t>(part);
                sums[i] = sum(i * kPartBytes, size_of(i));
              });
  uint32_t all = sums[0];
  for (size_t i = 1; i < count; ++i) all = JoinedCrc32(all, sums[i], size_of(i));
  return all;
}

uint32_t JoinedCrc32(uint32_t first, uint32_t second, uint64_t second_bytes) {
  return static_cast<uint32_t>(crc32_combine(first, second, static_cast<z_off_t>(second_bytes)));
}

Result<uint32_t> Crc32Of(const ByteFile& file, const ProgressFn& progress) {
  const uint64_t size_bytes = file.size_bytes();
  Buffer piece(static_cast<size_t>(std::min(kPieceBytes, size_bytes)));
  uint32_t sum = 0;
  for (uint64_t at = 0; at < size_bytes; at += kPieceBytes) {
    const auto count = static_cast<size_t>(std::min(kPieceBytes, size_bytes - at));
    Status status = file.Read({{at, count, piece.data()}});
    if (!status.ok()) return status;
    sum = JoinedCrc32(sum, Crc32(piece.data(), count), count);
    status =
        ReportProgress(progress, static_cast<double>(at + count) / static_cast<double>(size_bytes));
    if (!status.ok()) return status.At(file.path());
  }
  return sum;
}

Status CheckCrc32(uint32_t found, uint32_t wanted) {
  return found == wanted ? Status() : Corrupt("CRC-32", Hex(found), Hex(wanted));
}

}  // namespace ndarray
