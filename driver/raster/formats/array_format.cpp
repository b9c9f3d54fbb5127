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

const ArrayFormat* FindFormat(const char* driver) {
  for (const ArrayFormat* const format : Formats()) {
    if (EQUAL(format->driver, driver)) return format;
  }
  return nullptr;
}

bool IsArchiveName(const ArrayFormat& format, const std::string& path) {
  return format.archive_extension != nullptr &&
         EQUAL(CPLGetExtension(path.c_str()), format.archive_extension);
}

bool IsNameOf(const ArrayFormat& format, const std::string& path) {
  return EQUAL(CPLGetExtension(path.c_str()), format.extension) || IsArchiveName(format, path);
}

const ArrayFormat* FormatOfName(const std::string& path) {
  for (const ArrayFormat* const format : Formats()) {
    if (IsNameOf(*format, path)) return format;
  }
  return nullptr;
}

}  // namespace ndarray
