#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "driver/store/io/descriptor.h"

namespace ndarray {

FileDescriptor::~FileDescriptor() {
  if (value_ >= 0) close(value_);
}

Status ErrnoStatus(const std::string& path, std::string_view verb) {
  const int error = errno;
  return Status(error == ENOENT ? StatusCode::kNotFound : StatusCode::kIo,
                path + ": cannot " + std::string(verb) + ": " + std::strerror(error));
}

bool HasNoLocks(int error) { return error == ENOLCK || error == ENOSYS || error == EOPNOTSUPP; }

Status ReadFully(int descriptor, const std::string& path, uint64_t offset_bytes, void* to,
                 size_t size_bytes) {
  auto* out = static_cast<char*>(to);
  while (size_bytes > 0) {
    const ssize_t n = pread(descriptor, out, size_bytes, static_cast<off_t>(offset_bytes));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return ErrnoStatus(path, "read");
    if (n == 0) {
      return Mismatch(StatusCode::kCorrupt, "file size", std::to_string(offset_bytes) + " bytes",
                      "at least " + std::to_string(offset_bytes + size_bytes) + " bytes")
          .At(path);
    }
    out += n;
    offset_bytes += static_cast<uint64_t>(n);
    size_bytes -= static_cast<size_t>(n);
  }
  return {};
}

Status WriteFully(int descriptor, const std::string& path, uint64_t offset_bytes, const void* from,
                  size_t size_bytes) {
  const auto* in = static_cast<const char*>(from);
  while (size_bytes > 0) {
    const ssize_t n = pwrite(descriptor, in, size_bytes, static_cast<off_t>(offset_bytes));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return ErrnoStatus(path, "write");
    in += n;
    offset_bytes += static_cast<uint64_t>(n);
    size_bytes -= static_cast<size_t>(n);
  }
  return {};
}

}  // namespace ndarray
