#include "driver/store/archive/zip_writer.h"

#include <algorithm>
#include <utility>

#include "driver/store/archive/crc32.h"
#include "driver/store/buffer.h"
#include "driver/store/little_endian.h"

namespace ndarray {
namespace {

constexpr uint64_t kMax32 = 0xffffffff;  // in its place it says: see the ZIP64 field
constexpr uint64_t kMax16 = 0xffff;
constexpr uint64_t kPlainVersion = 20;  // 2.0: folders in names
constexpr uint64_t kZip64Version = 45;
constexpr uint64_t kMadeByUnix = 3 << 8;
constexpr uint64_t kFirstDay = 1 << 5 | 1;                  // 1980-01-01
constexpr uint64_t kRegularFile = uint64_t{0100644} << 16;  // what unpacking makes of it
constexpr uint64_t kZip64Field = 1;

uint64_t AtMost32(uint64_t value) { return std::min(value, kMax32); }

}  // namespace

// The bytes of a member in the archive.
class ZipWriter::Member final : public OutputFile {
 public:
  Member(OutputFile& file, uint64_t offset_bytes, uint64_t max_bytes)
      : OutputFile(file.path()), file_(file), offset_bytes_(offset_bytes), max_bytes_(max_bytes) {}

  Status Resize(uint64_t) override { return {}; }
  Status Reserve(uint64_t size_bytes) override { return file_.Reserve(offset_bytes_ + size_bytes); }
  Status Commit() override { return {}; }

  Status WriteAt(uint64_t offset_bytes, const void* from, size_t size_bytes) override {
    const bool again = size_bytes_ > 0 && offset_bytes == 0 && size_bytes == head_bytes_;
    if (!again && (offset_bytes != size_bytes_ || size_bytes > max_bytes_ - size_bytes_)) {
      return Mismatch(StatusCode::kInvalidArgument, "bytes of a member",
                      std::to_string(size_bytes) + " at " + std::to_string(offset_bytes),
                      "the next ones, " + std::to_string(max_bytes_) + " at most, or its first " +
                          std::to_string(head_bytes_) + " again")
          .At(path());
    }
    const Status status = file_.WriteAt(offset_bytes_ + offset_bytes, from, size_bytes);
    if (!status.ok()) return status;
    const uint32_t sum = Crc32(from, size_bytes);
    if (again) {
      head_crc_ = sum;
    } else if (size_bytes_ == 0) {
      head_crc_ = sum;
      head_bytes_ = size_bytes;
    } else {
      rest_crc_ = JoinedCrc32(rest_crc_, sum, size_bytes);
    }
    if (!again) size_bytes_ += size_bytes;
    return {};
  }

  uint64_t size_bytes() const { return size_bytes_; }
  uint32_t crc() const { return JoinedCrc32(head_crc_, rest_crc_, size_bytes_ - head_bytes_); }

