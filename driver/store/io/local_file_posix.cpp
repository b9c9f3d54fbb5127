#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <functional>
#include <iterator>
#include <map>
#include <mutex>
#include <optional>
#include <tuple>

#include "driver/store/damage.h"
#include "driver/store/fork_guard.h"
#include "driver/store/io/descriptor.h"
#include "driver/store/io/local_file.h"
#include "driver/store/io/memory_map.h"
#include "driver/store/io/output_file.h"
#include "driver/store/io/resident_limit.h"

namespace ndarray {
namespace {

// What fstat says of a file.
FileId IdOf(const struct stat& about) {
  return {static_cast<uint64_t>(about.st_dev), static_cast<uint64_t>(about.st_ino)};
}

uint64_t Nanoseconds(const timespec& time) {
  return static_cast<uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(time.tv_nsec);
}

// File systems that need new space for what is written over what they have.
bool CopiesOnWrite(int descriptor) {
  constexpr uint32_t kKinds[] = {0x9123683E, 0x2FC12FC1, 0xCA451A4E};  // btrfs, ZFS, bcachefs
  struct statfs about;
  return fstatfs(descriptor, &about) == 0 &&
         std::find(std::begin(kKinds), std::end(kKinds), static_cast<uint32_t>(about.f_type)) !=
             std::end(kKinds);
}

// Is written only where it was opened for update, which who opened it sees to.
class LocalFile final : public WritableFile {
 public:
  LocalFile(const std::string& path, FileDescriptor descriptor, const struct stat& about,
            MemoryMap map, Access access, const MapPolicy& policy)
      : WritableFile(path, static_cast<uint64_t>(about.st_size), TraitsOf(about)),
        descriptor_(std::move(descriptor)),
        map_(std::move(map)),
        access_(access),
        copies_on_write_(access == Access::kUpdate && CopiesOnWrite(descriptor_.get())),
        policy_(policy),
        own_limit_(policy.max_resident_bytes.value_or(0)),
        touched_(map_, policy.max_resident_bytes ? own_limit_ : ResidentLimit::Process()) {
    set_map(map_.start());
  }

  void NoteRead(uint64_t offset_bytes, uint64_t size_bytes) const override {
    if (is_mapped()) touched_.Note(offset_bytes, size_bytes);
  }

  Status Read(const std::vector<ByteRange>& ranges) const override {
    for (const ByteRange& range : ranges) {
      Status status =
          ReadFully(descriptor_.get(), path(), range.offset_bytes, range.to, range.size_bytes);
      if (!status.ok()) return status;
    }
    return {};
  }

  Status WriteAt(uint64_t offset_bytes, const void* from, size_t size_bytes) override {
    return WriteFully(descriptor_.get(), path(), offset_bytes, from, size_bytes);
  }

  Status StoreInPlace(uint64_t offset_bytes, size_t size_bytes,
                      const std::function<void(std::byte*)>& store) override {
    const Status unable = WritableFile::StoreInPlace(offset_bytes, size_bytes, store);
    if (copies_on_write_) return unable;
    Status status = TakeSpace(offset_bytes, size_bytes, unable);
    if (!status.ok()) return status;
    if (is_mapped()) {  // where it may be, once for all
      if (!store_map_) store_map_.emplace(descriptor_.get(), 0, this->size_bytes());
      if (store_map_->start() != nullptr && offset_bytes + size_bytes <= this->size_bytes()) {
        store(store_map_->start() + offset_bytes);
        return {};
      }
    }
    const WritableMap map(descriptor_.get(), offset_bytes, size_bytes);
    if (map.start() == nullptr) return unable;
    store(map.start());
    return {};
  }

  Status Sync() override {
    return fdatasync(descriptor_.get()) == 0 ? Status() : ErrnoStatus(path(), "sync");
  }

  Status Flush() override { return {}; }  // all share the page cache

  // By a read that fails instead of waiting. mincore() takes all pages of files that others own for
  // resident, and waits for whoever changes this process's maps.
  bool IsResident(uint64_t offset_bytes) const override {
#ifdef RWF_NOWAIT
    std::byte byte;
    const iovec to{&byte, 1};
    return offset_bytes >= size_bytes() ||
           preadv2(descriptor_.get(), &to, 1, static_cast<off_t>(offset_bytes), RWF_NOWAIT) >= 0 ||
           errno != EAGAIN;
#else
    return ByteFile::IsResident(offset_bytes);
#endif
  }

  // Serves reads through the map, too: both are the page cache.
  void Advise(uint64_t offset_bytes, uint64_t size_bytes) const override {
    const uint64_t file_bytes = this->size_bytes();
    if (offset_bytes >= file_bytes || size_bytes == 0) return;  // of no bytes: to the end
    posix_fadvise(descriptor_.get(), static_cast<off_t>(offset_bytes),
                  static_cast<off_t>(std::min(size_bytes, file_bytes - offset_bytes)),
                  POSIX_FADV_WILLNEED);
  }

  Result<FileState> State() const override {
    struct stat now;
    if (fstat(descriptor_.get(), &now) != 0) return ErrnoStatus(path(), "stat");
    return FileState{static_cast<uint64_t>(now.st_size), Nanoseconds(now.st_mtim),
                     Nanoseconds(now.st_ctim)};
  }

