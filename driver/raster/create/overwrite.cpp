#include "driver/raster/create/overwrite.h"

#include <cpl_vsi.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "driver/raster/files/vsi_file.h"

namespace ndarray {
namespace {

// A folder of that name belongs to nobody.
bool IsFile(const std::string& path) {
  VSIStatBufL about;
  return FindFile(path, about) && !VSI_ISDIR(about.st_mode);
}

Status CannotDo(const std::string& path, const char* verb) {
  const std::string reason = errno != 0 ? std::string(": ") + VSIStrerror(errno) : "";
  return Status(StatusCode::kIo, path + ": cannot " + verb + reason);
}

}  // namespace

std::string OldSidecars::AsideName(const char* suffix) const {
  return TemporaryPath(path_, std::string(suffix) + ".old");
}

OldSidecars::~OldSidecars() {
  for (auto suffix = aside_.rbegin(); suffix != aside_.rend(); ++suffix) {
    VSIRename(AsideName(*suffix).c_str(), (path_ + *suffix).c_str());
  }
}

Status OldSidecars::SetAside() {
  for (const char* const suffix : kSidecarSuffixes) {
    const std::string sidecar = path_ + suffix;
    if (!IsFile(sidecar)) continue;
    errno = 0;
    if (VSIRename(sidecar.c_str(), AsideName(suffix).c_str()) == 0) {
      aside_.push_back(suffix);
      continue;
    }
    // Some virtual file systems cannot rename.
    if (!IsVirtualPath(path_) || VSIUnlink(sidecar.c_str()) != 0)
      return CannotDo(sidecar, "replace");
  }
  return {};
}

void OldSidecars::Discard() {
  for (const char* const suffix : kSidecarSuffixes) {
    // Nothing is left by killed processes where asking is a request to a server.
    const bool moved = std::find(aside_.begin(), aside_.end(), suffix) != aside_.end();
    if (moved || !IsVirtualPath(path_)) VSIUnlink(AsideName(suffix).c_str());
  }
  aside_.clear();
}

Status CheckMayUpdate(const std::string& path) {
  VSIStatBufL about;
  if (IsVirtualPath(path) || VSIStatL(path.c_str(), &about) != 0 || !VSI_ISREG(about.st_mode)) {
    return {};
  }
  errno = 0;
  VSILFILE* const file = VSIFOpenL(path.c_str(), "rb+");
  if (file == nullptr) return CannotDo(path, "open for update");
  VSIFCloseL(file);
  return {};
}

Status CommitOver(OutputFile& file, MaskFile* mask) {
  const MaskFile left(file.path());  // by a killed process, perhaps
  Status status = file.Complete();
  // Whoever opens the target of a link looks for sidecars there.
  const bool may_be_link = !IsVirtualPath(file.path());
  const std::string target = may_be_link ? ResolveLinks(file.path()) : file.path();
  OldSidecars sidecars(file.path());
  OldSidecars of_target(target);
  if (status.ok()) status = sidecars.SetAside();
  if (status.ok() && target != file.path()) status = of_target.SetAside();
  if (status.ok()) status = file.Commit();
  if (!status.ok()) return status;
  sidecars.Discard();
  if (target != file.path()) of_target.Discard();
  if (mask != nullptr) mask->Publish();
  return status;
}

Status DeleteRaster(const std::string& path) {
  const MaskFile left(path);  // by a killed process, perhaps
  OldSidecars sidecars(path);
  Status status = sidecars.SetAside();
  if (!status.ok()) return status;
  errno = 0;
  if (VSIUnlink(path.c_str()) != 0) return CannotDo(path, "delete");
  sidecars.Discard();
  return {};
}

}  // namespace ndarray
