// The element type of an array, plain or structured, as NumPy describes it: numpy.dtype.descr, and
// the literals that str(numpy.dtype) prints. Pure functions; shared by all formats that store it.
#ifndef GDAL_NDARRAY_STORE_DTYPE_RECORD_DTYPE_H_
#define GDAL_NDARRAY_STORE_DTYPE_RECORD_DTYPE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "driver/store/array.h"
#include "driver/store/dtype/python_literal.h"
#include "driver/store/status.h"

namespace ndarray {

constexpr size_t kMaxRecordFields = 65536;

struct ElementType {
  std::vector<Field> fields;  // those of a record in order, arrays and records in it spread out
  bool is_record = false;
  int64_t element_bytes = 0;  // of the whole record
  std::string text;           // as in the file, cut if long: "<u2" or "[('r', '|u1'), ...]"
  std::string literal;        // of a record: the same in full
};

ElementType PlainElement(const DType& dtype);

// Reads whatever numpy.load takes for a dtype of numbers: a type string or name, several of them in
// one string ("f4, 2u1"), a list of (name, type) or (name, type, shape). If is_printed (the literal
// is what str(numpy.dtype) gives), also the dict of names, formats, offsets and itemsize that
// stands for a record with gaps; void fields named f0, f1, ... are gaps then, too. kCorrupt for
// what is no dtype; kNotSupported for dtypes that are no numbers, for records of more fields or
// bytes than are read here, and for elements that are arrays themselves. `field` is what messages
// call it: "descr", "dtype".
Result<ElementType> ParseElementType(const PyValue& descr, const char* field, bool is_printed);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_DTYPE_RECORD_DTYPE_H_
