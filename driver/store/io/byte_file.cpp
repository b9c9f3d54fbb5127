#include "driver/store/io/byte_file.h"

#include <algorithm>

namespace ndarray {

Result<const std::byte*> ByteFile::View(uint64_t offset_bytes, uint64_t size_bytes) const {
  if (map_ == nullptr) return nullptr;
  const Result<FileState> now = State();
  if (!now.ok()) return now.status();
  // If the file has grown, the map still has its old size.
  const uint64_t size = std::min(now->size_bytes, size_bytes_);
  if (offset_bytes > size || size_bytes > size - offset_bytes) {
    return Mismatch(StatusCode::kCorrupt, "file size",
                    std::to_string(size) + " bytes" +
                        (size < size_bytes_ ? " (it shrank while open)" : ""),
                    "at least " + std::to_string(offset_bytes + size_bytes) + " bytes")
        .At(path_);
  }
  return map_ + offset_bytes;
}

// Errors carry the path, so that it counts here, too.
std::string ByteFile::Identity() const {
  const Result<FileState> now = State();
  if (!traits_.id || !now.ok()) return "";
  std::string identity;
  for (const uint64_t number : {traits_.id->device, traits_.id->inode, now->size_bytes,
                                now->modified_ns, now->changed_ns}) {
    identity += std::to_string(number) + ":";
  }
  return identity + path_;
}

Status ReadBytes(const ByteFile& file, uint64_t offset_bytes, uint64_t size_bytes,
                 std::string& to) {
  to.resize(size_bytes);
  return file.Read({{offset_bytes, to.size(), to.data()}});
}

}  // namespace ndarray
