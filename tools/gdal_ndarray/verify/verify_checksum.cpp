#include "tools/gdal_ndarray/verify/verify_checksum.h"

#include <cpl_vsi.h>

#include <string>

#include "driver/raster/files/checksum_file.h"
#include "driver/raster/files/vsi_file.h"
#include "tools/gdal_ndarray/checksum.h"

namespace ndarray::tools {
namespace {

using Json = nlohmann::ordered_json;

// Whether the file was changed after its checksum file was written. Local file systems count in
// parts of a second, which others do not have.
bool IsNewer(const ByteFile& file) {
  VSIStatBufL data;
  VSIStatBufL checksum;
  const std::string path = file.path() + kChecksumSuffix;
  if (!FindFile(file.path(), data) || !FindFile(path, checksum)) return false;
  if (data.st_mtime != checksum.st_mtime || IsVirtualPath(file.path())) {
    return data.st_mtime > checksum.st_mtime;
  }
  return data.st_mtim.tv_nsec > checksum.st_mtim.tv_nsec;
}

}  // namespace

bool VerifyChecksum(const ByteFile& file, const ProgressFn& progress, Json& report) {
  const std::string name = file.path() + kChecksumSuffix;
  VSIStatBufL about;
  if (!FindFile(name, about)) return true;
  Json found = {{"file", name}, {"algorithm", "SHA-256"}, {"state", ""}, {"what", ""}};
  const auto conclude = [&](const char* state, const std::string& what) {
    found["state"] = state;
    found["what"] = what;
    report["checksum"] = found;
  };
  const std::string wanted = DigestIn(ReadChecksumFile(file.path()), file.path());
  if (wanted.empty()) {
    conclude("not checked",
             "not checked: " + name + " has no line, as sha256sum writes them, about this file");
    return true;
  }
  const std::string digest = Sha256Of(file, progress);
  found["wanted"] = wanted;
  found["found"] = digest;
  if (digest == wanted) {
    conclude("right", "SHA-256 as in " + name);
    report.erase("unseen");
    return true;
  }
  if (IsNewer(file)) {
    conclude("not checked", "not checked: this file was changed after " + name);
    return true;
  }
  conclude("wrong", "SHA-256: found " + digest + ", wanted " + wanted + " (" + name + ")");
  return false;
}

}  // namespace ndarray::tools
