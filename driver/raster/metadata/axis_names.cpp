#include "driver/raster/metadata/axis_names.h"

#include <algorithm>

namespace ndarray {

std::vector<std::string> AxisNames(const std::string& axes) {
  std::vector<std::string> names;
  for (const char letter : axes) {
    names.emplace_back(letter == 'B' ? "band" : letter == 'Y' ? "y" : "x");
  }
  return names;
}

std::string AxesOfNames(const std::vector<std::string>& dimension_names,
                        const std::vector<std::string>& spatial_dimensions) {
  const std::vector<std::string>& all =
      dimension_names.empty() ? spatial_dimensions : dimension_names;
  const bool says_two = spatial_dimensions.size() == 2;
  const std::string y = says_two ? spatial_dimensions[0] : "y";
  const std::string x = says_two ? spatial_dimensions[1] : "x";
  const auto count = [&](const std::string& name) {
    return std::count(all.begin(), all.end(), name);
  };
  if (all.size() > 3 || y == x || count(y) != 1 || count(x) != 1) return "";
  std::string axes;
  for (const std::string& name : all) axes += name == y ? 'Y' : name == x ? 'X' : 'B';
  return axes;
}

}  // namespace ndarray
