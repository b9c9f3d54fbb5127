#include "driver/raster/image_structure.h"

#include "driver/raster/gdal_compat.h"
#include "driver/store/text.h"

namespace ndarray {

CPLStringList ImageStructure(const ArrayInfo& info) {
  CPLStringList items;
  const auto add = [&](const char* key, const std::string& value) {
    items.SetNameValue(key, value.c_str());
  };
  add("LAYOUT", info.format);
  add("DTYPE", info.dtype_text);
  add("SHAPE", ShapeString(info.shape));
  if (info.raw) {
    add("ORDER", info.fortran_order ? "F" : "C");
    add("DATA_OFFSET", std::to_string(info.raw->offset_bytes));
  }
  if (!info.format_version.empty()) add((info.format + "_VERSION").c_str(), info.format_version);
  if (!info.chunk.empty()) {
    add("CHUNKS", ShapeString(info.chunk));
    add("BLOCKS", ShapeString(info.block));
  }
  if (info.packing) {
    const std::string& codec = info.packing->codec;
    add(MayBeCompression(codec.c_str()) ? "COMPRESSION" : "CODEC", codec);
    add("FILTERS", info.packing->filters);
    add("RATIO", NumberText(info.packing->ratio, 3));
  }
  return items;
}

}  // namespace ndarray
