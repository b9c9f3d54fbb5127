#include "driver/store/archive/zip_directory.h"

#include <algorithm>
#include <iterator>
#include <numeric>
#include <optional>

#include "driver/store/damage.h"
#include "driver/store/little_endian.h"
#include "driver/store/text.h"

namespace ndarray {
namespace {

constexpr std::string_view kLocalMagic("PK\x03\x04", 4);
constexpr std::string_view kEntryMagic("PK\x01\x02", 4);
constexpr std::string_view kEndMagic("PK\x05\x06", 4);
constexpr std::string_view kEnd64Magic("PK\x06\x06", 4);
constexpr std::string_view kLocator64Magic("PK\x06\x07", 4);

constexpr size_t kLocalBytes = 30;
constexpr size_t kEntryBytes = 46;
constexpr size_t kEndBytes = 22;
constexpr size_t kEnd64Bytes = 56;
constexpr size_t kLocator64Bytes = 20;
constexpr size_t kMaxCommentBytes = 0xFFFF;
constexpr uint16_t kExtra64 = 1;
constexpr uint32_t kIn64 = 0xFFFFFFFF;  // the number is in a ZIP64 record instead
constexpr uint32_t kIn64Short = 0xFFFF;

// Deflate makes at most 258 bytes out of two bits; what claims more was made to take time.
constexpr uint64_t kMaxDeflateRatio = 1032;
constexpr uint64_t kDeflateSlackBytes = 1032;

uint16_t Short(std::string_view text, size_t at) { return LittleAt<uint16_t>(text, at); }
uint32_t Word(std::string_view text, size_t at) { return LittleAt<uint32_t>(text, at); }
uint64_t Long(std::string_view text, size_t at) { return LittleAt<uint64_t>(text, at); }

bool StartsWith(std::string_view text, std::string_view start) {
  return text.substr(0, start.size()) == start;
}

std::string At(std::string_view name) { return "member '" + Excerpt(name) + "'"; }

// Takes numbers that did not fit into a header out of its ZIP64 extra field, in the order in which
// the format has them.
class Extra64 {
 public:
  explicit Extra64(std::string_view extras) {
    while (extras.size() >= 4) {
      const size_t size = Short(extras, 2);
      if (size > extras.size() - 4) break;
      if (Short(extras, 0) == kExtra64) {
        rest_ = extras.substr(4, size);
        return;
      }
      extras.remove_prefix(4 + size);
    }
  }

  // False where it is to be there, and is not.
  bool Take(uint64_t& number) {
    if (number != kIn64) return true;
    if (rest_.size() < 8) return false;
    number = Long(rest_, 0);
    rest_.remove_prefix(8);
    return true;
  }

