// An n-dimensional array in a file: the narrow waist between file formats and GDAL datasets.
//
// Coordinates are in elements and in array axes; intervals are half-open [start, stop). Buffers
// hold elements in native byte order and of the field's own type, one signed stride in bytes for
// each axis of the box. Const methods may be called from any number of threads at once; Write and
// Flush need exclusion by the caller. After a failed Read the contents of the buffer are
// unspecified, and memory outside the described elements is untouched.
#ifndef GDAL_NDARRAY_STORE_ARRAY_H_
#define GDAL_NDARRAY_STORE_ARRAY_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "driver/store/dtype.h"
#include "driver/store/status.h"

namespace ndarray {

constexpr int kMaxAxes = 64;  // NPY_MAXDIMS of NumPy 2

// One number for each axis, without allocation: windows are read millions of times.
class AxisVector {
 public:
  AxisVector() = default;
  explicit AxisVector(int size, int64_t value = 0) : size_(size) {
    std::fill_n(values_, size, value);
  }
  AxisVector(std::initializer_list<int64_t> values) {
    for (const int64_t value : values) push_back(value);
  }
  AxisVector(const AxisVector& other) { *this = other; }
  AxisVector& operator=(const AxisVector& other) {
    size_ = other.size_;
    std::copy_n(other.values_, size_, values_);
    return *this;
  }

  int size() const { return size_; }
  bool empty() const { return size_ == 0; }
  int64_t& operator[](int axis) { return values_[axis]; }
  int64_t operator[](int axis) const { return values_[axis]; }
  int64_t* begin() { return values_; }
  int64_t* end() { return values_ + size_; }
  const int64_t* begin() const { return values_; }
  const int64_t* end() const { return values_ + size_; }
  void push_back(int64_t value) { values_[size_++] = value; }  // REQUIRES: size() < kMaxAxes

  friend bool operator==(const AxisVector& a, const AxisVector& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
  }

 private:
  int size_ = 0;
  int64_t values_[kMaxAxes];  // NOLINT: deliberately not cleared
};

// "(3, 1024, 1024)", as Python prints a shape.
std::string ShapeString(const AxisVector& shape);

// The product of all entries, absent when it does not fit.
std::optional<int64_t> CheckedProduct(const AxisVector& shape);

struct Box {
  AxisVector start;
  AxisVector stop;

  int64_t count(int axis) const { return stop[axis] - start[axis]; }
};

struct StridedView {
  void* data = nullptr;  // the element at box.start
  AxisVector strides_bytes;
};

struct ConstStridedView {
  const void* data = nullptr;
  AxisVector strides_bytes;
};

// One numeric field of an array's element. A plain array has exactly one, without a name.
struct Field {
  std::string name;
  DType dtype;
  int64_t offset_bytes = 0;  // within the element
};

// One part of a larger request.
struct ReadTarget {
  size_t field = 0;
  Box box;
  StridedView to;
};

// Where uncompressed elements lie in a file that other programs may map.
struct RawLayout {
  uint64_t offset_bytes = 0;  // of element (0, 0, ...)
  AxisVector strides_bytes;   // of elements, by array axis
};

struct ArrayInfo {
  AxisVector shape;              // every axis >= 1
  std::vector<Field> fields;     // at least one
  bool is_record = false;        // a structured dtype, even of one field
  bool fortran_order = false;    // the first axis varies fastest in the file, not the last
  AxisVector granule;            // elements by axis: what one read touches anyway
  std::optional<RawLayout> raw;  // absent where elements are compressed
  bool writable = false;
  bool keeps_attributes = false;  // SetAttributes works
  // What the store has to say of the file, for people: ("DTYPE", "<u2"), ...
  std::vector<std::pair<std::string, std::string>> description;
  // Metadata that users keep in the file: names, and values as JSON text.
  std::vector<std::pair<std::string, std::string>> attributes;
  // Names of those that few ask for or that take long: not among `attributes`, and not decoded
  // until ReadAttribute asks for them. Files of their own, and forms of the CRS (proj:...).
  std::vector<std::string> late_attributes;
};

class Array {
 public:
  virtual ~Array() = default;

  virtual const ArrayInfo& info() const = 0;
  virtual const std::string& path() const = 0;

  // REQUIRES: field < info().fields.size(), box inside info().shape and nowhere empty.
  virtual Status Read(size_t field, const Box& box, const StridedView& to) const = 0;

  // Reads several boxes at once: what they share in the file (blocks that hold several bands, the
  // fields of records) is read and decoded once. REQUIRES: as Read, for each
  virtual Status ReadAll(const std::vector<ReadTarget>& targets) const {
    for (const ReadTarget& target : targets) {
      Status status = Read(target.field, target.box, target.to);
      if (!status.ok()) return status;
    }
    return {};
  }

  // REQUIRES: as Read, and info().writable.
  virtual Status Write(size_t field, const Box& box, const ConstStridedView& from) = 0;

  // Chunks within the box of which nothing was ever written get this value, one element of the only
  // field in native byte order, without the space that elements take. Only where the store knows
  // them: in an array that was made new and has been open since. Others are left alone.
  virtual Status FillUnwritten(const Box& /*box*/, const std::byte* /*element*/) { return {}; }

  // After it every other reader of the file sees what was written.
  virtual Status Flush() = 0;

  // Gives back space in the file that updates have left behind, where that is much of it. The array
  // is not used afterwards: it is for who closes it.
  virtual Status Reclaim() { return {}; }

  // What info().attributes show, as the file has it: names, and values as msgpack.
  virtual std::vector<std::pair<std::string, std::string>> PackedAttributes() const { return {}; }

  // One of them, those of info().late_attributes included. kNotFound where there is none.
  virtual Result<std::string> ReadAttribute(const std::string& name) const {
    return Status(StatusCode::kNotFound, "attribute '" + name + "': not there");
  }

  // Replaces them; that counts with the next Flush. REQUIRES: info().keeps_attributes
  virtual void SetAttributes(std::vector<std::pair<std::string, std::string>> /*attributes*/) {}

  // More than info().description, and as of now: counters and the like. Empty where there is none.
  virtual std::vector<std::pair<std::string, std::string>> Details() const { return {}; }

  // The box will be read soon. A hint: costs little, may do nothing.
  virtual void Advise(const Box& /*box*/) const {}

  // Whether the open file descriptor is the file this array reads (a name may have been given to
  // another file since). False for arrays that are no local files.
  virtual bool IsSameFile(int /*descriptor*/) const { return false; }
};

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_ARRAY_H_
