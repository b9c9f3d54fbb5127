#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <mutex>
#include <tuple>

#include "driver/store/descriptor.h"
#include "driver/store/fork_guard.h"
#include "driver/store/local_file.h"
#include "driver/store/memory_map.h"
#include "driver/store/resident_limit.h"

namespace ndarray {
namespace {

Status Lock(int descriptor, const std::string& path) {
  if (flock(descriptor, LOCK_EX | LOCK_NB) == 0) return {};
  if (errno != EWOULDBLOCK) return ErrnoStatus(path, "lock");
  return Status(StatusCode::kIo,
                path + ": another process or dataset is updating this file; close it there first");
}

class LocalFile final : public ByteFile {
 public:
  LocalFile(std::string path, FileDescriptor descriptor, MemoryMap map, uint64_t size_bytes,
            Access access, const MapPolicy& policy)
      : path_(std::move(path)),
        descriptor_(std::move(descriptor)),
        map_(std::move(map)),
        size_bytes_(size_bytes),
        access_(access),
        policy_(policy),
        own_limit_(policy.max_resident_bytes.value_or(0)),
        touched_(map_, policy.max_resident_bytes ? own_limit_ : ResidentLimit::Process()) {}

  const std::string& path() const override { return path_; }
  uint64_t size_bytes() const override { return size_bytes_; }
  bool writable() const override { return access_ == Access::kUpdate; }
  const std::byte* mapped() const override { return map_.start(); }
  bool is_local() const override { return true; }

  Status CheckStillThere(uint64_t end_bytes) const override {
    struct stat now;
    if (fstat(descriptor_.get(), &now) != 0) return ErrnoStatus(path_, "stat");
    if (static_cast<uint64_t>(now.st_size) >= end_bytes) return {};
    return Mismatch(StatusCode::kCorrupt, "file size",
                    std::to_string(now.st_size) + " bytes (it shrank while open)",
                    "at least " + std::to_string(end_bytes) + " bytes")
        .At(path_);
  }

  void NoteRead(uint64_t offset_bytes, uint64_t size_bytes) const override {
    if (map_.start() != nullptr) touched_.Note(offset_bytes, size_bytes);
  }

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

  Status Flush() override { return {}; }  // all share the page cache

  void Advise(uint64_t offset_bytes, uint64_t size_bytes) const override {
    if (map_.start() != nullptr) {
      map_.Advise(offset_bytes, size_bytes);
    } else if (offset_bytes < size_bytes_) {
      posix_fadvise(descriptor_.get(), static_cast<off_t>(offset_bytes),
                    static_cast<off_t>(std::min(size_bytes, size_bytes_ - offset_bytes)),
                    POSIX_FADV_WILLNEED);
    }
  }

  // Errors carry the path, so that it counts here, too.
  std::string Identity() const override {
    struct stat now;
    if (fstat(descriptor_.get(), &now) != 0) return "";
    std::string identity;
    for (const int64_t number :
         {static_cast<int64_t>(now.st_dev), static_cast<int64_t>(now.st_ino),
          static_cast<int64_t>(now.st_size), static_cast<int64_t>(now.st_mtim.tv_sec),
          static_cast<int64_t>(now.st_mtim.tv_nsec), static_cast<int64_t>(now.st_ctim.tv_sec),
          static_cast<int64_t>(now.st_ctim.tv_nsec)}) {
      identity += std::to_string(number) + ":";
    }
    return identity + path_;
  }

  Result<std::shared_ptr<ByteFile>> OpenAgain() const override {
    return writable() ? std::shared_ptr<ByteFile>() : OpenLocalFile(path_, access_, policy_);
  }

  Status LockUnchangedSince(const struct stat& opened) const {
    Status status = Lock(descriptor_.get(), path_);
    if (!status.ok()) return status;
    struct stat now;
    struct stat named;
    const bool is_named = stat(path_.c_str(), &named) == 0 && named.st_ino == opened.st_ino &&
                          named.st_dev == opened.st_dev;
    const bool unchanged = fstat(descriptor_.get(), &now) == 0 && now.st_size == opened.st_size &&
                           now.st_mtim.tv_sec == opened.st_mtim.tv_sec &&
                           now.st_mtim.tv_nsec == opened.st_mtim.tv_nsec;
    if (is_named && unchanged) return {};
    flock(descriptor_.get(), LOCK_UN);
    return Status(StatusCode::kIo, path_ + ": another process or dataset has " +
                                       (is_named ? "changed" : "replaced") +
                                       " this file since it was opened; open it again");
  }

  bool IsSameFile(int descriptor) const override {
    struct stat mine;
    struct stat other;
    return fstat(descriptor_.get(), &mine) == 0 && fstat(descriptor, &other) == 0 &&
           mine.st_dev == other.st_dev && mine.st_ino == other.st_ino;
  }

 private:
  const std::string path_;
  const FileDescriptor descriptor_;
  const MemoryMap map_;
  const uint64_t size_bytes_;
  const Access access_;
  const MapPolicy policy_;
  ResidentLimit own_limit_;
  mutable TouchedPages touched_;
};

// Files that read-only openings share, found by what the file is, so that a name given to another
// file finds that one. The name counts, too: errors carry it. An identity is not given to another
// file while one that is shared holds the first one open.
class SharedFiles {
 public:
  using Identity = std::tuple<dev_t, ino_t, std::string, off_t, uint64_t, std::optional<uint64_t>>;

