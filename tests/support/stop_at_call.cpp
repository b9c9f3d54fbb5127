// Preloaded into a program under test (LD_PRELOAD): sends it a signal at the n-th call that
// concerns a path of a folder, so that a test can stop it at each step of its work, on machines of
// any speed.
//
// The environment says when and how, or a call of stop_at_call within the process:
//   STOP_AT_PATH    what a path of such calls has in it; no other call counts
//   STOP_AT_CALL    which call, from 1
//   STOP_AT_PART    before (the default) the call, after it, or half: half of the pages of a write
//   STOP_AT_SIGNAL  a number (the default is SIGKILL's); sent twice with STOP_AT_TWICE
//
// Calls: open (for writing too), write, sync, change of size, rename, link, unlink, mkdir and
// rmdir.

#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

constexpr size_t kPage = 4096;

enum Part { kBefore = 0, kHalf = 1, kAfter = 2 };

char wanted_path[PATH_MAX] = "";
std::atomic<long> calls_left{0};  // 0: never, or already
Part part = kBefore;
int signal_number = SIGKILL;
bool twice = false;

void Copy(const char* path) { std::strncpy(wanted_path, path, sizeof(wanted_path) - 1); }

__attribute__((constructor)) void ReadEnvironment() {
  const char* const path = std::getenv("STOP_AT_PATH");
  const char* const call = std::getenv("STOP_AT_CALL");
  const char* const which = std::getenv("STOP_AT_PART");
  const char* const signal = std::getenv("STOP_AT_SIGNAL");
  if (path == nullptr || call == nullptr) return;
  Copy(path);
  if (which != nullptr) {
    part = std::strcmp(which, "after") == 0  ? kAfter
           : std::strcmp(which, "half") == 0 ? kHalf
                                             : kBefore;
  }
  if (signal != nullptr) signal_number = std::atoi(signal);
  twice = std::getenv("STOP_AT_TWICE") != nullptr;
  calls_left = std::atol(call);
}

void Stop() {
  syscall(SYS_kill, getpid(), signal_number);
  if (twice) syscall(SYS_kill, getpid(), signal_number);
}

bool Concerns(const char* path) {
  return wanted_path[0] != '\0' && path != nullptr && std::strstr(path, wanted_path) != nullptr;
}

bool Concerns(int descriptor) {
  if (wanted_path[0] == '\0' || calls_left <= 0) return false;
  char link[64];
  char path[PATH_MAX];
  snprintf(link, sizeof(link), "/proc/self/fd/%d", descriptor);
  const ssize_t length = readlink(link, path, sizeof(path) - 1);
  if (length < 0) return false;
  path[length] = '\0';
  return Concerns(path);
}

// Whether this is the call.
bool Count(bool concerns) { return concerns && calls_left > 0 && --calls_left == 0; }

template <typename Call>
auto Counted(bool concerns, const Call& call) {
  const int error = errno;
  const bool now = Count(concerns);
  if (now && part != kAfter) Stop();
  errno = error;
  const auto result = call();
  const int its_error = errno;
  if (now && part == kAfter) Stop();
  errno = its_error;
  return result;
}

template <typename Write>
ssize_t CountedWrite(int descriptor, size_t size, const Write& write) {
  const int error = errno;
  if (part == kHalf && Count(Concerns(descriptor))) {
    // The system stops no write within a page.
    write(size / 2 / kPage * kPage);
    Stop();
    errno = error;
    return write(size);
  }
  return Counted(part != kHalf && Concerns(descriptor), [&] { return write(size); });
}

int Open(int folder, const char* path, int flags, int mode) {
  return Counted(Concerns(path),
                 [&] { return static_cast<int>(syscall(SYS_openat, folder, path, flags, mode)); });
}

int ModeOf(int flags, va_list& arguments) {
  return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(arguments, int) : 0;
}

}  // namespace

extern "C" {

void stop_at_call(const char* path, long call, int which_part) {
  calls_left = 0;
  Copy(path);
  part = static_cast<Part>(which_part);
  calls_left = call;
}

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

#define NDARRAY_OPENAT(name)                               \
  int name(int folder, const char* path, int flags, ...) { \
    va_list arguments;                                     \
    va_start(arguments, flags);                            \
    const int mode = ModeOf(flags, arguments);             \
    va_end(arguments);                                     \
    return Open(folder, path, flags, mode);                \
  }
NDARRAY_OPENAT(openat)
NDARRAY_OPENAT(openat64)

#define NDARRAY_FOPEN(name)                                                       \
  FILE* name(const char* path, const char* mode) {                                \
    using Function = FILE* (*)(const char*, const char*);                         \
    static const auto real = reinterpret_cast<Function>(dlsym(RTLD_NEXT, #name)); \
    return Counted(Concerns(path), [&] { return real(path, mode); });             \
  }
NDARRAY_FOPEN(fopen)
NDARRAY_FOPEN(fopen64)

ssize_t write(int descriptor, const void* data, size_t size) {
  return CountedWrite(descriptor, size,
                      [&](size_t n) { return syscall(SYS_write, descriptor, data, n); });
}

ssize_t pwrite(int descriptor, const void* data, size_t size, off_t offset) {
  return CountedWrite(descriptor, size,
                      [&](size_t n) { return syscall(SYS_pwrite64, descriptor, data, n, offset); });
}

ssize_t pwrite64(int descriptor, const void* data, size_t size, off64_t offset) {
  return pwrite(descriptor, data, size, offset);
}

int fsync(int descriptor) {
  return Counted(Concerns(descriptor),
                 [&] { return static_cast<int>(syscall(SYS_fsync, descriptor)); });
}

int fdatasync(int descriptor) {
  return Counted(Concerns(descriptor),
                 [&] { return static_cast<int>(syscall(SYS_fdatasync, descriptor)); });
}

int ftruncate(int descriptor, off_t size) noexcept {
  return Counted(Concerns(descriptor),
                 [&] { return static_cast<int>(syscall(SYS_ftruncate, descriptor, size)); });
}

int ftruncate64(int descriptor, off64_t size) noexcept { return ftruncate(descriptor, size); }

int rename(const char* from, const char* to) noexcept {
  return Counted(Concerns(from) || Concerns(to), [&] {
    return static_cast<int>(syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0));
  });
}

int link(const char* from, const char* to) noexcept {
  return Counted(Concerns(from) || Concerns(to), [&] {
    return static_cast<int>(syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0));
  });
}

int unlink(const char* path) noexcept {
  return Counted(Concerns(path),
                 [&] { return static_cast<int>(syscall(SYS_unlinkat, AT_FDCWD, path, 0)); });
}

int mkdir(const char* path, mode_t mode) noexcept {
  return Counted(Concerns(path),
                 [&] { return static_cast<int>(syscall(SYS_mkdirat, AT_FDCWD, path, mode)); });
}

int rmdir(const char* path) noexcept {
  return Counted(Concerns(path), [&] {
    return static_cast<int>(syscall(SYS_unlinkat, AT_FDCWD, path, AT_REMOVEDIR));
  });
}

}  // extern "C"
