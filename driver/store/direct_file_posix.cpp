#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "driver/store/descriptor.h"
#include "driver/store/direct_file.h"

namespace ndarray {
namespace {

class DirectFile final : public ByteFile {
 public:
  DirectFile(std::string path, FileDescriptor descriptor, uint64_t size_bytes)
      : path_(std::move(path)), descriptor_(std::move(descriptor)), size_bytes_(size_bytes) {}

  const std::string& path() const override { return path_; }
  uint64_t size_bytes() const override { return size_bytes_; }
  bool writable() const override { return true; }

  Status ReadRanges(const std::vector<ByteRange>& ranges) const override {
    for (const ByteRange& range : ranges) {
      Status status =
          ReadFully(descriptor_.get(), path_, range.offset_bytes, range.to, range.size_bytes);
      if (!status.ok()) return status;
    }
    return {};
  }

  Status WriteAt(uint64_t offset_bytes, const void* from, size_t size_bytes) override {
    return WriteFully(descriptor_.get(), path_, offset_bytes, from, size_bytes);
  }

  Status Sync() override {
    return fdatasync(descriptor_.get()) == 0 ? Status() : ErrnoStatus(path_, "sync");
  }

  Status Flush() override { return {}; }

 private:
  const std::string path_;
  const FileDescriptor descriptor_;
  const uint64_t size_bytes_;
};

// Locks the file that has the name by then: who held the lock before may have put a new file in the
// place of the one that was opened, and what is written to that would be lost.
Result<FileDescriptor> OpenLocked(const std::string& path) {
  while (true) {
    FileDescriptor descriptor(open(path.c_str(), O_RDWR | O_CLOEXEC));
    if (!descriptor.ok()) return ErrnoStatus(path, "open for update");
    if (flock(descriptor.get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno != EWOULDBLOCK) return ErrnoStatus(path, "lock");
      return Status(
          StatusCode::kIo,
          path + ": another process or dataset is updating this file; close it there first");
    }
    struct stat opened;
    struct stat named;
    if (fstat(descriptor.get(), &opened) != 0) return ErrnoStatus(path, "stat");
    if (stat(path.c_str(), &named) != 0) return ErrnoStatus(path, "open");
    if (named.st_ino == opened.st_ino && named.st_dev == opened.st_dev) return descriptor;
  }
}

}  // namespace

Result<std::shared_ptr<ByteFile>> OpenDirectFile(const std::string& path) {
  struct stat about;
  // Before it is opened: opening a FIFO waits for a reader.
  if (stat(path.c_str(), &about) != 0) return ErrnoStatus(path, "open");
  if (!S_ISREG(about.st_mode)) {
    return Mismatch(StatusCode::kNotSupported, "file type", "a folder or special file",
                    "a regular file")
        .At(path);
  }
  Result<FileDescriptor> descriptor = OpenLocked(path);
  if (!descriptor.ok()) return descriptor.status();
  if (fstat(descriptor->get(), &about) != 0) return ErrnoStatus(path, "stat");
  return std::shared_ptr<ByteFile>(std::make_shared<DirectFile>(
      path, std::move(*descriptor), static_cast<uint64_t>(about.st_size)));
}

}  // namespace ndarray