 private:
  OutputFile& file_;
  const uint64_t offset_bytes_;  // of its first byte in the archive
  const uint64_t max_bytes_;
  uint64_t size_bytes_ = 0;
  uint64_t head_bytes_ = 0;  // of the first write
  uint32_t head_crc_ = 0;
  uint32_t rest_crc_ = 0;  // of all others
};

ZipWriter::ZipWriter(OutputFile& file) : file_(file) {}
ZipWriter::~ZipWriter() = default;

// 30 bytes, the name, the sizes again where these may not fit.
std::string ZipWriter::LocalHeader(const Entry& entry) {
  std::string header("PK\x03\x04", 4);
  AppendLittle(header, entry.is_large ? kZip64Version : kPlainVersion, 2);
  AppendLittle(header, 0, 2);  // flags
  AppendLittle(header, 0, 2);  // stored
  AppendLittle(header, 0, 2);  // time
  AppendLittle(header, kFirstDay, 2);
  AppendLittle(header, entry.crc, 4);
  AppendLittle(header, entry.is_large ? kMax32 : entry.size_bytes, 4);
  AppendLittle(header, entry.is_large ? kMax32 : entry.size_bytes, 4);
  AppendLittle(header, entry.name.size(), 2);
  AppendLittle(header, entry.is_large ? 20 : 0, 2);
  header += entry.name;
  if (!entry.is_large) return header;
  AppendLittle(header, kZip64Field, 2);
  AppendLittle(header, 16, 2);
  AppendLittle(header, entry.size_bytes, 8);
  AppendLittle(header, entry.size_bytes, 8);
  return header;
}

std::string ZipWriter::DirectoryEntry(const Entry& entry) {
  std::string zip64;
  if (entry.size_bytes >= kMax32) {
    AppendLittle(zip64, entry.size_bytes, 8);
    AppendLittle(zip64, entry.size_bytes, 8);
  }
  if (entry.offset_bytes >= kMax32) AppendLittle(zip64, entry.offset_bytes, 8);
  const uint64_t version = entry.is_large || !zip64.empty() ? kZip64Version : kPlainVersion;
  std::string bytes("PK\x01\x02", 4);
  AppendLittle(bytes, kMadeByUnix | version, 2);
  AppendLittle(bytes, version, 2);
  AppendLittle(bytes, 0, 2);  // flags
  AppendLittle(bytes, 0, 2);  // stored
  AppendLittle(bytes, 0, 2);  // time
  AppendLittle(bytes, kFirstDay, 2);
  AppendLittle(bytes, entry.crc, 4);
  AppendLittle(bytes, AtMost32(entry.size_bytes), 4);
  AppendLittle(bytes, AtMost32(entry.size_bytes), 4);
  AppendLittle(bytes, entry.name.size(), 2);
  AppendLittle(bytes, zip64.empty() ? 0 : 4 + zip64.size(), 2);
  AppendLittle(bytes, 0, 2);  // comment
  AppendLittle(bytes, 0, 2);  // disk
  AppendLittle(bytes, 0, 2);  // kind of bytes
  AppendLittle(bytes, kRegularFile, 4);
  AppendLittle(bytes, AtMost32(entry.offset_bytes), 4);
  bytes += entry.name;
  if (zip64.empty()) return bytes;
  AppendLittle(bytes, kZip64Field, 2);
  AppendLittle(bytes, zip64.size(), 2);
  return bytes + zip64;
}

std::string ZipWriter::DirectoryEnd(uint64_t directory_bytes) const {
  const uint64_t count = entries_.size();
  std::string end;
  if (count >= kMax16 || directory_bytes >= kMax32 || end_bytes_ >= kMax32) {
    end.append("PK\x06\x06", 4);
    AppendLittle(end, 44, 8);  // bytes that follow
    AppendLittle(end, kMadeByUnix | kZip64Version, 2);
    AppendLittle(end, kZip64Version, 2);
    AppendLittle(end, 0, 8);  // this disk, and that of the directory
    AppendLittle(end, count, 8);
    AppendLittle(end, count, 8);
    AppendLittle(end, directory_bytes, 8);
    AppendLittle(end, end_bytes_, 8);
    end.append("PK\x06\x07", 4);
    AppendLittle(end, 0, 4);
    AppendLittle(end, end_bytes_ + directory_bytes, 8);
    AppendLittle(end, 1, 4);  // disks
  }
  end.append("PK\x05\x06", 4);
  AppendLittle(end, 0, 4);
  AppendLittle(end, std::min(count, kMax16), 2);
  AppendLittle(end, std::min(count, kMax16), 2);
  AppendLittle(end, AtMost32(directory_bytes), 4);
  AppendLittle(end, AtMost32(end_bytes_), 4);
  AppendLittle(end, 0, 2);  // comment
  return end;
}

// With zeros in the place of what is known later.
Result<OutputFile*> ZipWriter::StartMember(const std::string& name, uint64_t max_bytes) {
  entries_.push_back({name, max_bytes >= kMax32, 0, 0, end_bytes_});
  const std::string header = LocalHeader(entries_.back());
  const Status status = file_.WriteAt(end_bytes_, header.data(), header.size());
  if (!status.ok()) return status;
  member_ = std::make_unique<Member>(file_, end_bytes_ + header.size(), max_bytes);
  return static_cast<OutputFile*>(member_.get());
}

Status ZipWriter::FinishMember() {
  Entry& entry = entries_.back();
  entry.crc = member_->crc();
  entry.size_bytes = member_->size_bytes();
  member_.reset();
  const std::string header = LocalHeader(entry);
  end_bytes_ += header.size() + entry.size_bytes;
  return file_.WriteAt(entry.offset_bytes, header.data(), header.size());
}

Status ZipWriter::Add(const std::string& name, std::string_view bytes) {
  Result<OutputFile*> member = StartMember(name, bytes.size());
  if (!member.ok()) return member.status();
  const Status status = (*member)->WriteAt(0, bytes.data(), bytes.size());
  return status.ok() ? FinishMember() : status;
}

Status ZipWriter::AddRange(const std::string& name, const ByteFile& from, uint64_t offset_bytes,
                           uint64_t size_bytes) {
  constexpr uint64_t kPieceBytes = uint64_t{4} << 20;
  Result<OutputFile*> member = StartMember(name, size_bytes);
  if (!member.ok()) return member.status();
  Buffer piece(static_cast<size_t>(std::min(kPieceBytes, size_bytes)));
  for (uint64_t at = 0; at < size_bytes; at += kPieceBytes) {
    const auto count = static_cast<size_t>(std::min(kPieceBytes, size_bytes - at));
    Status status = from.Read({{offset_bytes + at, count, piece.data()}});
    if (status.ok()) status = (*member)->WriteAt(at, piece.data(), count);
    if (!status.ok()) return status;
    copied_bytes_ += count;
    const double done = static_cast<double>(copied_bytes_) / static_cast<double>(copies_bytes_);
    status = ReportProgress(progress_, std::min(done, 1.0));
    if (!status.ok()) return status.At(file_.path());
  }
  return FinishMember();
}

Status ZipWriter::Finish() {
  std::string directory;
  for (const Entry& entry : entries_) directory += DirectoryEntry(entry);
  directory += DirectoryEnd(directory.size());
  return file_.WriteAt(end_bytes_, directory.data(), directory.size());
}

}  // namespace ndarray
