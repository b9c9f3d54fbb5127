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
    const bool is_in_file = !info.raw->path.empty();
    if (is_in_file) add("DATA_OFFSET", std::to_string(info.raw->offset_bytes));
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

CPLStringList DetailItems(const ChunkDetails& details) {
  CPLStringList items;
  const auto add = [&](const char* key, int64_t value) {
    items.SetNameValue(key, std::to_string(value).c_str());
  };
  add("CHUNK_COUNT", details.chunk_count);
  add("SPECIAL_CHUNKS", details.special_chunks);
  add("BLOCKS_PER_CHUNK", details.blocks_per_chunk);
  add("COMPRESSED_BYTES", details.compressed_bytes);
  add("UNCOMPRESSED_BYTES", details.uncompressed_bytes);
  add("FRAME_BYTES", details.frame_bytes);
  add("FRAME_VERSION", details.frame_version);
  items.SetNameValue("METALAYERS", details.metalayers.c_str());
  add("LEVEL", details.level);
  items.SetNameValue("CHECKSUMS", details.checksums.c_str());
  add("DECODED_BLOCKS", details.decoded_blocks);
  add("CACHE_HITS", details.cache_hits);
  add("CACHE_MISSES", details.cache_misses);
  add("CACHE_BYTES", details.cache_bytes);
  add("CACHE_BYTES_ALL_FILES", details.cache_bytes_all_files);
  add("CACHE_MAX_BYTES", details.cache_max_bytes);
  if (details.dead_bytes) add("DEAD_BYTES", static_cast<int64_t>(*details.dead_bytes));
  if (!details.chunk_filters.empty())
    items.SetNameValue("CHUNK_FILTERS", details.chunk_filters.c_str());
  return items;
}

}  // namespace ndarray
