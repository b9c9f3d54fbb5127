#include "driver/raster/multidim/open_array.h"

#include "driver/raster/gdal_error.h"

namespace ndarray {

OpenArray::~OpenArray() { Flush(); }

CPLErr OpenArray::Flush() {
  if (writable() == nullptr) return CE_None;
  return Guarded(CE_Failure, [&] {
    const auto lock = LockForUpdate();
    return Report(writable()->Flush());
  });
}

}  // namespace ndarray
