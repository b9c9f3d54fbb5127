#include "driver/raster/create/source_cache.h"

namespace ndarray {

SourceCache::SourceCache(GDALDataset& source, bool along_x) : source_(source) {
  int width = 1;
  int height = 1;
  source.GetRasterBand(1)->GetBlockSize(&width, &height);
  block_side_ = along_x ? width : height;
}

void SourceCache::Passed(int line) {
  constexpr int kCheapSide = 64;  // blocks that it costs little to read again
  // The owner of a source that is being written flushes it.
  if (line == passed_ || source_.GetAccess() != GA_ReadOnly) return;
  if (line % block_side_ != 0 && block_side_ > kCheapSide) return;
  passed_ = line;
  for (int band = 1; band <= source_.GetRasterCount(); ++band) {
    source_.GetRasterBand(band)->FlushCache(false);
  }
}

}  // namespace ndarray
