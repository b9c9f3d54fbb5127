// What `verify` finds in a .b2nd file.
#ifndef GDAL_NDARRAY_TOOLS_VERIFY_VERIFY_FRAME_H_
#define GDAL_NDARRAY_TOOLS_VERIFY_VERIFY_FRAME_H_

#include <memory>
#include <nlohmann/json.hpp>

#include "driver/raster/gdal_compat.h"
#include "driver/store/io/byte_file.h"
#include "tools/gdal_ndarray/verify/compare.h"

namespace ndarray::tools {

// The maximum number of places of damage that a report lists.
constexpr size_t kMaxListedDamage = 100;

// Adds to the report, for people and programs alike: shape, dtype, chunks and blocks, "structure",
// "decoding", "attributes", "checksums", and as "unseen" what none of that can find out. Returns
// whether all is sound. `dataset` is the file as a raster, which knows what pixels are. Throws
// Failure.
bool VerifyFrame(std::shared_ptr<ByteFile> opened, GDALDataset& dataset, const ProgressFn& progress,
                 nlohmann::ordered_json& report);

}  // namespace ndarray::tools

#endif  // GDAL_NDARRAY_TOOLS_VERIFY_VERIFY_FRAME_H_
