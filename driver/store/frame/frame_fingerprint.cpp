#include "driver/store/frame/frame_fingerprint.h"

#include "driver/store/blosc2/b2nd_layout.h"
#include "driver/store/blosc2/byte_reader.h"
#include "driver/store/blosc2/frame_header.h"
#include "driver/store/checksum/checksum.h"
#include "driver/store/little_endian.h"

namespace ndarray {
namespace {

constexpr size_t kBytes = 16;
constexpr size_t kTrailerSumAt = 12;
constexpr std::string_view kMagic("nd\1", 3);
// In the header: how new chunks are compressed, and by how many threads.
constexpr size_t kCompressorAt = 27;
constexpr size_t kThreadsAt = 62;
constexpr size_t kThreadsBytes = 6;
constexpr size_t kFiltersAt = 71;
constexpr size_t kFiltersBytes = 16;
constexpr uint8_t kEveryChunk = 0x01;
constexpr uint8_t kNoChecksums = 0x02;

}  // namespace

HeaderSums SumHeader(std::string_view header) {
  HeaderSums sums;
  std::string masked(header);
  const auto mask = [&](size_t at, size_t size) { masked.replace(at, size, size, '\0'); };
  mask(kFrameLengthsAt, kFrameLengthsBytes);
  mask(kCompressorAt, 1);
  mask(kThreadsAt, kThreadsBytes);
  mask(kFiltersAt, kFiltersBytes);
  const Result<FrameHeader> parsed = ParseFrameHeader(header);
  if (!parsed.ok()) return sums;
  for (const Metalayer& layer : parsed->metalayers) {
    std::string kept(layer.content.size(), '\0');
    if (layer.name == "b2nd") {
      B2ndParts parts = SplitB2ndMetalayer(layer.content);
      sums.shape = Checksum32(parts.shape);
      kept = std::move(parts.all_but_shape);
    }
    masked.replace(static_cast<size_t>(layer.content.data() - header.data()), kept.size(), kept);
  }
  sums.header = Checksum64(masked);
  return sums;
}

std::optional<Fingerprint> ParseFingerprint(std::string_view trailer_end) {
  if (trailer_end.size() < kBytes) return std::nullopt;
  ByteReader reader(trailer_end.substr(trailer_end.size() - kBytes));
  if (reader.Take(kMagic.size()) != kMagic) return std::nullopt;
  const auto flags = reader.Little<uint8_t>();
  Fingerprint fingerprint;
  fingerprint.every_chunk = (flags & kEveryChunk) != 0;
  fingerprint.no_checksums = (flags & kNoChecksums) != 0;
  fingerprint.frame = reader.Little<uint32_t>();
  fingerprint.shape = reader.Little<uint32_t>();
  fingerprint.trailer = reader.Little<uint32_t>();
  return fingerprint;
}

uint32_t SumFrame(const HeaderSums& header, uint64_t index_sum) {
  std::string numbers;
  AppendLittle(numbers, header.header, 8);
  AppendLittle(numbers, index_sum, 8);
  return Checksum32(numbers);
}

uint32_t SumTrailer(std::string_view trailer) {
  return Checksum32(trailer.substr(0, trailer.size() - (kBytes - kTrailerSumAt)));
}

void PutFingerprint(std::string& trailer, bool every_chunk, bool no_checksums,
                    const HeaderSums& header, std::string_view index) {
  std::string bytes(kMagic);
  bytes.push_back(
      static_cast<char>((every_chunk ? kEveryChunk : 0) | (no_checksums ? kNoChecksums : 0)));
  AppendLittle(bytes, SumFrame(header, Checksum64(index)), 4);
  AppendLittle(bytes, header.shape, 4);
  trailer.replace(trailer.size() - kBytes, bytes.size(), bytes);
  std::string sum;
  AppendLittle(sum, SumTrailer(trailer), 4);
  trailer.replace(trailer.size() - sum.size(), sum.size(), sum);
}

}  // namespace ndarray
