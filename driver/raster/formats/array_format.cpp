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

const ArrayFormat* FormatOfExtension(const char* extension) {
  for (const ArrayFormat* const format : Formats()) {
    if (EQUAL(format->extension, extension)) return format;
  }
  return nullptr;
}

}  // namespace ndarray
