#include "driver/raster/dataset_name.h"

#include <cpl_string.h>

#include "driver/raster/axes.h"

namespace ndarray {

bool HasDriverPrefix(const char* name, std::string_view driver) {
  return EQUALN(name, driver.data(), driver.size()) && name[driver.size()] == ':';
}

Result<DatasetName> ParseDatasetName(std::string_view name, std::string_view driver) {
  DatasetName result;
  if (!HasDriverPrefix(std::string(name).c_str(), driver)) {
    result.path = name;
    return result;
  }
  std::string_view rest = name.substr(driver.size() + 1);
  std::string_view index;
  if (!rest.empty() && rest.front() == '"') {
    const size_t quote = rest.find('"', 1);
    if (quote == std::string_view::npos) {
      return Mismatch(StatusCode::kInvalidArgument, "dataset name", name, "a closing quote");
    }
    index = rest.substr(quote + 1);
    rest = rest.substr(1, quote - 1);
  } else if (const size_t bracket = rest.rfind(":["); bracket != std::string_view::npos) {
    index = rest.substr(bracket);
    rest = rest.substr(0, bracket);
  }
  result.path = rest;
  if (index.empty()) return result;
  if (index.front() != ':') {
    return Mismatch(StatusCode::kInvalidArgument, "dataset name", name, ":[index] after the path");
  }
  Result<AxisVector> parsed = ParseIndex(index.substr(1));
  if (!parsed.ok()) return parsed.status().At(result.path);
  result.index = *parsed;
  return result;
}

std::string FormatDatasetName(std::string_view driver, std::string_view path,
                              const AxisVector& index) {
  std::string name(driver);
  name.append(":\"").append(path).append("\":[");
  for (int axis = 0; axis < index.size(); ++axis) {
    if (axis > 0) name += ",";
    name += std::to_string(index[axis]);
  }
  return name + "]";
}

}  // namespace ndarray
