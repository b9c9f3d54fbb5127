// Dtypes in one string with commas or counts, as numpy.dtype takes them: "f4, i2", "2f4, (3,4)u1".
#ifndef GDAL_NDARRAY_STORE_DTYPE_COMMA_DTYPE_H_
#define GDAL_NDARRAY_STORE_DTYPE_COMMA_DTYPE_H_

#include <string_view>

#include "driver/store/dtype/python_literal.h"
#include "driver/store/status.h"

namespace ndarray {

// Whether NumPy reads this string so. A plain type string is not.
bool IsCommaDtype(std::string_view text);

// The same dtype as a literal: a list of fields f0, f1, ... as ("f0", type) or ("f0", type, shape);
// without any comma, (type, shape). `field` is what messages call it. kCorrupt for what is no such
// string; kNotSupported for more fields than are read here. `text` must outlive the result.
Result<PyValue> ParseCommaDtype(std::string_view text, const char* field);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_DTYPE_COMMA_DTYPE_H_
