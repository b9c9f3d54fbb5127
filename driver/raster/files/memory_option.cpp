#include "driver/raster/files/memory_option.h"

#include <cpl_conv.h>
#include <cpl_string.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "driver/raster/gdal_error.h"
#include "driver/store/io/resident_limit.h"

namespace ndarray {
namespace {

constexpr const char* kOpenOption = "MAX_RESIDENT";
constexpr const char* kConfigOption = "NDARRAY_MAX_RESIDENT";

std::optional<int64_t> FromConfiguration() {
  return MemoryFromText(kConfigOption, CPLGetConfigOption(kConfigOption, nullptr));
}

std::optional<int64_t> FromOpenOptions(StringList open_options) {
  return MemoryFromText(kOpenOption, CSLFetchNameValue(open_options, kOpenOption));
}

}  // namespace

std::optional<int64_t> ParseMemory(std::string_view text) {
  const std::string number(text);
  char* end = nullptr;
  double value = CPLStrtod(number.c_str(), &end);
  if (end == number.c_str() || !std::isfinite(value) || value < 0) return std::nullopt;
  while (*end == ' ') ++end;
  if (*end == '\0') {
    value *= value < 100000 ? 1 << 20 : 1;
  } else if (EQUAL(end, "KB") || EQUAL(end, "K")) {
    value *= 1 << 10;
  } else if (EQUAL(end, "MB") || EQUAL(end, "M")) {
    value *= 1 << 20;
  } else if (EQUAL(end, "GB") || EQUAL(end, "G")) {
    value *= 1 << 30;
  } else {
    return std::nullopt;
  }
  constexpr double kMax = 0x1p50;
  return static_cast<int64_t>(std::min(value, kMax));
}

std::optional<int64_t> MemoryFromText(const char* name, const char* text) {
  if (text == nullptr) return std::nullopt;
  const std::optional<int64_t> bytes = ParseMemory(text);
  if (!bytes) {
    ReportWarning(std::string(name) + ": found " + text +
                  ", wanted megabytes, or a number with KB, MB or GB");
  }
  return bytes;
}

MapPolicy PolicyOfPlainFile(StringList open_options) {
  std::optional<int64_t> bytes = FromOpenOptions(open_options);
  if (!bytes) bytes = FromConfiguration();
  MapPolicy policy;
  if (bytes) policy.max_mapped_bytes = static_cast<uint64_t>(*bytes);
  return policy;
}

MapPolicy PolicyOfChunkedFile(StringList open_options) {
  MapPolicy policy;
  const std::optional<int64_t> own_bytes = FromOpenOptions(open_options);
  const std::optional<int64_t> bytes = FromConfiguration();
  ResidentLimit::Process().SetMaxBytes(bytes ? static_cast<uint64_t>(*bytes)
                                             : ResidentLimit::kDefaultMaxBytes);
  if (own_bytes) policy.max_resident_bytes = static_cast<uint64_t>(*own_bytes);
  if (own_bytes.value_or(bytes.value_or(1)) == 0) policy.max_mapped_bytes = 0;
  return policy;
}

}  // namespace ndarray
