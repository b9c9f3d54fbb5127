#include "driver/store/io/byte_file.h"

namespace ndarray {

Result<const std::byte*> ByteFile::View(uint64_t offset_bytes, uint64_t size_bytes) const {
  if (map_ == nullptr) return nullptr;
  Result<uint64_t> size = CurrentSize();
  if (!size.ok()) return size.status();
  // If the file has grown, the map still has its old size.
  if (offset_bytes > size_bytes_ || size_bytes > size_bytes_ - offset_bytes) *size = size_bytes_;
  if (offset_bytes > *size || size_bytes > *size - offset_bytes) {
    return Mismatch(StatusCode::kCorrupt, "file size",
                    std::to_string(*size) + " bytes" +
                        (*size < size_bytes_ ? " (it shrank while open)" : ""),
                    "at least " + std::to_string(offset_bytes + size_bytes) + " bytes")
        .At(path_);
  }
  return map_ + offset_bytes;
}

Status ReadBytes(const ByteFile& file, uint64_t offset_bytes, uint64_t size_bytes,
                 std::string& to) {
  to.resize(size_bytes);
  return file.Read({{offset_bytes, to.size(), to.data()}});
}

}  // namespace ndarray
