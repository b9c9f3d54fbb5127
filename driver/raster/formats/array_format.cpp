#include "driver/raster/formats/array_format.h"

#include <cpl_conv.h>

namespace ndarray {

const std::vector<const ArrayFormat*>& Formats() {
  static const std::vector<const ArrayFormat*> formats = {
      &kNpyFormat,
#ifdef NDARRAY_HAS_B2ND
      &kB2ndFormat,
#endif
  };
  return formats;
}

bool IsArchiveName(const ArrayFormat& format, const std::string& path) {
  return format.archive != nullptr &&
         EQUAL(CPLGetExtension(path.c_str()), format.archive->extension);
}

const ArrayFormat* FindFormat(const char* driver) {
  for (const ArrayFormat* const format : Formats()) {
    if (EQUAL(format->driver, driver)) return format;
  }
  return nullptr;
}

bool IsNameOf(const ArrayFormat& format, const std::string& path) {
  return EQUAL(CPLGetExtension(path.c_str()), format.extension) ||
         (IsArchiveName(format, path) && format.archive->is_written);
}

const ArrayFormat* FormatOfName(const std::string& path) {
  for (const ArrayFormat* const format : Formats()) {
    if (IsNameOf(*format, path)) return format;
  }
  return nullptr;
}

}  // namespace ndarray
