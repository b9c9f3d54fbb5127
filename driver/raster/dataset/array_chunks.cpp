// Chunks of other files, taken over as they are.

#include <string>

#include "driver/raster/chunk_request.h"
#include "driver/raster/dataset/array_dataset.h"
#include "driver/raster/gdal_error.h"

namespace ndarray {

CPLErr ArrayDataset::TakeChunks(const char* text) {
  const auto lock = LockForUpdate();
  const std::string& path = io_.array().path();
  Result<ChunkRequest> request = ParseChunkRequest(text, io_.array().info().shape);
  if (!request.ok()) return Report(request.status().At(path));
  if (io_.writable() == nullptr) {
    return Report(Mismatch(StatusCode::kNotSupported, "access", "read-only", "update").At(path));
  }
  const char* const drivers[] = {io_.array().info().format.c_str(), nullptr};
  const GDALDatasetUniquePtr other(GDALDataset::Open(
      request->path.c_str(), GDAL_OF_RASTER | GDAL_OF_VERBOSE_ERROR, drivers, nullptr, nullptr));
  const auto* const from = dynamic_cast<const ArrayDataset*>(other.get());
  if (from == nullptr) return CE_Failure;
  // Blocks written through GDAL's cache come first, and none may be stale afterwards.
  for (int band = 0; band < nBands; ++band) {
    if (papoBands[band]->FlushCache(false) != CE_None) return CE_Failure;
  }
  return Report(io_.writable()->TakeChunks(from->io().array(), request->box));
}

CPLErr ArrayDataset::SetMetadataItem(const char* name, const char* value, const char* domain) {
  const bool details = domain != nullptr && EQUAL(domain, io_.array().info().format.c_str());
  if (details && HasDetails() && EQUAL(name, kTakeChunksItem)) {
    return Guarded(CE_Failure, [&] { return TakeChunks(value); });
  }
  return GDALPamDataset::SetMetadataItem(name, value, domain);
}

}  // namespace ndarray
