#include "driver/raster/dataset/cache_limit.h"

#include <cpl_conv.h>

#include <cstdint>
#include <optional>

#include "driver/raster/files/memory_option.h"
#include "driver/store/frame/block_cache.h"

namespace ndarray {

void ApplyCacheLimit() {
  const char* const text = CPLGetConfigOption("NDARRAY_CACHEMAX", nullptr);
  const std::optional<int64_t> limit =
      text == nullptr ? BlockCache::kDefaultMaxBytes : MemoryFromText("NDARRAY_CACHEMAX", text);
  if (limit && *limit != BlockCache::Process().max_bytes()) {
    BlockCache::Process().SetMaxBytes(*limit);
  }
}

}  // namespace ndarray
