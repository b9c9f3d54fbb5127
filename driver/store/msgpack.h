// msgpack values out of files (https://msgpack.org), by way of nlohmann-json.
#ifndef GDAL_NDARRAY_STORE_MSGPACK_H_
#define GDAL_NDARRAY_STORE_MSGPACK_H_

#include <cstddef>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "driver/store/status.h"

namespace ndarray {

// What all metadata of one file may have together: each value takes some tens of bytes of memory,
// and a few bytes in a file may claim very many.
constexpr int64_t kMaxMsgpackValues = 65536;

// Parses exactly one value. kCorrupt for anything else, kNotSupported for what has no counterpart
// in JSON, for more values than `max_values`, from which they are taken, and for nesting that no
// metadata has: the parser calls itself for each level.
Result<nlohmann::json> ParseMsgpack(std::string_view bytes, int64_t& max_values);

// The value as people should see it: bytes, and texts longer than `max_text_bytes`, by their
// number; the tuples of python-blosc2 without the first element that marks them; texts in UTF-8,
// with what is not replaced. Numbers stay as they are, NaN and infinities, too.
constexpr size_t kMaxShownBytes = size_t{1} << 20;
nlohmann::json Presentable(nlohmann::json value, size_t max_text_bytes = kMaxShownBytes);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_MSGPACK_H_
