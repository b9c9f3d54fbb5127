// Python literals, as far as numpy.load takes them in a .npy header: None, True, False, integers,
// strings, tuples, lists, dicts, with comments between them. And what repr gives for NumPy's own
// integers, bools and strings since NumPy 2, which numpy.load refuses: np.int64(3), np.True_.
// Nothing is evaluated.
#ifndef GDAL_NDARRAY_STORE_DTYPE_PYTHON_LITERAL_H_
#define GDAL_NDARRAY_STORE_DTYPE_PYTHON_LITERAL_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "driver/store/status.h"

namespace ndarray {

struct PyNone {};
struct PyValue;
struct PyTuple {
  std::vector<PyValue> items;
};
struct PyList {
  std::vector<PyValue> items;
};
struct PyDict {
  std::vector<std::pair<std::string, PyValue>> items;  // string keys only, in file order
};

struct PyValue {
  std::variant<PyNone, bool, int64_t, std::string, PyTuple, PyList, PyDict> value;
  std::string_view text;  // of the literal, within the parsed text: for messages

  template <typename T>
  const T* As() const {
    return std::get_if<T>(&value);
  }
};

// Parses one literal with white space and comments around it. kCorrupt for anything else, with what
// was found and at which byte. Nesting is limited. `text` must outlive the result.
Result<PyValue> ParsePythonLiteral(std::string_view text);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_DTYPE_PYTHON_LITERAL_H_
