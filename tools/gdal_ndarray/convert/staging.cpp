#include "tools/gdal_ndarray/convert/staging.h"

#include <cpl_conv.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "driver/raster/create/overwrite.h"
#include "driver/store/io/output_file.h"
#include "tools/gdal_ndarray/command.h"

namespace ndarray::tools {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void Fail(const std::string& path, const std::string& verb,
                       const std::error_code& error) {
  throw Failure(path + ": cannot " + verb + ": " + error.message());
}

}  // namespace

Staging::Staging(const std::string& destination)
    : destination_(destination), guard_(Value(CreateLocalFile(destination))) {
  const fs::path target = ResolveLinks(destination);
  target_ = target.string();
  folder_ = TemporaryPath(target_, ".new");
  const fs::path folder = folder_;
  path_ = (folder / fs::path(destination).filename()).string();
  std::error_code error;
  fs::remove_all(folder, error);
  if (!error) fs::create_directory(folder, error);
  if (error) Fail(destination, "create (as " + folder_ + ")", error);
}

Staging::~Staging() {
  std::error_code none;
  fs::remove_all(folder_, none);
}

void Staging::Publish() {
  std::error_code error;
  const fs::file_status replaced = fs::status(target_, error);
  if (fs::exists(replaced)) {
    fs::permissions(path_, replaced.permissions(), error);
    if (error) Fail(destination_, "keep the permissions of", error);
  }
  OldSidecars old(destination_);
  Check(old.SetAside());
  fs::rename(path_, target_, error);
  if (error) Fail(destination_, "replace", error);
  old.Discard();
  std::string missing;
  for (const char* const suffix : kSidecarSuffixes) {
    if (!fs::exists(path_ + suffix, error)) continue;
    // The target of a link may be on another disk than the link, where the sidecars go.
    errno = 0;
    if (CPLMoveFile((destination_ + suffix).c_str(), (path_ + suffix).c_str()) == 0) continue;
    if (missing.empty()) {
      missing = destination_ + suffix +
                ": cannot create: " + std::generic_category().message(errno) + " (" + destination_ +
                " is complete, but for this file)";
    }
  }
  if (!missing.empty()) throw Failure(missing);
}

}  // namespace ndarray::tools
