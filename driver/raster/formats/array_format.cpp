#include "driver/raster/formats/array_format.h"

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

const ArrayFormat* FormatOfExtension(const char* extension) {
  for (const ArrayFormat* const format : Formats()) {
    if (EQUAL(format->extension, extension)) return format;
  }
  return nullptr;
}

}  // namespace ndarray
