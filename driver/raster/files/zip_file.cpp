#include "driver/raster/files/zip_file.h"

#include <utility>

#include "driver/raster/files/vsi_file.h"
#include "driver/store/io/sub_file.h"

namespace ndarray {
namespace {

// In GDAL's own directory of the archive a name may stand for another file than here.
Status CheckForGdal(const ZipMember& member, const std::string& path) {
  if (IsPlainZipName(member.name)) return {};
  return Mismatch(StatusCode::kNotSupported, "name of a compressed member", member.name,
                  "one without absolute or parent folders")
      .At(path);
}

}  // namespace

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
  Status status = CheckForGdal(member, path);
  if (!status.ok()) return status;
  Result<std::shared_ptr<ByteFile>> unpacked =
      OpenByteFile("/vsizip/{" + file_->path() + "}/" + member.name);
  if (!unpacked.ok()) return unpacked;
  if ((*unpacked)->size_bytes() == member.size_bytes) return unpacked;
  return Corrupt("size", std::to_string((*unpacked)->size_bytes()) + " bytes in /vsizip/",
                 std::to_string(member.size_bytes))
      .At(path);
}

}  // namespace ndarray
