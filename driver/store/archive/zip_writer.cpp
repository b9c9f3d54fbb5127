#include "driver/store/archive/zip_writer.h"

#include <zlib.h>

#include <algorithm>
#include <utility>

#include "driver/store/buffer.h"
#include "driver/store/thread_pool.h"

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

void Put(std::string& to, int bytes, uint64_t value) {
  for (int i = 0; i < bytes; ++i) to.push_back(static_cast<char>(value >> (8 * i) & 0xff));
}

uint64_t AtMost32(uint64_t value) { return std::min(value, kMax32); }

// zlib's, of pieces by all threads where there are several: it takes as long as writing does.
uint32_t SumBytes(const void* bytes, size_t size_bytes) {
  constexpr size_t kPieceBytes = size_t{128} << 10;
  const auto* const from = static_cast<const Bytef*>(bytes);
  const auto sum = [&](size_t offset, size_t count) {
    return static_cast<uint32_t>(crc32_z(0, from + offset, count));
  };
  if (size_bytes <= kPieceBytes) return sum(0, size_bytes);
  const size_t count = (size_bytes - 1) / kPieceBytes + 1;
  std::vector<uint32_t> sums(count);
  const auto size_of = [&](size_t i) {
    return std::min(kPieceBytes, size_bytes - i * kPieceBytes);
  };
  ParallelFor(static_cast<int64_t>(count), static_cast<int>(std::min<size_t>(count, 16)),
              [&](int64_t piece) {
                const auto i = static_cast<size_t>(piece);
                sums[i] = sum(i * kPieceBytes, size_of(i));
              });
  uLong all = sums[0];
  for (size_t i = 1; i < count; ++i) {
    all = crc32_combine(all, sums[i], static_cast<z_off_t>(size_of(i)));
  }
  return static_cast<uint32_t>(all);
}

uint32_t Combine(uint32_t first, uint32_t second, uint64_t second_bytes) {
  return static_cast<uint32_t>(crc32_combine(first, second, static_cast<z_off_t>(second_bytes)));
}

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
    const uint32_t sum = SumBytes(from, size_bytes);
    if (again) {
      head_crc_ = sum;
    } else if (size_bytes_ == 0) {
      head_crc_ = sum;
      head_bytes_ = size_bytes;
    } else {
      rest_crc_ = Combine(rest_crc_, sum, size_bytes);
    }
    if (!again) size_bytes_ += size_bytes;
    return {};
  }

  uint64_t size_bytes() const { return size_bytes_; }
  uint32_t crc() const { return Combine(head_crc_, rest_crc_, size_bytes_ - head_bytes_); }

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
  Put(header, 2, entry.is_large ? kZip64Version : kPlainVersion);
  Put(header, 2, 0);  // flags
  Put(header, 2, 0);  // stored
  Put(header, 2, 0);  // time
  Put(header, 2, kFirstDay);
  Put(header, 4, entry.crc);
  Put(header, 4, entry.is_large ? kMax32 : entry.size_bytes);
  Put(header, 4, entry.is_large ? kMax32 : entry.size_bytes);
  Put(header, 2, entry.name.size());
  Put(header, 2, entry.is_large ? 20 : 0);
  header += entry.name;
  if (!entry.is_large) return header;
  Put(header, 2, kZip64Field);
  Put(header, 2, 16);
  Put(header, 8, entry.size_bytes);
  Put(header, 8, entry.size_bytes);
  return header;
}

std::string ZipWriter::DirectoryEntry(const Entry& entry) {
  std::string zip64;
  if (entry.size_bytes >= kMax32) {
    Put(zip64, 8, entry.size_bytes);
    Put(zip64, 8, entry.size_bytes);
  }
  if (entry.offset_bytes >= kMax32) Put(zip64, 8, entry.offset_bytes);
  const uint64_t version = entry.is_large || !zip64.empty() ? kZip64Version : kPlainVersion;
  std::string bytes("PK\x01\x02", 4);
  Put(bytes, 2, kMadeByUnix | version);
  Put(bytes, 2, version);
  Put(bytes, 2, 0);  // flags
  Put(bytes, 2, 0);  // stored
  Put(bytes, 2, 0);  // time
  Put(bytes, 2, kFirstDay);
  Put(bytes, 4, entry.crc);
  Put(bytes, 4, AtMost32(entry.size_bytes));
  Put(bytes, 4, AtMost32(entry.size_bytes));
  Put(bytes, 2, entry.name.size());
  Put(bytes, 2, zip64.empty() ? 0 : 4 + zip64.size());
  Put(bytes, 2, 0);  // comment
  Put(bytes, 2, 0);  // disk
  Put(bytes, 2, 0);  // kind of bytes
  Put(bytes, 4, kRegularFile);
  Put(bytes, 4, AtMost32(entry.offset_bytes));
  bytes += entry.name;
  if (zip64.empty()) return bytes;
  Put(bytes, 2, kZip64Field);
  Put(bytes, 2, zip64.size());
  return bytes + zip64;
}

std::string ZipWriter::DirectoryEnd(uint64_t directory_bytes) const {
  const uint64_t count = entries_.size();
  std::string end;
  if (count >= kMax16 || directory_bytes >= kMax32 || end_bytes_ >= kMax32) {
    end.append("PK\x06\x06", 4);
    Put(end, 8, 44);  // bytes that follow
    Put(end, 2, kMadeByUnix | kZip64Version);
    Put(end, 2, kZip64Version);
    Put(end, 8, 0);  // this disk, and that of the directory
    Put(end, 8, count);
    Put(end, 8, count);
    Put(end, 8, directory_bytes);
    Put(end, 8, end_bytes_);
    end.append("PK\x06\x07", 4);
    Put(end, 4, 0);
    Put(end, 8, end_bytes_ + directory_bytes);
    Put(end, 4, 1);  // disks
  }
  end.append("PK\x05\x06", 4);
  Put(end, 4, 0);
  Put(end, 2, std::min(count, kMax16));
  Put(end, 2, std::min(count, kMax16));
  Put(end, 4, AtMost32(directory_bytes));
  Put(end, 4, AtMost32(end_bytes_));
  Put(end, 2, 0);  // comment
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