  static SharedFiles& Process() {
    static auto* const files = new SharedFiles;  // outlives every user
    return *files;
  }

  std::shared_ptr<ByteFile> Find(const Identity& identity) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = files_.find(identity);
    return found == files_.end() ? nullptr : found->second.lock();
  }

  void Add(const Identity& identity, const std::shared_ptr<ByteFile>& file) {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (auto it = files_.begin(); it != files_.end();) {
      it = it->second.expired() ? files_.erase(it) : std::next(it);
    }
    files_[identity] = file;
  }

 private:
  SharedFiles() { GuardAcrossForks(mutex_); }

  std::mutex mutex_;
  std::map<Identity, std::weak_ptr<ByteFile>> files_;
};

Status CheckRegular(const std::string& path, mode_t mode) {
  if (S_ISREG(mode)) return {};
  return Mismatch(StatusCode::kNotSupported, "file type",
                  S_ISDIR(mode) ? "a folder" : "a special file", "a regular file")
      .At(path);
}

// Before it is opened: opening a FIFO waits for a writer, opening a device may start it.
Status CheckRegular(const std::string& path) {
  struct stat about;
  if (stat(path.c_str(), &about) != 0) return ErrnoStatus(path, "open");
  return CheckRegular(path, about.st_mode);
}

// Locks the file that has the name by then: who held the lock before may have put a new file in the
// place of the one that was opened, and what is written to that would be lost.
Result<FileDescriptor> OpenLocked(const std::string& path) {
  while (true) {
    FileDescriptor descriptor(open(path.c_str(), O_RDWR | O_CLOEXEC));
    if (!descriptor.ok()) return ErrnoStatus(path, "open for update");
    Status status = Lock(descriptor.get(), path);
    if (!status.ok()) return status;
    struct stat opened;
    struct stat named;
    if (fstat(descriptor.get(), &opened) != 0) return ErrnoStatus(path, "stat");
    if (stat(path.c_str(), &named) != 0) return ErrnoStatus(path, "open");
    if (named.st_ino == opened.st_ino && named.st_dev == opened.st_dev) return descriptor;
  }
}

}  // namespace

Result<std::shared_ptr<ByteFile>> OpenLocalFile(const std::string& path, Access access,
                                                const MapPolicy& policy) {
  Status status = CheckRegular(path);
  if (!status.ok()) return status;
  const int flags = (access == Access::kUpdate ? O_RDWR : O_RDONLY) | O_CLOEXEC;
  FileDescriptor descriptor(open(path.c_str(), flags));
  if (!descriptor.ok()) return ErrnoStatus(path, "open");
  struct stat about;
  if (fstat(descriptor.get(), &about) != 0) return ErrnoStatus(path, "stat");
  status = CheckRegular(path, about.st_mode);
  if (!status.ok()) return status;

  const SharedFiles::Identity identity{about.st_dev,
                                       about.st_ino,
                                       path,
                                       about.st_size,
                                       policy.max_mapped_bytes,
                                       policy.max_resident_bytes};
  if (access == Access::kRead) {
    if (auto shared = SharedFiles::Process().Find(identity)) return shared;
  }
  const auto size_bytes = static_cast<uint64_t>(about.st_size);
  MemoryMap map;
  if (size_bytes <= policy.max_mapped_bytes) map = MemoryMap(descriptor.get(), size_bytes);
  std::shared_ptr<ByteFile> file = std::make_shared<LocalFile>(
      path, std::move(descriptor), std::move(map), size_bytes, access, policy);
  if (access == Access::kRead) SharedFiles::Process().Add(identity, file);
  return file;
}

Result<std::shared_ptr<ByteFile>> OpenLockedFile(const std::string& path) {
  Status status = CheckRegular(path);
  if (!status.ok()) return status;
  Result<FileDescriptor> descriptor = OpenLocked(path);
  if (!descriptor.ok()) return descriptor.status();
  struct stat about;
  if (fstat(descriptor->get(), &about) != 0) return ErrnoStatus(path, "stat");
  return std::shared_ptr<ByteFile>(std::make_shared<LocalFile>(
      path, std::move(*descriptor), MemoryMap(), static_cast<uint64_t>(about.st_size),
      Access::kUpdate, MapPolicy{0, {}}));
}

Result<UnlockedFile> OpenUnlockedFile(const std::string& path) {
  Status status = CheckRegular(path);
  if (!status.ok()) return status;
  FileDescriptor descriptor(open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (!descriptor.ok()) return ErrnoStatus(path, "open for update");
  struct stat about;
  if (fstat(descriptor.get(), &about) != 0) return ErrnoStatus(path, "stat");
  status = CheckRegular(path, about.st_mode);
  if (!status.ok()) return status;
  const auto file = std::make_shared<LocalFile>(path, std::move(descriptor), MemoryMap(),
                                                static_cast<uint64_t>(about.st_size),
                                                Access::kUpdate, MapPolicy{0, {}});
  return UnlockedFile{file, [file, about] { return file->LockUnchangedSince(about); }};
}

}  // namespace ndarray
