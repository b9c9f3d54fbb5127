#include "tools/gdal_ndarray/report.h"

#include <algorithm>
#include <cstdio>

#include "driver/store/text.h"

namespace ndarray::tools {

void Report::Add(const std::string& key, const std::string& label, const Json& value,
                 const std::string& text) {
  values_[key] = value;
  lines_.emplace_back(label, text);
}

void Report::Append(const Report& other) {
  lines_.insert(lines_.end(), other.lines_.begin(), other.lines_.end());
  for (const auto& [key, value] : other.values_.items()) values_[key] = value;
}

std::string Report::AsText() const {
  size_t width = 0;
  for (const auto& [label, text] : lines_) width = std::max(width, label.size());
  const std::string margin(width + 2, ' ');
  std::string all;
  for (const auto& [label, text] : lines_) {
    all += label + margin.substr(label.size());
    for (const char c : text) {
      all += c;
      if (c == '\n') all += margin;
    }
    all += '\n';
  }
  return all;
}

// Names in files may be any bytes; what is no UTF-8 is replaced.
std::string Report::AsJson() const {
  return values_.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

nlohmann::ordered_json ShapeJson(const AxisVector& shape) {
  return std::vector<int64_t>(shape.begin(), shape.end());
}

std::string BytesText(uint64_t bytes) {
  if (bytes < 1000) return std::to_string(bytes) + " bytes";
  auto value = static_cast<double>(bytes);
  const char* unit = "bytes";
  for (const char* const larger : {"kB", "MB", "GB", "TB", "PB", "EB"}) {
    if (value < 999.5) break;
    value /= 1000;
    unit = larger;
  }
  return NumberText(value, 3) + " " + unit;
}

nlohmann::ordered_json NumberJson(const std::string& text) {
  nlohmann::ordered_json value = nlohmann::ordered_json::parse(text, nullptr, false);
  return value.is_number() ? value : nlohmann::ordered_json(text);
}

std::string NumberText(double value, int digits) { return ndarray::NumberText(value, digits); }

}  // namespace ndarray::tools
