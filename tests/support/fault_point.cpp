// Preloaded (LD_PRELOAD) into a process, it ends it, as kill -9 does, right before one of the calls
// that change what a folder holds, or runs a command there. So tests go through all moments that
// differ, one after another, however fast the machine is.
//
// Only calls count that name a path with NDARRAY_FAULT_PATH in it. With NDARRAY_FAULT_AT, counting
// starts with the process, from 0; else with fault_arm. NDARRAY_FAULT_COMMAND is run instead of
// ending the process; in it nothing counts.
//
// NDARRAY_FAULT_LOCKS: "refuse" is a file system without locks, "kill" ends who asks for one.

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

long counted = 0;
long fault_at = -1;

// The system's own function of that name.
template <typename Function>
Function Next(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

void Fault() {
  const char* const command = getenv("NDARRAY_FAULT_COMMAND");
  if (command == nullptr) raise(SIGKILL);
  fault_at = -1;
  unsetenv("LD_PRELOAD");
  if (std::system(command) != 0) abort();
}

void Count(const char* path) {
  if (fault_at < 0) return;
  const char* const wanted = getenv("NDARRAY_FAULT_PATH");
  if (wanted == nullptr || path == nullptr || strstr(path, wanted) == nullptr) return;
  if (counted++ == fault_at) Fault();
}

__attribute__((constructor)) void Start() {
  const char* const at = getenv("NDARRAY_FAULT_AT");
  if (at != nullptr) fault_at = atol(at);
}

template <typename Open>
int CountAndOpen(const char* name, const char* path, int flags, mode_t mode) {
  Count(path);
  return Next<Open>(name)(path, flags, mode);
}

bool RefusesLock() {
  const char* const what = getenv("NDARRAY_FAULT_LOCKS");
  if (what == nullptr) return false;
  if (strcmp(what, "kill") == 0) raise(SIGKILL);
  errno = ENOLCK;
  return true;
}

int Control(const char* name, int descriptor, int command, void* argument) {
  const bool locks = command == F_SETLK || command == F_SETLKW || command == F_OFD_SETLK ||
                     command == F_OFD_SETLKW;
  if (locks && RefusesLock()) return -1;
  return Next<int (*)(int, int, void*)>(name)(descriptor, command, argument);
}

// The last argument of open, where there is one.
mode_t ModeOf(int flags, va_list arguments) {
  return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(arguments, mode_t) : 0;
}

}  // namespace

extern "C" {

// The next call but `at` faults.
void fault_arm(long at) {
  counted = 0;
  fault_at = at;
}

int open(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = ModeOf(flags, arguments);
  va_end(arguments);
  return CountAndOpen<int (*)(const char*, int, mode_t)>("open", path, flags, mode);
}

int open64(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = ModeOf(flags, arguments);
  va_end(arguments);
  return CountAndOpen<int (*)(const char*, int, mode_t)>("open64", path, flags, mode);
}

int fcntl(int descriptor, int command, ...) {
  va_list arguments;
  va_start(arguments, command);
  void* const argument = va_arg(arguments, void*);
  va_end(arguments);
  return Control("fcntl", descriptor, command, argument);
}

int fcntl64(int descriptor, int command, ...) {
  va_list arguments;
  va_start(arguments, command);
  void* const argument = va_arg(arguments, void*);
  va_end(arguments);
  return Control("fcntl64", descriptor, command, argument);
}

int flock(int descriptor, int operation) noexcept {
  if ((operation & LOCK_UN) == 0 && RefusesLock()) return -1;
  return Next<int (*)(int, int)>("flock")(descriptor, operation);
}

FILE* fopen(const char* path, const char* mode) {
  Count(path);
  return Next<FILE* (*)(const char*, const char*)>("fopen")(path, mode);
}

FILE* fopen64(const char* path, const char* mode) {
  Count(path);
  return Next<FILE* (*)(const char*, const char*)>("fopen64")(path, mode);
}

int rename(const char* from, const char* to) noexcept {
  Count(from);
  return Next<int (*)(const char*, const char*)>("rename")(from, to);
}

int unlink(const char* path) noexcept {
  Count(path);
  return Next<int (*)(const char*)>("unlink")(path);
}

// Names may be relative to a folder, which is then as good a place to stop as one that is named.
int unlinkat(int folder, const char* path, int flags) noexcept {
  Count(folder == AT_FDCWD ? path : getenv("NDARRAY_FAULT_PATH"));
  return Next<int (*)(int, const char*, int)>("unlinkat")(folder, path, flags);
}

int rmdir(const char* path) noexcept {
  Count(path);
  return Next<int (*)(const char*)>("rmdir")(path);
}

int remove(const char* path) noexcept {
  Count(path);
  return Next<int (*)(const char*)>("remove")(path);
}

int mkdir(const char* path, mode_t mode) noexcept {
  Count(path);
  return Next<int (*)(const char*, mode_t)>("mkdir")(path, mode);
}

int ftruncate(int descriptor, off_t size) noexcept {
  Count(getenv("NDARRAY_FAULT_PATH"));
  return Next<int (*)(int, off_t)>("ftruncate")(descriptor, size);
}

int fsync(int descriptor) {
  Count(getenv("NDARRAY_FAULT_PATH"));
  return Next<int (*)(int)>("fsync")(descriptor);
}

}  // extern "C"
