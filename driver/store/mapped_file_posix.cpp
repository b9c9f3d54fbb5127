#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <tuple>

#include "driver/store/descriptor.h"
#include "driver/store/fork_guard.h"
#include "driver/store/mapped_file.h"

namespace ndarray {
namespace {

// A read-only shared map of a whole file; of an empty file, nothing.
class Mapping {
 public:
  Mapping() = default;
  Mapping(void* start, size_t size_bytes) : start_(start), size_bytes_(size_bytes) {}
  Mapping(Mapping&& other) noexcept
      : start_(std::exchange(other.start_, nullptr)), size_bytes_(other.size_bytes_) {}
  Mapping& operator=(Mapping&& other) noexcept {
    std::swap(start_, other.start_);
    std::swap(size_bytes_, other.size_bytes_);
    return *this;
  }
  ~Mapping() {
    if (start_ != nullptr) munmap(start_, size_bytes_);
  }

  std::byte* start() const { return static_cast<std::byte*>(start_); }

 private:
  void* start_ = nullptr;
  size_t size_bytes_ = 0;
};

class MappedFile final : public ByteFile {
 public:
  MappedFile(std::string path, FileDescriptor descriptor, Mapping mapping, uint64_t size_bytes,
             Access access)
      : path_(std::move(path)),
        descriptor_(std::move(descriptor)),
        mapping_(std::move(mapping)),
        size_bytes_(size_bytes),
        access_(access) {}

  const std::string& path() const override { return path_; }
  uint64_t size_bytes() const override { return size_bytes_; }
  bool writable() const override { return access_ == Access::kUpdate; }
  const std::byte* mapped() const override { return mapping_.start(); }

  Status CheckStillThere(uint64_t end_bytes) const override {
    struct stat now;
    if (fstat(descriptor_.get(), &now) != 0) return ErrnoStatus(path_, "stat");
    if (static_cast<uint64_t>(now.st_size) >= end_bytes) return {};
    return Mismatch(StatusCode::kCorrupt, "file size",
                    std::to_string(now.st_size) + " bytes (it shrank while open)",
                    "at least " + std::to_string(end_bytes) + " bytes")
        .At(path_);
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

  Status Flush() override { return {}; }  // all share the page cache

  void Advise(uint64_t offset_bytes, uint64_t size_bytes) const override {
    if (offset_bytes >= size_bytes_) return;
    const auto page = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
    const uint64_t start = offset_bytes / page * page;
    const uint64_t end = offset_bytes + std::min(size_bytes, size_bytes_ - offset_bytes);
    madvise(mapping_.start() + start, end - start, MADV_WILLNEED);  // a hint: failure is no matter
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

  bool IsSameFile(int descriptor) const override {
    struct stat mine;
    struct stat other;
    return fstat(descriptor_.get(), &mine) == 0 && fstat(descriptor, &other) == 0 &&
           mine.st_dev == other.st_dev && mine.st_ino == other.st_ino;
  }

 private:
  const std::string path_;
  const FileDescriptor descriptor_;
  const Mapping mapping_;
  const uint64_t size_bytes_;
  const Access access_;
};

// Maps that read-only openings share, found by what the file is, so that a name given to another
// file finds that one. The name counts, too: errors carry it. An identity is not given to another
// file while a map holds the first one open.
class SharedMaps {
 public:
  using Identity = std::tuple<dev_t, ino_t, std::string, off_t>;

  static SharedMaps& Process() {
    static auto* const maps = new SharedMaps;  // outlives every user
    return *maps;
  }

  std::shared_ptr<ByteFile> Find(const Identity& identity) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = maps_.find(identity);
    return found == maps_.end() ? nullptr : found->second.lock();
  }

  void Add(const Identity& identity, const std::shared_ptr<ByteFile>& file) {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (auto it = maps_.begin(); it != maps_.end();) {
      it = it->second.expired() ? maps_.erase(it) : std::next(it);
    }
    maps_[identity] = file;
  }

 private:
  SharedMaps() { GuardAcrossForks(mutex_); }

  std::mutex mutex_;
  std::map<Identity, std::weak_ptr<ByteFile>> maps_;
};

Status NotRegular(const std::string& path, mode_t mode) {
  return Mismatch(StatusCode::kNotSupported, "file type",
                  S_ISDIR(mode) ? "a folder" : "a special file", "a regular file")
      .At(path);
}

}  // namespace

Result<std::shared_ptr<ByteFile>> OpenMappedFile(const std::string& path, Access access) {
  struct stat about;
  // Before it is opened: opening a FIFO waits for a writer, opening a device may start it.
  if (stat(path.c_str(), &about) != 0) return ErrnoStatus(path, "open");
  if (!S_ISREG(about.st_mode)) return NotRegular(path, about.st_mode);
  const int flags = (access == Access::kUpdate ? O_RDWR : O_RDONLY) | O_CLOEXEC;
  FileDescriptor descriptor(open(path.c_str(), flags));
  if (!descriptor.ok()) return ErrnoStatus(path, "open");
  if (fstat(descriptor.get(), &about) != 0) return ErrnoStatus(path, "stat");
  if (!S_ISREG(about.st_mode)) return NotRegular(path, about.st_mode);

  const SharedMaps::Identity identity{about.st_dev, about.st_ino, path, about.st_size};
  if (access == Access::kRead) {
    if (auto shared = SharedMaps::Process().Find(identity)) return shared;
  }
  const auto size_bytes = static_cast<uint64_t>(about.st_size);
  Mapping mapping;
  if (size_bytes > 0) {
    void* const start = mmap(nullptr, size_bytes, PROT_READ, MAP_SHARED, descriptor.get(), 0);
    if (start == MAP_FAILED) {
      return ErrnoStatus(path, "map " + std::to_string(size_bytes) + " bytes into memory");
    }
    mapping = Mapping(start, size_bytes);
  }
  std::shared_ptr<ByteFile> file = std::make_shared<MappedFile>(
      path, std::move(descriptor), std::move(mapping), size_bytes, access);
  if (access == Access::kRead) SharedMaps::Process().Add(identity, file);
  return file;
}

}  // namespace ndarray
