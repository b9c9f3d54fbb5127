#include "driver/store/npy/npy_writer.h"

#include <string>

#include "driver/store/box.h"
#include "driver/store/checked_math.h"
#include "driver/store/npy/npy_header.h"

namespace ndarray {
namespace {

constexpr size_t kDataAlignmentBytes = 4096;  // a page: elements can be mapped on their own

}  // namespace

Result<std::unique_ptr<NpyWriter>> NpyWriter::Start(OutputFile& file, const ElementType& element,
                                                    const AxisVector& shape, Contents contents) {
  if (element.is_record && element.literal.substr(0, 1) != "[") {
    return Mismatch(StatusCode::kInvalidArgument, "dtype", element.text,
                    "a list of fields: a .npy has no other records")
        .At(file.path());
  }
  const std::string header =
      element.is_record
          ? FormatNpyHeader(element.literal, shape, kDataAlignmentBytes)
          : FormatNpyHeader(element.fields[0].dtype, false, shape, kDataAlignmentBytes);
  auto total = CheckedProduct(shape);
  if (total) total = CheckedMultiply(*total, element.element_bytes);
  if (total) total = CheckedAdd(*total, static_cast<int64_t>(header.size()));
  if (!total) {
    return Mismatch(StatusCode::kInvalidArgument, "shape", ShapeString(shape),
                    "less than 2^63 bytes in all")
        .At(file.path());
  }
  const auto size_bytes = static_cast<uint64_t>(*total);
  Status status = file.Resize(size_bytes);
  if (status.ok() && contents == Contents::kElements) status = file.Reserve(size_bytes);
  if (status.ok()) status = file.WriteAt(0, header.data(), header.size());
  if (!status.ok()) return status;
  WriterInfo info;
  info.shape = shape;
  info.piece_shape = AxisVector(shape.size(), 1);
  info.element_bytes = element.element_bytes;
  info.appends_only = !file.CanRewrite();
  return std::unique_ptr<NpyWriter>(new NpyWriter(file, info, header.size()));
}

// The axes before it have one element each in a run of the file, those after it all they have. A
// run lies in memory as in the file.
int NpyWriter::FirstAxisOfRuns(const Box& box, const AxisVector& strides_bytes) const {
  int axis = box.start.size();
  int64_t stride = info_.element_bytes;
  while (axis > 0 && (box.count(axis - 1) == 1 || strides_bytes[axis - 1] == stride)) {
    --axis;
    stride *= box.count(axis);
    if (box.count(axis) < info_.shape[axis]) break;
  }
  return axis;
}

Status NpyWriter::Write(const Box& box, const ConstStridedView& from) {
  const AxisVector strides = CStrides(info_.shape, info_.element_bytes);
  const int first = FirstAxisOfRuns(box, from.strides_bytes);
  Box starts = box;
  int64_t run_bytes = info_.element_bytes;
  for (int axis = first; axis < box.start.size(); ++axis) {
    run_bytes *= box.count(axis);
    starts.stop[axis] = starts.start[axis] + 1;
  }
  const Box whole{AxisVector(info_.shape.size(), 0), info_.shape};
  Box at{starts.start, starts.start};
  do {
    const uint64_t offset =
        data_offset_bytes_ + static_cast<uint64_t>(OffsetOf(strides, whole, at));
    Status status =
        file_.WriteAt(offset, Shifted(from, box, at).data, static_cast<size_t>(run_bytes));
    if (!status.ok()) return status;
  } while (Advance(starts, at.start));
  return {};
}

}  // namespace ndarray
