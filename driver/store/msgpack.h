// msgpack values out of files (https://msgpack.org), by way of nlohmann-json.
#ifndef GDAL_NDARRAY_STORE_MSGPACK_H_
#define GDAL_NDARRAY_STORE_MSGPACK_H_

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "driver/store/status.h"

namespace ndarray {

// Parses exactly one value. kCorrupt for anything else, kNotSupported for what has no counterpart
// in JSON and for nesting or numbers of values that no metadata has: the parser calls itself for
// each level.
Result<nlohmann::json> ParseMsgpack(std::string_view bytes);

// The value as JSON text, for people: bytes, and what is longer than 1 MiB, by their number; the
// tuples of python-blosc2 without the first element that marks them.
std::string ShowJson(nlohmann::json value);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_MSGPACK_H_
