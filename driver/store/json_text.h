// JSON with the numbers that it lacks: NaN, Infinity and -Infinity, as Python's json module and
// GDAL's own parser write and read them.
#ifndef GDAL_NDARRAY_STORE_JSON_TEXT_H_
#define GDAL_NDARRAY_STORE_JSON_TEXT_H_

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace ndarray {

// On one line. Bytes that are not UTF-8 are replaced.
std::string JsonText(const nlohmann::json& value);

// The reverse; discarded where the text is no JSON, or nested deeper than any metadata is (the
// functions that walk over values call themselves for each level).
nlohmann::json ParseJsonText(std::string_view text);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_JSON_TEXT_H_
