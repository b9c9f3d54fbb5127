#include "driver/raster/multidim/open_array.h"

#include "driver/raster/gdal_error.h"
#include "driver/raster/multidim/facts_store.h"

namespace ndarray {

OpenArray::~OpenArray() { Flush(); }

Status OpenArray::TakeChunks(const OpenArray& from, const Box& box) {
  const auto lock = LockForUpdate();
  return writable()->TakeChunks(from.array(), box);
}

CPLErr OpenArray::Flush() {
  if (writable() == nullptr) return CE_None;
  return Guarded(CE_Failure, [&] {
    const auto lock = LockForUpdate();
    Status status;
    if (facts_changed_) status = StoreArrayFacts(facts_, element_, *writable());
    facts_changed_ = false;
    const CPLErr stored = Report(status);
    const CPLErr flushed = Report(writable()->Flush());  // pixels in any case
    return stored == CE_None ? flushed : stored;
  });
}

}  // namespace ndarray
