// Writes a new .npy file, in C order and native byte order.
#ifndef GDAL_NDARRAY_STORE_NPY_NPY_WRITER_H_
#define GDAL_NDARRAY_STORE_NPY_NPY_WRITER_H_

#include <cstdint>
#include <memory>

#include "driver/store/array_writer.h"
#include "driver/store/dtype/record_dtype.h"
#include "driver/store/io/output_file.h"
#include "driver/store/status.h"

namespace ndarray {

class NpyWriter final : public ArrayWriter {
 public:
  // Writes the header, gives the file its full size, and of Contents::kElements takes the space.
  // `file` must outlive the writer. kInvalidArgument where the array would exceed 2^63 bytes, and
  // for records whose literal is a dict: a header has lists.
  static Result<std::unique_ptr<NpyWriter>> Start(OutputFile& file, const ElementType& element,
                                                  const AxisVector& shape, Contents contents);

  // Where the elements start in the file: at a multiple of a page, to be mapped on their own.
  uint64_t data_offset_bytes() const { return data_offset_bytes_; }

  const WriterInfo& info() const override { return info_; }
  Status Write(const Box& box, const ConstStridedView& from) override;
  Status Finish() override { return {}; }

 private:
  NpyWriter(OutputFile& file, WriterInfo info, uint64_t data_offset_bytes)
      : file_(file), info_(info), data_offset_bytes_(data_offset_bytes) {}
  int FirstAxisOfRuns(const Box& box, const AxisVector& strides_bytes) const;

  OutputFile& file_;
  const WriterInfo info_;
  const uint64_t data_offset_bytes_;
};

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_NPY_NPY_WRITER_H_
