#include "driver/raster/files/zip_file.h"

#include <utility>

#include "driver/raster/files/vsi_file.h"
#include "driver/store/archive/deflated_file.h"
#include "driver/store/io/sub_file.h"

namespace ndarray {
std::string WhyUnreadable(const ZipMember& member) {
  if (member.is_encrypted) return "encrypted";
  if (member.method == zip_method::kStored || member.method == zip_method::kDeflated) return "";
  return "compression " + std::to_string(member.method);
}

Result<ZipFile> ZipFile::Open(const std::string& path, const MapPolicy& policy) {
  Result<std::shared_ptr<ByteFile>> file = OpenByteFile(path, policy);
  if (!file.ok()) return file.status();
  Result<ZipDirectory> directory = ZipDirectory::Read(**file);
  if (!directory.ok()) return directory.status();
  return ZipFile(std::move(*file), std::move(*directory));
}

Result<std::shared_ptr<ByteFile>> ZipFile::OpenMember(const ZipMember& member,
                                                      std::string path) const {
  if (member.is_encrypted) {
    return Mismatch(StatusCode::kNotSupported, "member", "an encrypted one",
                    "one that is not: unpack it first")
        .At(path);
  }
  if (member.method != zip_method::kStored && member.method != zip_method::kDeflated) {
    return Mismatch(StatusCode::kNotSupported, "compression", std::to_string(member.method),
                    "0 (stored) or 8 (deflated): unpack it first")
        .At(path);
  }
  Result<uint64_t> offset = ZipMemberOffset(*file_, member);
  if (!offset.ok()) return offset.status();
  if (member.method == zip_method::kStored) {
    return SubFile::Open(std::move(path), file_, *offset, member.size_bytes);
  }
  Result<std::shared_ptr<ByteFile>> packed =
      SubFile::Open(path, file_, *offset, member.packed_bytes);
  if (!packed.ok()) return packed;
  return std::shared_ptr<ByteFile>(
      std::make_shared<DeflatedFile>(std::move(path), std::move(*packed), member.size_bytes));
}

}  // namespace ndarray
