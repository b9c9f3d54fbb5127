// Files in memory that fail on demand, and that remember what was written and synced
// in which order: what a disk could hold after a power loss follows from that.
#ifndef GDAL_NDARRAY_TESTS_SUPPORT_FAULTY_FILE_H_
#define GDAL_NDARRAY_TESTS_SUPPORT_FAULTY_FILE_H_

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "driver/store/io/byte_file.h"
#include "driver/store/io/output_file.h"

namespace ndarray::testing {

// A write, or a sync. The writes since the sync before it are on disk after one that succeeds;
// after one that fails they may never be, whatever later ones say: the system forgets that it owes
// them.
struct FileEvent {
  enum Kind { kWrite, kSync, kFailedSync };
  Kind kind = kWrite;
  uint64_t offset_bytes = 0;
  std::string bytes;

  void ApplyTo(std::string& image) const {
    if (kind != kWrite) return;
    if (image.size() < offset_bytes + bytes.size()) image.resize(offset_bytes + bytes.size());
    image.replace(offset_bytes, bytes.size(), bytes);
  }
};

// Says when to fail: the operation of that number, counted from 0 over all writes and syncs, and
// no other.
class Fault {
 public:
  Status Next() {
    return count_++ == fails_at_ ? Status(StatusCode::kIo, "memory.b2nd: injected") : Status();
  }
  void FailAt(int64_t number) { fails_at_ = number; }
  void FailNever() { fails_at_ = -1; }
  int64_t count() const { return count_; }

 private:
  int64_t count_ = 0;
  int64_t fails_at_ = -1;
};

class FaultyFile final : public WritableFile {
 public:
  explicit FaultyFile(std::string bytes)
      : WritableFile("memory.b2nd", bytes.size()), bytes_(std::move(bytes)) {}

  Status Read(const std::vector<ByteRange>& ranges) const override {
    for (const ByteRange& range : ranges) {
      if (range.offset_bytes > bytes_.size() ||
          range.size_bytes > bytes_.size() - range.offset_bytes) {
        return Status(StatusCode::kCorrupt, path() + ": range beyond the end of the file");
      }
      std::memcpy(range.to, bytes_.data() + range.offset_bytes, range.size_bytes);
    }
    return {};
  }
  // One that fails has written half: a disk that is full does that.
  Status WriteAt(uint64_t offset_bytes, const void* from, size_t size_bytes) override {
    const Status status = fault_.Next();
    FileEvent event{FileEvent::kWrite, offset_bytes, {static_cast<const char*>(from), size_bytes}};
    if (!status.ok()) event.bytes.resize(size_bytes < 512 ? 0 : size_bytes / 2);
    event.ApplyTo(bytes_);
    events_.push_back(std::move(event));
    return status;
  }
  Status Sync() override {
    Status status = fault_.Next();
    events_.push_back({status.ok() ? FileEvent::kSync : FileEvent::kFailedSync, 0, ""});
    return status;
  }
  Status Flush() override { return {}; }

  Fault& fault() { return fault_; }
  const std::string& bytes() const { return bytes_; }
  const std::vector<FileEvent>& events() const { return events_; }

 private:
  std::string bytes_;
  Fault fault_;
  std::vector<FileEvent> events_;
};

// A file that fails from one operation on: what has happened by then is what a killed process
// leaves.
class StoppedFile final : public WritableFile {
 public:
  StoppedFile(std::shared_ptr<WritableFile> file, int64_t stop_at)
      : WritableFile(file->path(), file->size_bytes(), file->traits()),
        file_(std::move(file)),
        left_(stop_at) {}

  Status Read(const std::vector<ByteRange>& ranges) const override { return file_->Read(ranges); }
  Result<FileState> State() const override { return file_->State(); }
  Status WriteAt(uint64_t offset_bytes, const void* from, size_t size_bytes) override {
    return left_-- > 0 ? file_->WriteAt(offset_bytes, from, size_bytes) : Stopped();
  }
  Status Sync() override { return left_-- > 0 ? file_->Sync() : Stopped(); }
  Status Flush() override { return {}; }

  void GoOn() { left_ = INT64_MAX; }

 private:
  Status Stopped() const { return Status(StatusCode::kIo, path() + ": stopped"); }

  const std::shared_ptr<WritableFile> file_;
  int64_t left_;  // operations
};

class FaultyOutput final : public OutputFile {
 public:
  FaultyOutput() : OutputFile("memory.b2nd") {}

  Status Resize(uint64_t) override { return fault_.Next(); }
  Status Reserve(uint64_t) override { return {}; }
  Status WriteAt(uint64_t offset_bytes, const void* from, size_t size_bytes) override {
    Status status = fault_.Next();
    const FileEvent event{
        FileEvent::kWrite, offset_bytes, {static_cast<const char*>(from), size_bytes}};
    if (status.ok()) event.ApplyTo(bytes_);
    return status;
  }
  Status Commit() override {
    Status status = fault_.Next();
    committed_ = status.ok();
    return status;
  }

  Fault& fault() { return fault_; }
  bool committed() const { return committed_; }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
  Fault fault_;
  bool committed_ = false;
};

}  // namespace ndarray::testing

#endif  // GDAL_NDARRAY_TESTS_SUPPORT_FAULTY_FILE_H_
