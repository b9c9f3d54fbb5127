// The report of `verify` for people.
#ifndef GDAL_NDARRAY_TOOLS_VERIFY_VERIFY_REPORT_H_
#define GDAL_NDARRAY_TOOLS_VERIFY_VERIFY_REPORT_H_

#include <nlohmann/json.hpp>

namespace ndarray::tools {

// Writes what --json writes to stdout, as text.
void PrintReport(const nlohmann::ordered_json& report);

}  // namespace ndarray::tools

#endif  // GDAL_NDARRAY_TOOLS_VERIFY_VERIFY_REPORT_H_
