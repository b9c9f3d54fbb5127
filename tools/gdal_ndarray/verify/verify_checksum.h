// What `verify` finds of the checksum file beside a .npy.
#ifndef GDAL_NDARRAY_TOOLS_VERIFY_VERIFY_CHECKSUM_H_
#define GDAL_NDARRAY_TOOLS_VERIFY_VERIFY_CHECKSUM_H_

#include <nlohmann/json.hpp>

#include "driver/store/io/byte_file.h"
#include "driver/store/progress.h"

namespace ndarray::tools {

// Compares the file with PATH.sha256, if there is one, and adds "checksum" to the report: its
// "state" is "right" (then nothing is "unseen"), "wrong" or "not checked": the file was changed
// after its checksum file, or that says nothing of it. False where it is wrong. Throws a Failure.
bool VerifyChecksum(const ByteFile& file, const ProgressFn& progress,
                    nlohmann::ordered_json& report);

}  // namespace ndarray::tools

#endif  // GDAL_NDARRAY_TOOLS_VERIFY_VERIFY_CHECKSUM_H_