  Result<std::shared_ptr<ByteFile>> OpenAgain() const override {
    return access_ == Access::kUpdate ? std::shared_ptr<ByteFile>()
                                      : OpenLocalFile(path(), policy_);
  }

 private:
  static FileTraits TraitsOf(const struct stat& about) {
    FileTraits traits;
    traits.is_local = true;
    traits.id = IdOf(about);
    return traits;
  }

  // Pages without space on the disk get it before they are stored to: where there is none, that is
  // an error, and not the end of the process.
  Status TakeSpace(uint64_t offset_bytes, size_t size_bytes, const Status& unable) const {
    constexpr int64_t kBlockBytes = 512;  // of st_blocks
    struct stat now;
    if (fstat(descriptor_.get(), &now) != 0) return ErrnoStatus(path(), "stat");
    const auto file_bytes = static_cast<uint64_t>(now.st_size);
    if (offset_bytes > file_bytes || size_bytes > file_bytes - offset_bytes) {
      return CutShort(file_bytes, offset_bytes + size_bytes).At(path());
    }
    if (now.st_blocks >= (now.st_size + kBlockBytes - 1) / kBlockBytes) return {};
    if (fallocate(descriptor_.get(), FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset_bytes),
                  static_cast<off_t>(size_bytes)) == 0) {
      return {};
    }
    return errno == EOPNOTSUPP || errno == ENOSYS ? unable : ErrnoStatus(path(), "write");
  }

  const FileDescriptor descriptor_;
  const MemoryMap map_;
  std::optional<WritableMap> store_map_;  // once something was stored in place
  const Access access_;
  const bool copies_on_write_;
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

struct OpenedFile {
  FileDescriptor descriptor;
  struct stat about;
};

Result<OpenedFile> OpenRegular(const std::string& path, int flags) {
  Status status = CheckRegular(path);
  if (!status.ok()) return status;
  OpenedFile file{FileDescriptor(open(path.c_str(), flags | O_CLOEXEC)), {}};
  if (!file.descriptor.ok()) return ErrnoStatus(path, "open");
  if (fstat(file.descriptor.get(), &file.about) != 0) return ErrnoStatus(path, "stat");
  status = CheckRegular(path, file.about.st_mode);
  if (!status.ok()) return status;
  return file;
}

std::shared_ptr<LocalFile> NewLocalFile(const std::string& path, OpenedFile file, Access access,
                                        const MapPolicy& policy) {
  const auto size_bytes = static_cast<uint64_t>(file.about.st_size);
  MemoryMap map;
  if (size_bytes <= policy.max_mapped_bytes) map = MemoryMap(file.descriptor.get(), size_bytes);
  return std::make_shared<LocalFile>(path, std::move(file.descriptor), file.about, std::move(map),
                                     access, policy);
}

}  // namespace

std::optional<FileId> FileIdOf(int descriptor) {
  struct stat about;
  if (fstat(descriptor, &about) != 0) return std::nullopt;
  return IdOf(about);
}

Result<std::shared_ptr<ByteFile>> OpenLocalFile(const std::string& path, const MapPolicy& policy) {
  Result<OpenedFile> opened = OpenRegular(path, O_RDONLY);
  if (!opened.ok()) return opened.status();
  const struct stat& about = opened->about;
  const SharedFiles::Identity identity{about.st_dev,
                                       about.st_ino,
                                       path,
                                       about.st_size,
                                       policy.max_mapped_bytes,
                                       policy.max_resident_bytes};
  if (auto shared = SharedFiles::Process().Find(identity)) return shared;
  std::shared_ptr<ByteFile> file = NewLocalFile(path, std::move(*opened), Access::kRead, policy);
  SharedFiles::Process().Add(identity, file);
  return file;
}

Result<std::shared_ptr<WritableFile>> OpenLocalFileForUpdate(const std::string& path,
                                                             const MapPolicy& policy) {
  Result<OpenedFile> opened = OpenRegular(path, O_RDWR);
  if (!opened.ok()) return opened.status();
  return std::shared_ptr<WritableFile>(
      NewLocalFile(path, std::move(*opened), Access::kUpdate, policy));
}

Result<std::shared_ptr<WritableFile>> CreateScratchFile(const std::string& path) {
  const size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  OpenedFile file{FileDescriptor(open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)), {}};
  if (!file.descriptor.ok()) {  // a file system where files have a name first
    std::string name = TemporaryPath(path, ".XXXXXX");
    file.descriptor = FileDescriptor(mkostemp(name.data(), O_CLOEXEC));
    if (file.descriptor.ok()) unlink(name.c_str());
  }
  if (!file.descriptor.ok()) return ErrnoStatus(path, "create a temporary file beside");
  if (fstat(file.descriptor.get(), &file.about) != 0) return ErrnoStatus(path, "stat");
  return std::shared_ptr<WritableFile>(
      NewLocalFile(path, std::move(file), Access::kUpdate, MapPolicy{0, std::nullopt}));
}

}  // namespace ndarray
