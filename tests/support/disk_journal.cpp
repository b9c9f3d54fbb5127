// Preloaded into a program under test (LD_PRELOAD): writes down, in order, what it does to the
// files of a folder, from which follows what a disk may hold after a power loss; and lets its calls
// fail as a full disk or a broken one does. tests/python/support/disk.py reads what it writes.
//
// The environment says what, or a call of disk_journal within the process:
//   DISK_PATH       what a path of such calls has in it; no other call counts
//   DISK_JOURNAL    the file of records
//   DISK_FAIL       which kind of call fails: "write" (takes space) or "sync"
//   DISK_FAIL_AT    the first that does, from 1
//   DISK_FAIL_FOR   how many do
//   DISK_ERROR      their errno
// A write that fails has written half of its bytes, or nothing where it is short. What goes through
// stdio's buffers (sidecars of GDAL) is not seen, but for the creation of such files.

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string>

namespace {

struct Record {
  char kind = 0;  // Create, Open through stdio, Write, Truncate, Sync, Folder synced, Rename,
                  // Unlink, Mark
  char unused[7] = {};
  uint64_t inode = 0;
  uint64_t offset_bytes = 0;
  uint64_t first_bytes = 0, second_bytes = 0;  // of what follows: content or names
};

std::recursive_mutex mutex;
std::string wanted_path;
int journal = -1;
char failing = 0;  // 'w', 's'
long calls_left = 0, failures_left = 0;
int error_number = 0;

using Lock = std::lock_guard<std::recursive_mutex>;

void Configure(const char* path, const char* journal_path, const char* fail, long at, long count,
               int error) {
  const Lock lock(mutex);
  if (journal >= 0) syscall(SYS_close, journal);
  wanted_path = path;
  journal = -1;
  if (*journal_path != '\0') {
    journal = static_cast<int>(syscall(SYS_openat, AT_FDCWD, journal_path,
                                       O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666));
  }
  failing = *fail;
  calls_left = at;
  failures_left = count;
  error_number = error;
}

const char* Word(const char* name, const char* otherwise) {
  const char* const word = std::getenv(name);
  return word != nullptr ? word : otherwise;
}

// After all of the above has its first values.
const bool is_configured = [] {
  if (std::getenv("DISK_PATH") == nullptr) return false;
  Configure(Word("DISK_PATH", ""), Word("DISK_JOURNAL", ""), Word("DISK_FAIL", ""),
            std::atol(Word("DISK_FAIL_AT", "0")), std::atol(Word("DISK_FAIL_FOR", "1")),
            std::atoi(Word("DISK_ERROR", "0")));
  return true;
}();

bool Concerns(const char* path) {
  return !wanted_path.empty() && path != nullptr &&
         std::strstr(path, wanted_path.c_str()) != nullptr;
}

std::string PathOf(int descriptor) {
  char link[64];
  char path[PATH_MAX];
  snprintf(link, sizeof(link), "/proc/self/fd/%d", descriptor);
  const ssize_t length = readlink(link, path, sizeof(path));
  return length > 0 ? std::string(path, static_cast<size_t>(length)) : "";
}

bool Concerns(int descriptor) {
  return !wanted_path.empty() && descriptor != journal && Concerns(PathOf(descriptor).c_str());
}

uint64_t InodeOf(int descriptor) {
  struct stat about {};
  return fstat(descriptor, &about) == 0 ? about.st_ino : 0;
}

void Put(const void* data, size_t size) {
  const char* from = static_cast<const char*>(data);
  while (size > 0) {
    const long n = syscall(SYS_write, journal, from, size);
    if (n <= 0) abort();
    from += n;
    size -= static_cast<size_t>(n);
  }
}

void Note(char kind, uint64_t inode, uint64_t offset, const void* first, size_t first_bytes,
          const std::string& second = "") {
  if (journal < 0) return;
  Record record;
  record.kind = kind;
  record.inode = inode;
  record.offset_bytes = offset;
  record.first_bytes = first_bytes;
  record.second_bytes = second.size();
  Put(&record, sizeof(record));
  Put(first, first_bytes);
  Put(second.data(), second.size());
}

void Note(char kind, uint64_t inode, const std::string& path, const std::string& second = "") {
  Note(kind, inode, 0, path.data(), path.size(), second);
}

// Whether this call is one that fails.
bool Fails(char kind) {
  if (kind != failing || failures_left <= 0 || --calls_left > 0) return false;
  --failures_left;
  errno = error_number;
  return true;
}

std::string Absolute(const char* path) {
  if (*path == '/') return path;
  char folder[PATH_MAX];
  return getcwd(folder, sizeof(folder)) != nullptr ? std::string(folder) + "/" + path : path;
}

int Open(int folder, const char* path, int flags, int mode) {
  if (folder != AT_FDCWD || !Concerns(path)) {
    return static_cast<int>(syscall(SYS_openat, folder, path, flags, mode));
  }
  const Lock lock(mutex);
  const bool is_new = (flags & O_CREAT) != 0 && access(path, F_OK) != 0;
  const int descriptor = static_cast<int>(syscall(SYS_openat, folder, path, flags, mode));
  const int error = errno;
  if (descriptor >= 0 && is_new) Note('C', InodeOf(descriptor), Absolute(path));
  if (descriptor >= 0 && !is_new && (flags & O_TRUNC) != 0) {
    Note('T', InodeOf(descriptor), 0, nullptr, 0);
  }
  errno = error;
  return descriptor;
}

template <typename Write>
ssize_t NotedWrite(int descriptor, const void* data, size_t size, off_t offset,
                   const Write& write) {
  if (!Concerns(descriptor)) return write(size);
  const Lock lock(mutex);
  const bool fails = Fails('w');
  // Within a sector it is done or not.
  const ssize_t written = write(!fails ? size : size < 512 ? 0 : size / 2);
  if (written > 0) {
    Note('W', InodeOf(descriptor), static_cast<uint64_t>(offset), data,
         static_cast<size_t>(written));
  }
  if (!fails) return written;
  errno = error_number;
  return -1;
}

int NotedSync(int descriptor, long call) {
  if (!Concerns(descriptor)) return static_cast<int>(syscall(call, descriptor));
  const Lock lock(mutex);
  struct stat about {};
  fstat(descriptor, &about);
  const bool is_folder = S_ISDIR(about.st_mode);
  if (!is_folder && Fails('s')) return -1;
  // Not called: what a real one does to a real disk is nothing that tests could see.
  Note(is_folder ? 'F' : 'S', about.st_ino, PathOf(descriptor));
  return 0;
}

int ModeOf(int flags, va_list& arguments) {
  return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(arguments, int) : 0;
}

template <typename Call>
int NotedNames(char kind, const char* from, const char* to, const Call& call) {
  if (!Concerns(from) && !Concerns(to)) return call();
  const Lock lock(mutex);
  const int result = call();
  const int error = errno;
  if (result == 0) Note(kind, 0, Absolute(from), to != nullptr ? Absolute(to) : "");
  errno = error;
  return result;
}

}  // namespace