 private:
  std::string_view rest_;
};

// One entry of the directory, of which the variable part is known to be there.
Result<ZipMember> ParseEntry(std::string_view entry) {
  ZipMember member;
  const size_t name_bytes = Short(entry, 28);
  member.name = entry.substr(kEntryBytes, name_bytes);
  const std::string where = At(member.name);
  constexpr uint16_t kEncrypted = 1;
  member.is_encrypted = (Short(entry, 8) & kEncrypted) != 0;
  member.method = Short(entry, 10);
  member.crc32 = Word(entry, 16);
  member.packed_bytes = Word(entry, 20);
  member.size_bytes = Word(entry, 24);
  member.header_offset_bytes = Word(entry, 42);
  Extra64 extra(entry.substr(kEntryBytes + name_bytes, Short(entry, 30)));
  if (!extra.Take(member.size_bytes) || !extra.Take(member.packed_bytes) ||
      !extra.Take(member.header_offset_bytes)) {
    return Corrupt("ZIP64 field", "none", "one for the sizes and the offset").At(where);
  }
  if (member.name.find('\0') != std::string::npos) {
    return Corrupt("name", "'" + Excerpt(member.name) + "'", "a text without NUL").At("member");
  }
  if (const uint16_t disk = Short(entry, 34); disk != 0 && disk != kIn64Short) {
    return Mismatch(StatusCode::kNotSupported, "disk", std::to_string(disk), "one file for all")
        .At(where);
  }
  if (member.method == zip_method::kStored && member.size_bytes != member.packed_bytes &&
      !member.is_encrypted) {
    return Corrupt("size", std::to_string(member.size_bytes) + " bytes",
                   std::to_string(member.packed_bytes) + ", as many as are stored")
        .At(where);
  }
  if (member.method == zip_method::kDeflated &&
      member.size_bytes / kMaxDeflateRatio > member.packed_bytes + kDeflateSlackBytes) {
    return Corrupt("size", std::to_string(member.size_bytes) + " bytes",
                   "what " + std::to_string(member.packed_bytes) + " deflated ones can hold")
        .At(where);
  }
  return member;
}

}  // namespace

struct ZipDirectory::End {
  uint64_t members = 0;
  uint64_t directory_bytes = 0;
  uint64_t directory_offset_bytes = 0;  // in the file
  uint64_t bytes_before = 0;            // which the archive's offsets do not count
  uint64_t bytes_after = 0;
};

bool HasZipMagic(std::string_view start) {
  return StartsWith(start, kLocalMagic) || StartsWith(start, kEndMagic);
}

bool EndsWithZip(const ByteFile& file) { return ZipDirectory::Read(file).ok(); }

namespace {

// Where the record at the end of the archive starts: the last one after which there is just its
// comment, else the last one at all.
std::optional<size_t> FindEndRecord(std::string_view text) {
  if (text.size() < kEndBytes) return std::nullopt;
  std::optional<size_t> last;
  for (size_t at = text.rfind(kEndMagic, text.size() - kEndBytes); at != std::string_view::npos;
       at = at == 0 ? std::string_view::npos : text.rfind(kEndMagic, at - 1)) {
    if (at + kEndBytes + Short(text, at + 20) == text.size()) return at;
    if (!last) last = at;
  }
  return last;
}

// Bytes of the file, of which `tail` is the end.
Status ReadFrom(const ByteFile& file, const std::string& tail, uint64_t at, uint64_t size_bytes,
                std::string& to) {
  const uint64_t tail_at = file.size_bytes() - tail.size();
  if (at < tail_at) return ReadBytes(file, at, size_bytes, to);
  to = tail.substr(at - tail_at, size_bytes);
  return {};
}

// Where a ZIP64 record is: right before its locator, at byte `locator_at` of the file, or, where it
// is a longer one, at the offset that this says.
Result<uint64_t> FindEnd64(const ByteFile& file, const std::string& tail, uint64_t locator_at,
                           uint64_t offset, std::string& record) {
  if (locator_at < kEnd64Bytes || offset > locator_at - kEnd64Bytes) {
    return Corrupt("offset of the ZIP64 record", std::to_string(offset),
                   "one before byte " + std::to_string(locator_at));
  }
  for (const uint64_t at : {locator_at - kEnd64Bytes, offset}) {
    Status status = ReadFrom(file, tail, at, kEnd64Bytes, record);
    if (!status.ok()) return status;
    if (StartsWith(record, kEnd64Magic)) return at;
  }
  return Corrupt("ZIP64 record", EscapedBytes(record.substr(0, 4)), "PK\\x06\\x06");
}

}  // namespace

// `tail` is the end of the file, with all that may be a comment.
Result<ZipDirectory::End> ZipDirectory::FindEnd(const ByteFile& file, std::string& tail) {
  const uint64_t file_bytes = file.size_bytes();
  const auto tail_bytes = static_cast<size_t>(
      std::min<uint64_t>(file_bytes, kEnd64Bytes + kLocator64Bytes + kEndBytes + kMaxCommentBytes));
  Status status = ReadBytes(file, file_bytes - tail_bytes, tail_bytes, tail);
  if (!status.ok()) return status;
  const std::string_view text(tail);
  const std::optional<size_t> found = FindEndRecord(text);
  if (!found) {
    return Corrupt("end of the directory", "none",
                   "one in the last " + std::to_string(tail_bytes) + " bytes");
  }
  End end;
  const std::string_view record = text.substr(*found);
  end.members = Short(record, 10);
  end.directory_bytes = Word(record, 12);
  end.directory_offset_bytes = Word(record, 16);
  end.bytes_after = record.size() - kEndBytes;
  uint64_t stop = file_bytes - record.size();  // where the directory has to end
  uint64_t disk = Short(record, 4);
  if (*found >= kLocator64Bytes &&
      StartsWith(text.substr(*found - kLocator64Bytes), kLocator64Magic)) {
    std::string record64;
    const Result<uint64_t> at = FindEnd64(file, tail, stop - kLocator64Bytes,
                                          Long(text, *found - kLocator64Bytes + 8), record64);
    if (!at.ok()) return at.status();
    end.members = Long(record64, 32);
    end.directory_bytes = Long(record64, 40);
    end.directory_offset_bytes = Long(record64, 48);
    stop = *at;
    disk = Word(record64, 16);
  }
  if (disk != 0 && disk != kIn64Short) {
    return Mismatch(StatusCode::kNotSupported, "disks", std::to_string(disk + 1),
                    "one file for all");
  }
  if (end.directory_bytes > stop || end.directory_offset_bytes > stop - end.directory_bytes) {
    return Corrupt("directory",
                   std::to_string(end.directory_bytes) + " bytes at " +
                       std::to_string(end.directory_offset_bytes),
                   "ones that end at byte " + std::to_string(stop));
  }
  end.bytes_before = stop - end.directory_bytes - end.directory_offset_bytes;
  end.directory_offset_bytes += end.bytes_before;
  return end;
}

Result<ZipDirectory> ZipDirectory::Load(const ByteFile& file) {
  std::string tail;
  Result<End> end = FindEnd(file, tail);
  if (!end.ok()) return end.status();
  if (end->directory_bytes > kMaxZipDirectoryBytes) {
    return Mismatch(StatusCode::kNotSupported, "directory",
                    std::to_string(end->directory_bytes) + " bytes",
                    "at most " + std::to_string(kMaxZipDirectoryBytes));
  }
  if (end->members > end->directory_bytes / kEntryBytes) {
    return Corrupt("members", std::to_string(end->members),
                   "at most " + std::to_string(end->directory_bytes / kEntryBytes) + " in " +
                       std::to_string(end->directory_bytes) + " bytes of directory");
  }
  std::string bytes;
  Status status = ReadFrom(file, tail, end->directory_offset_bytes, end->directory_bytes, bytes);
  if (!status.ok()) return status;
  ZipDirectory directory;
  status = directory.AddMembers(bytes, *end);
  if (status.ok()) status = directory.CheckOrder(*end);
  if (!status.ok()) return status;
  return directory;
}

Status ZipDirectory::AddMembers(std::string_view bytes, const End& end) {
  members_.reserve(end.members);
  for (uint64_t i = 0; i < end.members; ++i) {
    const std::string where = "entry " + std::to_string(i);
    if (bytes.size() < kEntryBytes || !StartsWith(bytes, kEntryMagic)) {
      return Corrupt("directory", EscapedBytes(bytes.substr(0, 4)), "PK\\x01\\x02").At(where);
    }
    const size_t entry_bytes =
        kEntryBytes + Short(bytes, 28) + size_t{Short(bytes, 30)} + Short(bytes, 32);
    if (entry_bytes > bytes.size()) {
      return Corrupt("length", std::to_string(entry_bytes) + " bytes",
                     "at most " + std::to_string(bytes.size()))
          .At(where);
    }
    Result<ZipMember> member = ParseEntry(bytes.substr(0, entry_bytes));
    if (!member.ok()) return member.status();
    // What no file can have stays what it is, and is found to be no place.
    uint64_t& offset = member->header_offset_bytes;
    offset += std::min(end.bytes_before, UINT64_MAX - offset);
    members_.push_back(std::move(*member));
    bytes.remove_prefix(entry_bytes);
  }
  if (!bytes.empty()) {
    return Corrupt("directory",
                   std::to_string(bytes.size()) + " bytes after its " +
                       std::to_string(end.members) + " members",
                   "none");
  }
  by_name_.resize(members_.size());
  std::iota(by_name_.begin(), by_name_.end(), size_t{0});
  std::stable_sort(by_name_.begin(), by_name_.end(),
                   [this](size_t a, size_t b) { return members_[a].name < members_[b].name; });
  return {};
}

// In the order in which they lie in the file, each has room for its header and its bytes.
Status ZipDirectory::CheckOrder(const End& end) {
  std::vector<size_t> order(members_.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [this](size_t a, size_t b) {
    return members_[a].header_offset_bytes < members_[b].header_offset_bytes;
  });
  uint64_t stop = end.directory_offset_bytes;
  for (size_t i = order.size(); i-- > 0;) {
    ZipMember& member = members_[order[i]];
    const uint64_t header_bytes = kLocalBytes + member.name.size();
    const uint64_t room = stop - std::min(stop, member.header_offset_bytes);
    if (room < header_bytes || member.packed_bytes > room - header_bytes) {
      return Corrupt("place",
                     std::to_string(member.packed_bytes) + " bytes after a header at byte " +
                         std::to_string(member.header_offset_bytes),
                     "ones that end before byte " + std::to_string(stop) +
                         ", where the next member or the directory starts")
          .At(At(member.name));
    }
    member.end_offset_bytes = stop;
    stop = member.header_offset_bytes;
  }
  bytes_before_ = stop;
  bytes_after_ = end.bytes_after;
  return {};
}

Result<ZipDirectory> ZipDirectory::Read(const ByteFile& file) {
  Result<ZipDirectory> directory = Load(file);
  if (!directory.ok()) return DamagedFile(directory.status(), file.path(), kCopyAgain);
  return directory;
}

const ZipMember* ZipDirectory::Find(std::string_view name) const {
  const auto after = std::upper_bound(
      by_name_.begin(), by_name_.end(), name,
      [this](std::string_view wanted, size_t number) { return wanted < members_[number].name; });
  if (after == by_name_.begin()) return nullptr;
  const ZipMember& last = members_[*std::prev(after)];
  return last.name == name ? &last : nullptr;
}

Result<uint64_t> ZipMemberOffset(const ByteFile& file, const ZipMember& member) {
  std::string header;
  Status status =
      ReadBytes(file, member.header_offset_bytes, kLocalBytes + member.name.size(), header);
  if (!status.ok()) return status;
  const auto differs = [&](std::string_view field, std::string_view found,
                           std::string_view wanted) {
    return DamagedFile(Corrupt(field, found, wanted).At(At(member.name)), file.path(), kCopyAgain);
  };
  if (!StartsWith(header, kLocalMagic)) {
    return differs("local header", EscapedBytes(header.substr(0, 4)), "PK\\x03\\x04");
  }
  if (Short(header, 26) != member.name.size() || header.substr(kLocalBytes) != member.name) {
    return differs("name in the local header", "'" + Excerpt(header.substr(kLocalBytes)) + "'",
                   "that of the directory");
  }
  if (Short(header, 8) != member.method) {
    return differs("method in the local header", std::to_string(Short(header, 8)),
                   std::to_string(member.method));
  }
  const uint64_t offset = member.header_offset_bytes + header.size() + Short(header, 28);
  if (offset > member.end_offset_bytes || member.packed_bytes > member.end_offset_bytes - offset) {
    return differs("place",
                   std::to_string(member.packed_bytes) + " bytes at " + std::to_string(offset),
                   "ones that end before byte " + std::to_string(member.end_offset_bytes));
  }
  return offset;
}

}  // namespace ndarray
