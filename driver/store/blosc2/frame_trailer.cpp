#include "driver/store/blosc2/frame_trailer.h"

#include "driver/store/blosc2/byte_reader.h"

namespace ndarray {
namespace {

constexpr size_t kLengthAt = 22;  // from the end
constexpr size_t kMaxEntries = 8192;
constexpr size_t kMaxEntryBytes = 1 + kMaxAttributeNameBytes + 5;
constexpr char kVersion = 1;
constexpr size_t kFingerprintBytes = 16;

// The number of entries; the reader is where the first one begins.
Result<size_t> ReadCount(ByteReader& reader) {
  reader.Expect(0x94);
  reader.Take(1);  // the trailer's version
  reader.Expect(0x93);
  reader.Expect(0xcd);
  reader.Take(2);
  reader.Expect(0xde);
  const size_t count = reader.Big<uint16_t>();
  if (!reader.ok()) return Corrupt("trailer", "other bytes", "names and contents in msgpack");
  if (count > kMaxEntries) {
    return Corrupt("attributes", std::to_string(count), "at most " + std::to_string(kMaxEntries));
  }
  return count;
}

template <typename T>
void AppendBig(std::string& bytes, char marker, T value) {
  bytes.push_back(marker);
  for (size_t i = sizeof(T); i-- > 0;) bytes.push_back(static_cast<char>(value >> (8 * i) & 0xFF));
}

}  // namespace

Result<uint64_t> FrameTrailerBytes(std::string_view end) {
  if (end.size() < kFrameTrailerMinBytes) {
    return Corrupt("trailer", std::to_string(end.size()) + " bytes",
                   "at least " + std::to_string(kFrameTrailerMinBytes));
  }
  ByteReader reader(end.substr(end.size() - kLengthAt - 1));
  reader.Expect(0xce);
  const auto size_bytes = reader.Big<uint32_t>();
  reader.Expect(0xd8);
  if (!reader.ok()) return Corrupt("trailer", "other bytes", "the end of a Blosc2 frame");
  return size_bytes;
}

Result<uint64_t> FrameTrailerNamesBytes(std::string_view start) {
  ByteReader reader(start);
  Result<size_t> count = ReadCount(reader);
  if (!count.ok()) return count.status();
  return kFrameTrailerStartBytes + *count * kMaxEntryBytes;
}

Result<std::vector<TrailerEntry>> ParseFrameTrailer(std::string_view start) {
  ByteReader reader(start);
  Result<size_t> count = ReadCount(reader);
  if (!count.ok()) return count.status();
  std::vector<TrailerEntry> entries;
  for (size_t i = 0; i < *count; ++i) {
    const auto marker = reader.Big<uint8_t>();
    const std::string name(reader.Take(marker & 0x1f));
    reader.Expect(0xd2);
    const auto offset = reader.Big<uint32_t>();
    if (!reader.ok() || (marker & 0xe0) != 0xa0) {
      return Corrupt("trailer", "other bytes",
                     "name " + std::to_string(i + 1) + " of " + std::to_string(*count));
    }
    entries.push_back({name, offset});
  }
  return entries;
}

Result<uint64_t> ContentBytes(std::string_view header) {
  ByteReader reader(header);
  reader.Expect(0xc6);
  const auto size_bytes = reader.Big<uint32_t>();
  if (!reader.ok()) return Corrupt("content", "other bytes", "a msgpack binary");
  return size_bytes;
}

std::string FormatFrameTrailer(const std::vector<std::pair<std::string, std::string>>& contents) {
  const auto count = static_cast<uint16_t>(contents.size());
  size_t names_bytes = 6;
  for (const auto& [name, content] : contents) names_bytes += 1 + name.size() + 5;
  std::string bytes = {'\x94', kVersion, '\x93'};
  AppendBig(bytes, '\xcd', static_cast<uint16_t>(names_bytes));
  AppendBig(bytes, '\xde', count);
  uint64_t offset = bytes.size() + names_bytes - 6 + 3;
  for (const auto& [name, content] : contents) {
    bytes.push_back(static_cast<char>(0xa0 | name.size()));
    bytes += name;
    AppendBig(bytes, '\xd2', static_cast<uint32_t>(offset));
    offset += kContentHeaderBytes + content.size();
  }
  AppendBig(bytes, '\xdc', count);
  for (const auto& [name, content] : contents) {
    AppendBig(bytes, '\xc6', static_cast<uint32_t>(content.size()));
    bytes += content;
  }
  AppendBig(bytes, '\xce', static_cast<uint32_t>(bytes.size() + kLengthAt + 1));
  return bytes.append({'\xd8', '\0'}).append(kFingerprintBytes, '\0');
}

}  // namespace ndarray
