#include "driver/raster/files/dataset_name.h"

#include <cpl_string.h>

#include <algorithm>

#include "driver/raster/axes.h"

namespace ndarray {

bool HasDriverPrefix(const char* name, std::string_view driver) {
  return EQUALN(name, driver.data(), driver.size()) && name[driver.size()] == ':';
}

namespace {

std::string ReplaceAll(std::string_view text, std::string_view from, std::string_view to) {
  std::string out;
  while (true) {
    const size_t at = text.find(from);
    out += text.substr(0, at);
    if (at == std::string_view::npos) return out;
    out += to;
    text.remove_prefix(at + from.size());
  }
}

// Where an index begins, with its colon, after a path without quotation marks; npos: nowhere.
size_t IndexAt(std::string_view rest) {
  const size_t bracket = rest.rfind(":[");
  if (bracket != std::string_view::npos) return bracket;
  const size_t colon = rest.rfind(':');
  if (colon == std::string_view::npos || colon + 1 == rest.size()) return std::string_view::npos;
  const bool is_index = rest.find_first_not_of("0123456789, ", colon + 1) == std::string_view::npos;
  return is_index ? colon : std::string_view::npos;
}

}  // namespace

Result<DatasetName> ParseDatasetName(std::string_view name, std::string_view driver) {
  DatasetName result;
  result.written_path = name;
  result.path = name;
  if (!HasDriverPrefix(std::string(name).c_str(), driver)) return result;
  const std::string_view rest = name.substr(driver.size() + 1);
  size_t path_bytes = std::min(IndexAt(rest), rest.size());
  const bool quoted = !rest.empty() && rest.front() == '"';
  if (quoted) {
    // The last one: an index has none.
    const size_t quote = rest.rfind('"');
    if (quote == 0) {
      return Mismatch(StatusCode::kInvalidArgument, "dataset name", name, "a closing quote");
    }
    path_bytes = quote + 1;
  }
  result.written_path = rest.substr(0, path_bytes);
  result.path = quoted ? ReplaceAll(rest.substr(1, path_bytes - 2), "\\\"", "\"")
                       : std::string(result.written_path);
  if (path_bytes == rest.size()) return result;
  if (rest[path_bytes] != ':') {
    return Mismatch(StatusCode::kInvalidArgument, "dataset name", name, ":index after the path");
  }
  result.written_index = rest.substr(path_bytes + 1);
  Result<AxisVector> parsed = ParseIndex(result.written_index);
  if (!parsed.ok()) return parsed.status().At(result.path);
  result.index = *parsed;
  return result;
}

std::string FormatDatasetName(std::string_view driver, std::string_view path,
                              const AxisVector& index) {
  std::string name(driver);
  name.append(":\"").append(ReplaceAll(path, "\"", "\\\"")).append("\":");
  for (int axis = 0; axis < index.size(); ++axis) {
    if (axis > 0) name += ",";
    name += std::to_string(index[axis]);
  }
  return name;
}

}  // namespace ndarray
