// Facts in the order they were found, shown as text of two columns or as one JSON object.
#ifndef GDAL_NDARRAY_TOOLS_REPORT_H_
#define GDAL_NDARRAY_TOOLS_REPORT_H_

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "driver/store/array.h"

namespace ndarray::tools {

class Report {
 public:
  using Json = nlohmann::ordered_json;

  // `key` is for programs, `label` for people. Text of several lines is indented.
  void Add(const std::string& key, const std::string& label, const Json& value,
           const std::string& text);
  void Add(const std::string& key, const std::string& label, const std::string& text) {
    Add(key, label, text, text);
  }
  // Only for programs.
  void AddValue(const std::string& key, const Json& value) { values_[key] = value; }
  void Append(const Report& other);

  std::string AsText() const;
  std::string AsJson() const;

 private:
  std::vector<std::pair<std::string, std::string>> lines_;
  Json values_ = Json::object();
};

nlohmann::ordered_json ShapeJson(const AxisVector& shape);

// The number that the text is, else the text: JSON has no nan, and no complex numbers.
nlohmann::ordered_json NumberJson(const std::string& text);

// "537 MB": three digits, powers of 1000.
std::string BytesText(uint64_t bytes);

// "40.1234", with as many digits as a coordinate deserves and no more zeros than it needs.
std::string NumberText(double value, int digits = 10);

}  // namespace ndarray::tools

#endif  // GDAL_NDARRAY_TOOLS_REPORT_H_
