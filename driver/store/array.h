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
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "driver/store/attributes.h"
#include "driver/store/dtype/dtype.h"
#include "driver/store/file_id.h"
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

// Some of them, which the caller holds.
class ReadTargets {
 public:
  ReadTargets(const ReadTarget& one)
      : begin_(&one), end_(&one + 1) {}                // NOLINT: implicit by design
  ReadTargets(const std::vector<ReadTarget>& targets)  // NOLINT: the same
      : begin_(targets.data()), end_(targets.data() + targets.size()) {}

  const ReadTarget* begin() const { return begin_; }
  const ReadTarget* end() const { return end_; }
  size_t size() const { return static_cast<size_t>(end_ - begin_); }
  bool empty() const { return begin_ == end_; }
  const ReadTarget& operator[](size_t i) const { return begin_[i]; }

 private:
  const ReadTarget* begin_;
  const ReadTarget* end_;
};

// Where uncompressed elements lie in a file that other programs may map.
struct RawLayout {
  uint64_t offset_bytes = 0;   // of element (0, 0, ...), from the start of the file
  AxisVector strides_bytes;    // of elements, by array axis
  std::optional<FileId> file;  // the one that is read, where it is a local one
  std::string path = "";       // of that file, of which the array may be a part
};

// How elements are compressed, for people.
struct CompressionInfo {
  std::string codec;    // "ZSTD"; "NONE" where it only stores
  std::string filters;  // "SHUFFLE(4),BYTEDELTA(4)", or "NONE"
  double ratio = 1;     // bytes of all elements to those of the file
};

struct ArrayInfo {
  AxisVector shape;            // every axis >= 1
  std::vector<Field> fields;   // at least one
  bool is_record = false;      // a structured dtype, even of one field
  bool fortran_order = false;  // the first axis varies fastest in the file, not the last
  AxisVector read_chunk;       // elements by axis: what one read touches anyway
  // The shapes of the chunks and blocks in the file, in whole elements; they may reach over the end
  // of the array. Empty for arrays that are not cut.
  AxisVector chunk, block;
  std::optional<RawLayout> raw;            // absent where elements are compressed
  std::optional<CompressionInfo> packing;  // absent where they are not

  // For people.
  std::string format;          // "NPY", "B2ND"
  std::string format_version;  // "1.0"; empty where it does not matter
  std::string dtype_text;      // as the file spells it: "<u2"
};

// What the chunks of a file are, and what reading them has cost this process so far: for people.
struct ChunkDetails {
  int64_t chunk_count = 0;
  int64_t special_chunks = 0;  // that take no bytes
  int64_t blocks_per_chunk = 0;
  int64_t compressed_bytes = 0;    // of all chunks, with dead space
  int64_t uncompressed_bytes = 0;  // with padding
  int64_t frame_bytes = 0;
  int frame_version = 0;
  std::string metalayers;  // names, comma-separated
  int level = 0;
  // Whether chunks have some: "YES", "NO", or "3 of 4 chunks"; where chunks are not looked at,
  // "YES" only if the file says so.
  std::string checksums;
  int64_t decoded_blocks = 0;
  int64_t cache_hits = 0;
  int64_t cache_misses = 0;
  int64_t cache_bytes = 0;             // of this file
  int64_t cache_bytes_all_files = 0;   // of the process
  int64_t cache_max_bytes = 0;         // the same
  std::optional<uint64_t> dead_bytes;  // left behind by updates, where that is known
  std::string chunk_filters;  // how many chunks have which; empty where that is unknown or no chunk
                              // has bytes
};

// What arrays of chunks know of these.
class ChunkedArray {
 public:
  virtual ~ChunkedArray() = default;

  // Shows each chunk of the box: the part of it in the box, and whether it is known without
  // decoding that this is empty. Without an element that means that it was never written (and
  // that it is shown as zeros); with one, of the only field in native byte order, that all of it
  // is that element. Ends where `visit` returns false. False where that cannot be known, or there
  // are too many chunks; then none was shown.
  using ChunkVisitor = std::function<bool(const Box& part, bool empty)>;
  virtual bool VisitChunks(const Box& box, const std::byte* element,
                           const ChunkVisitor& visit) const = 0;

  virtual ChunkDetails Details() const = 0;  // as of now

  // All bytes of the chunk at that place of the chunk grid, as the file has them; none of a chunk
  // of zeros. kNotSupported where it is one that takes no bytes for another reason.
  virtual Status ReadPacked(const AxisVector& position, std::string& bytes) const = 0;
};

class WritableArray;

class Array {
 public:
  virtual ~Array() = default;
  Array(const Array&) = delete;
  Array& operator=(const Array&) = delete;

  const ArrayInfo& info() const { return info_; }
  const std::string& path() const { return path_; }

  // Reads several boxes at once: what they share in the file (blocks that hold several bands, the
  // fields of records) is read and decoded once.
  // REQUIRES: each field < info().fields.size(), each box inside info().shape and nowhere empty.
  virtual Status Read(const ReadTargets& targets) const = 0;

  // The same of one box.
  Status Read(size_t field, const Box& box, const StridedView& to) const {
    return Read(ReadTarget{field, box, to});
  }

  // The box will be read soon. A hint: costs little, may do nothing.
  virtual void Prefetch(const Box& /*box*/) const {}

  // Metadata in the file; nullptr where its format has none.
  virtual const Attributes* attributes() const { return nullptr; }

  // This array as more than one to read; nullptr where it is not, or is not open for update.
  virtual const ChunkedArray* chunked() const { return nullptr; }
  virtual WritableArray* writable() { return nullptr; }

 protected:
  Array(std::string path, ArrayInfo info) : path_(std::move(path)), info_(std::move(info)) {}

 private:
  const std::string path_;
  const ArrayInfo info_;
};

// An array that is open for update.
class WritableArray : public Array {
 public:
  // REQUIRES: as Read.
  virtual Status Write(size_t field, const Box& box, const ConstStridedView& from) = 0;

  // What was never written within the box gets this value, one element of the only field in native
  // byte order, without the space that elements take: whole chunks, and only where the store knows
  // them, in an array that was made new and has been open since. Others are left alone.
  virtual Status Fill(const Box& /*box*/, const std::byte* /*element*/) { return {}; }

  // The box becomes what it is in `from`, an array of the same shape and type that is cut alike:
  // its chunks are taken over as they are, and nothing is decoded. kInvalidArgument where arrays
  // differ or the box is not one of whole chunks; kNotSupported where there are no chunks.
  // REQUIRES: as Read
  virtual Status TakeChunks(const Array& from, const Box& box);

  // After it every other reader of the file sees what was written.
  virtual Status Flush() = 0;

  // attributes(), to be changed; nullptr where the format has none.
  virtual EditableAttributes* editable_attributes() { return nullptr; }

  WritableArray* writable() override { return this; }

 protected:
  using Array::Array;

  // What TakeChunks has to refuse.
  Status CheckTakes(const Array& from, const Box& box) const;
};

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_ARRAY_H_
