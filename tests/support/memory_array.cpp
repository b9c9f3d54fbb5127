#include "tests/support/memory_array.h"

#include <utility>

#include "driver/store/strided_copy.h"

namespace ndarray::testing {
namespace {

AxisVector Counts(const Box& box) {
  AxisVector counts;
  for (int axis = 0; axis < box.start.size(); ++axis) counts.push_back(box.count(axis));
  return counts;
}

ArrayInfo InfoOf(ScalarType type, const AxisVector& shape) {
  ArrayInfo info;
  info.shape = shape;
  info.read_chunk = shape;
  info.fields = {{"", {type, kNativeOrder}, 0}};
  return info;
}

}  // namespace

MemoryArray::MemoryArray(ArrayInfo info, std::string path)
    : WritableArray(std::move(path), std::move(info)), strides_(this->info().shape.size()) {}

std::shared_ptr<MemoryArray> MemoryArray::WithoutElements(ScalarType type,
                                                          const AxisVector& shape) {
  return std::shared_ptr<MemoryArray>(new MemoryArray(InfoOf(type, shape), "memory.npy"));
}

MemoryArray::MemoryArray(ScalarType type, const AxisVector& shape, std::string path)
    : MemoryArray(InfoOf(type, shape), std::move(path)) {
  auto stride = static_cast<int64_t>(SizeBytes(type));
  for (int axis = shape.size() - 1; axis >= 0; --axis) {
    strides_[axis] = stride;
    stride *= shape[axis];
  }
  bytes_.resize(static_cast<size_t>(stride));
}

size_t MemoryArray::OffsetOf(const Box& box) const {
  int64_t offset = 0;
  for (int axis = 0; axis < strides_.size(); ++axis) offset += box.start[axis] * strides_[axis];
  return static_cast<size_t>(offset);
}

Status MemoryArray::Read(const ReadTargets& targets) const {
  if (!failure_.ok()) return failure_;
  for (const auto& [field, box, to] : targets) {
    reads_.push_back(box);
    StridedCopy(info().fields[field].dtype, Counts(box), {bytes_.data() + OffsetOf(box), strides_},
                to, 1);
  }
  return {};
}

Status MemoryArray::Write(size_t field, const Box& box, const ConstStridedView& from) {
  if (!failure_.ok()) return failure_;
  ++writes_;
  StridedCopy(info().fields[field].dtype, Counts(box), from,
              {bytes_.data() + OffsetOf(box), strides_}, 1);
  return {};
}

}  // namespace ndarray::testing
