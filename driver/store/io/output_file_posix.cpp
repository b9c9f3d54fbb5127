#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstring>

#include "driver/store/io/descriptor.h"
#include "driver/store/io/output_file.h"

namespace ndarray {
namespace {

std::string Folder(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash + 1);
}

// Opens the partial file and makes sure that it is ours alone, and still the one of that name: the
// process that held it may have renamed or removed it while we waited for nothing.
Result<FileDescriptor> OpenPartial(const std::string& path, const std::string& partial) {
  while (true) {
    // Not through a link: in a folder that others write to, it may lead anywhere.
    FileDescriptor descriptor(
        open(partial.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666));
    if (!descriptor.ok()) return ErrnoStatus(path, "create (as " + partial + ")");
    // Without locks two who write one file at once are not kept apart.
    if (flock(descriptor.get(), LOCK_EX | LOCK_NB) != 0 && !HasNoLocks(errno)) {
      if (errno != EWOULDBLOCK) return ErrnoStatus(partial, "lock");
      return Status(StatusCode::kIo,
                    partial + ": another process is writing this file; wait for it, or end it");
    }
    struct stat opened;
    struct stat named;
    if (fstat(descriptor.get(), &opened) != 0) return ErrnoStatus(partial, "stat");
    if (lstat(partial.c_str(), &named) == 0 && named.st_ino == opened.st_ino &&
        named.st_dev == opened.st_dev) {
      if (ftruncate(descriptor.get(), 0) != 0) return ErrnoStatus(partial, "truncate");
      return descriptor;
    }
  }
}

class LocalOutputFile final : public OutputFile {
 public:
  LocalOutputFile(std::string path, std::string target, std::string partial,
                  FileDescriptor descriptor)
      : OutputFile(std::move(path)),
        target_(std::move(target)),
        partial_(std::move(partial)),
        descriptor_(std::move(descriptor)) {}

  ~LocalOutputFile() override {
    if (!committed_) unlink(partial_.c_str());
  }

  Status Resize(uint64_t size_bytes) override {
    return ftruncate(descriptor_.get(), static_cast<off_t>(size_bytes)) == 0
               ? Status()
               : ErrnoStatus(path(), "make a file of " + std::to_string(size_bytes) + " bytes");
  }

  Status Reserve(uint64_t size_bytes) override {
    if (size_bytes == 0) return {};
    if (fallocate(descriptor_.get(), FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(size_bytes)) == 0) {
      return {};
    }
    if (errno == ENOSPC || errno == EFBIG || errno == EDQUOT) {
      return ErrnoStatus(path(), "reserve " + std::to_string(size_bytes) + " bytes");
    }
    // A file system without this call. What others write meanwhile shows while writing.
    struct statvfs space;
    if (fstatvfs(descriptor_.get(), &space) != 0 || space.f_frsize == 0 ||
        space.f_bavail > size_bytes / space.f_frsize) {
      return {};
    }
    errno = ENOSPC;
    return ErrnoStatus(path(), "reserve " + std::to_string(size_bytes) + " bytes");
  }

  Status WriteAt(uint64_t offset_bytes, const void* from, size_t size_bytes) override {
    return WriteFully(descriptor_.get(), path(), offset_bytes, from, size_bytes);
  }

  Status Complete() override {
    if (complete_) return {};
    struct stat replaced;
    if (stat(target_.c_str(), &replaced) == 0 &&
        fchmod(descriptor_.get(), replaced.st_mode & 07777) != 0) {
      return ErrnoStatus(path(), "keep the permissions of");
    }
    if (fsync(descriptor_.get()) != 0) return ErrnoStatus(path(), "sync");
    complete_ = true;
    return {};
  }

  Status Commit() override {
    Status status = Complete();
    if (!status.ok()) return status;
    if (rename(partial_.c_str(), target_.c_str()) != 0) return ErrnoStatus(path(), "replace");
    committed_ = true;
    // The new name survives a power loss, too. Some file systems cannot sync a folder.
    const FileDescriptor folder(open(Folder(target_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (folder.ok()) fsync(folder.get());
    return {};
  }

 private:
  const std::string target_;
  const std::string partial_;
  const FileDescriptor descriptor_;
  bool complete_ = false;
  bool committed_ = false;
};

}  // namespace

std::string ResolveLinks(std::string path) {
  constexpr int kMaxLinks = 40;  // as the kernel has it
  for (int links = 0; links < kMaxLinks; ++links) {
    char target[PATH_MAX];
    const ssize_t size = readlink(path.c_str(), target, sizeof(target));
    if (size < 0) break;  // not a link
    const std::string_view link(target, static_cast<size_t>(size));
    path = link.substr(0, 1) == "/" ? std::string(link) : Folder(path) + "/" + std::string(link);
  }
  return path;
}

std::string TemporaryPath(const std::string& path, std::string_view suffix) {
  const size_t slash = path.rfind('/');
  const size_t name_at = slash == std::string::npos ? 0 : slash + 1;
  const std::string folder = path.substr(0, name_at);
  const std::string name = path.substr(name_at);
  const long limit = pathconf(Folder(path).c_str(), _PC_NAME_MAX);
  const size_t max_bytes = limit > 0 ? static_cast<size_t>(limit) : NAME_MAX;
  if (1 + name.size() + suffix.size() <= max_bytes) {
    return folder + "." + name + std::string(suffix);
  }
  uint64_t hash = 0xcbf29ce484222325;  // FNV-1a: the same in every process
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  char number[18];
  std::snprintf(number, sizeof(number), "-%016llx", static_cast<unsigned long long>(hash));
  const size_t others = 1 + std::strlen(number) + suffix.size();
  size_t kept = max_bytes > others ? max_bytes - others : 0;
  while (kept > 0 && (name[kept] & 0xC0) == 0x80) --kept;  // not within a character
  return folder + "." + name.substr(0, kept) + number + std::string(suffix);
}

Result<std::unique_ptr<OutputFile>> CreateLocalFile(const std::string& path) {
  if (path.empty()) {
    return Mismatch(StatusCode::kInvalidArgument, "path", "nothing", "the name of a file");
  }
  const std::string target = ResolveLinks(path);
  struct stat existing;
  const bool exists = stat(target.c_str(), &existing) == 0;
  if (!exists && errno != ENOENT) return ErrnoStatus(path, "create");
  if (exists && !S_ISREG(existing.st_mode)) {
    return Mismatch(StatusCode::kNotSupported, "file type", "a folder or special file",
                    "a regular file, or none")
        .At(path);
  }
  const std::string partial = TemporaryPath(target, ".partial");
  Result<FileDescriptor> descriptor = OpenPartial(path, partial);
  if (!descriptor.ok()) return descriptor.status();
  return std::unique_ptr<OutputFile>(
      std::make_unique<LocalOutputFile>(path, target, partial, std::move(*descriptor)));
}

}  // namespace ndarray