extern "C" {

void disk_journal(const char* path, const char* journal_path, const char* fail, long at, long count,
                  int error) {
  Configure(path, journal_path, fail, at, count, error);
}

// A record of its own, for the reader of the journal.
void disk_mark() {
  const Lock lock(mutex);
  Note('M', 0, "");
}

// How many of those that were to fail have not.
long disk_failures_left() { return failures_left; }

#define NDARRAY_OPEN(name)                     \
  int name(const char* path, int flags, ...) { \
    va_list arguments;                         \
    va_start(arguments, flags);                \
    const int mode = ModeOf(flags, arguments); \
    va_end(arguments);                         \
    return Open(AT_FDCWD, path, flags, mode);  \
  }
NDARRAY_OPEN(open)
NDARRAY_OPEN(open64)

#define NDARRAY_FOPEN(name)                                                       \
  FILE* name(const char* path, const char* mode) {                                \
    using Function = FILE* (*)(const char*, const char*);                         \
    static const auto real = reinterpret_cast<Function>(dlsym(RTLD_NEXT, #name)); \
    const bool is_new = Concerns(path) && access(path, F_OK) != 0;                \
    FILE* const file = real(path, mode);                                          \
    if (file != nullptr && is_new) {                                              \
      const Lock lock(mutex);                                                     \
      Note('O', InodeOf(fileno(file)), Absolute(path));                           \
    }                                                                             \
    return file;                                                                  \
  }
NDARRAY_FOPEN(fopen)
NDARRAY_FOPEN(fopen64)

ssize_t pwrite(int descriptor, const void* data, size_t size, off_t offset) {
  return NotedWrite(descriptor, data, size, offset,
                    [&](size_t n) { return syscall(SYS_pwrite64, descriptor, data, n, offset); });
}
ssize_t pwrite64(int descriptor, const void* data, size_t size, off64_t offset) {
  return pwrite(descriptor, data, size, offset);
}

// To where the descriptor is.
ssize_t write(int descriptor, const void* data, size_t size) {
  const off_t offset = Concerns(descriptor) ? lseek(descriptor, 0, SEEK_CUR) : 0;
  return NotedWrite(descriptor, data, size, offset,
                    [&](size_t n) { return syscall(SYS_write, descriptor, data, n); });
}

int fsync(int descriptor) { return NotedSync(descriptor, SYS_fsync); }
int fdatasync(int descriptor) { return NotedSync(descriptor, SYS_fdatasync); }

int ftruncate(int descriptor, off_t size) noexcept {
  if (!Concerns(descriptor)) return static_cast<int>(syscall(SYS_ftruncate, descriptor, size));
  const Lock lock(mutex);
  const int result = static_cast<int>(syscall(SYS_ftruncate, descriptor, size));
  if (result == 0) Note('T', InodeOf(descriptor), static_cast<uint64_t>(size), nullptr, 0);
  return result;
}
int ftruncate64(int descriptor, off64_t size) noexcept { return ftruncate(descriptor, size); }

int fallocate(int descriptor, int mode, off_t offset, off_t size) {
  if (Concerns(descriptor)) {
    const Lock lock(mutex);
    if (Fails('w')) return -1;
  }
  return static_cast<int>(syscall(SYS_fallocate, descriptor, mode, offset, size));
}
int fallocate64(int descriptor, int mode, off64_t offset, off64_t size) {
  return fallocate(descriptor, mode, offset, size);
}

int rename(const char* from, const char* to) noexcept {
  return NotedNames('R', from, to, [&] {
    return static_cast<int>(syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0));
  });
}

int unlink(const char* path) noexcept {
  return NotedNames('U', path, nullptr,
                    [&] { return static_cast<int>(syscall(SYS_unlinkat, AT_FDCWD, path, 0)); });
}

}  // extern "C"
