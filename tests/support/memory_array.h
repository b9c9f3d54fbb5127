// An array in memory behind the Array interface, to test datasets without files.
#ifndef GDAL_NDARRAY_TESTS_SUPPORT_MEMORY_ARRAY_H_
#define GDAL_NDARRAY_TESTS_SUPPORT_MEMORY_ARRAY_H_

#include <memory>
#include <string>
#include <vector>

#include "driver/store/array.h"

namespace ndarray::testing {

// A C-ordered array of one type; counts what is asked of it and fails on demand.
class MemoryArray final : public WritableArray {
 public:
  MemoryArray(ScalarType type, const AxisVector& shape, std::string path = "memory.npy");

  // An array that has a shape but no elements.
  static std::shared_ptr<MemoryArray> WithoutElements(ScalarType type, const AxisVector& shape);

  Status Read(const ReadTargets& targets) const override;
  Status Write(size_t field, const Box& box, const ConstStridedView& from) override;
  Status Flush() override { return {}; }

  template <typename T>
  T* values() {
    return reinterpret_cast<T*>(bytes_.data());
  }
  void FailWith(Status status) { failure_ = std::move(status); }
  const std::vector<Box>& reads() const { return reads_; }
  int writes() const { return writes_; }

 private:
  MemoryArray(ArrayInfo info, std::string path);
  size_t OffsetOf(const Box& box) const;

  AxisVector strides_;
  std::vector<char> bytes_;
  Status failure_;
  mutable std::vector<Box> reads_;
  int writes_ = 0;
};

}  // namespace ndarray::testing

#endif  // GDAL_NDARRAY_TESTS_SUPPORT_MEMORY_ARRAY_H_
