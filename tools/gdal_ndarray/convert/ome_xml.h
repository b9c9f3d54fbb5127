// Which page of a TIFF file is which plane, by the XML of OME-TIFF: schema 2016-06 and those before
// it. A pure function over text.
#ifndef GDAL_NDARRAY_TOOLS_CONVERT_OME_XML_H_
#define GDAL_NDARRAY_TOOLS_CONVERT_OME_XML_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "driver/store/status.h"

namespace ndarray::tools {

// What the file has.
struct OmeFile {
  std::string name;  // without folders
  int64_t pages = 0;
  int64_t width = 0, height = 0, samples = 1;  // of each page
};

struct OmePlanes {
  int64_t frames = 1, slices = 1, channels = 1;
  std::vector<int64_t> directories;  // of all planes, channels fastest, then slices: from 0
};

// Whether a page's description may be such XML.
bool IsOmeXml(std::string_view description);

// Reads XML that describes one image: all its planes are in this file, and all pages of the file
// are planes, each once: plain TiffData. kNotSupported, with what was found instead, for all else;
// kCorrupt for what is no XML. At most 16 MiB are read. REQUIRES: file.pages > 0
Result<OmePlanes> ParseOme(const std::string& xml, const OmeFile& file);

}  // namespace ndarray::tools

#endif  // GDAL_NDARRAY_TOOLS_CONVERT_OME_XML_H_
