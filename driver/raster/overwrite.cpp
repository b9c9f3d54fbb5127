#include "driver/raster/overwrite.h"

#include <cpl_vsi.h>
#include <dlfcn.h>
#include <execinfo.h>

#include <cstring>

namespace ndarray {

bool IsDeletingToOverwrite() {
  // Delete <- GDALDriver::Delete <- GDALDriver::QuietDelete <- the caller: some of these frames
  // are jumps that leave no trace, so any of the names that stand for overwriting counts.
  constexpr int kFrames = 8;
  void* frames[kFrames];
  const int count = backtrace(frames, kFrames);
  for (int i = 0; i < count; ++i) {
    Dl_info symbol;
    if (dladdr(frames[i], &symbol) == 0 || symbol.dli_sname == nullptr) continue;
    for (const char* const name :
         {"GDALDriver11QuietDelete", "GDALDriver24QuietDeleteForCreateCopy", "GDALDriver6Create",
          "GDALDriver10CreateCopy"}) {
      if (std::strstr(symbol.dli_sname, name) != nullptr) return true;
    }
  }
  return false;
}

void DeleteSidecars(const std::string& path) {
  for (const char* const suffix : kSidecarSuffixes) {
    const std::string sidecar = path + suffix;
    VSIStatBufL about;
    if (VSIStatExL(sidecar.c_str(), &about, VSI_STAT_EXISTS_FLAG) == 0) VSIUnlink(sidecar.c_str());
  }
}

}  // namespace ndarray
