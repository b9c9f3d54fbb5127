// Metadata that users keep in a file of arrays: names, and values as msgpack.
#ifndef GDAL_NDARRAY_STORE_ATTRIBUTES_H_
#define GDAL_NDARRAY_STORE_ATTRIBUTES_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "driver/store/status.h"

namespace ndarray {

// A name, and a value as msgpack.
using Attribute = std::pair<std::string, std::string>;

struct AttributeInfo {
  std::string name;         // any bytes
  uint64_t size_bytes = 0;  // in the file, compressed
};

// The attributes of one open array, which must outlive them. Any number of threads may read them.
class Attributes {
 public:
  virtual ~Attributes() = default;

  // In file order. Costs nothing: no value is read.
  virtual std::vector<AttributeInfo> List() const = 0;

  // The first value of that name. A few bytes in a file may claim many: kNotSupported where it is
  // longer than `max_bytes`; kNotFound; kCorrupt. Errors have neither path nor name.
  virtual Result<std::string> Read(const std::string& name, int64_t max_bytes) const = 0;
};

// The attributes of an array that is open for update; one thread at a time may use them. Changes
// are committed by the array's next Flush.
class EditableAttributes : public Attributes {
 public:
  // Adds it or replaces its value. kInvalidArgument for names and kNotSupported for numbers of
  // attributes that the format does not have.
  virtual Status Set(const std::string& name, const std::string& value) = 0;

  // How many the format has room for.
  virtual size_t max_count() const = 0;

  // Nothing happens where there is none of that name.
  virtual void Remove(const std::string& name) = 0;
};

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_ATTRIBUTES_H_
