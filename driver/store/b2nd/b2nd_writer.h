// Writes a new .b2nd file in one pass: header, chunks one after another, their index, trailer, and
// last the lengths in the header. An OutputFile keeps all of it apart until it is whole.
//
// One thread uses it at a time; the process-wide pool compresses the chunks.
#ifndef GDAL_NDARRAY_STORE_B2ND_B2ND_WRITER_H_
#define GDAL_NDARRAY_STORE_B2ND_B2ND_WRITER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "driver/store/array_writer.h"
#include "driver/store/blosc2/b2nd_layout.h"
#include "driver/store/blosc2/blosc_codec.h"
#include "driver/store/io/output_file.h"
#include "driver/store/status.h"

namespace ndarray {

class B2ndWriter final : public ArrayWriter {
 public:
  // Writes the header. `file` must outlive the writer. kNotSupported where the file cannot be
  // written but from its start to its end; kInvalidArgument for parameters that c-blosc2 refuses.
  static Result<std::unique_ptr<B2ndWriter>> Start(OutputFile& file, B2ndLayout layout,
                                                   const Compression& compression,
                                                   const std::vector<Attribute>& attributes,
                                                   int max_threads);

  const WriterInfo& info() const override { return info_; }

  // Compresses the chunks of the box in parallel, and appends them. Chunks that are never written
  // take no space.
  Status Write(const Box& box, const ConstStridedView& from) override;

  // The same of several boxes, so that all their chunks are compressed at once.
  struct Part {
    Box box;
    ConstStridedView from;
  };
  Status Write(const std::vector<Part>& parts);

  // Appends index and trailer and completes the header.
  Status Finish() override;

 private:
  B2ndWriter(OutputFile& file, B2ndLayout layout, std::unique_ptr<BloscEncoder> encoder,
             std::string header, std::string trailer, bool checksums, int max_threads);
  Status Encode(const AxisVector& position, const ConstStridedView& from, std::string& to) const;
  Status Append(int64_t chunk, const std::string& bytes);

  OutputFile& file_;
  const B2ndLayout layout_;
  WriterInfo info_;
  const std::unique_ptr<BloscEncoder> encoder_;
  std::string header_;
  std::string trailer_;
  const bool checksums_;
  bool every_chunk_ = true;  // has checksums, of those written so far
  const int max_threads_;
  std::vector<int64_t> offsets_;
  uint64_t chunks_bytes_ = 0;
  std::vector<std::string> encoded_;  // of the chunks of one Write
};

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_B2ND_B2ND_WRITER_H_
