// A frame that need not be an array: its attributes, and its content as bytes. python-blosc2 keeps
// groups of attributes so, and whole files in one.
#ifndef GDAL_NDARRAY_STORE_FRAME_PLAIN_FRAME_H_
#define GDAL_NDARRAY_STORE_FRAME_PLAIN_FRAME_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "driver/store/blosc2/blosc_codec.h"
#include "driver/store/frame/frame_attributes.h"
#include "driver/store/io/byte_file.h"
#include "driver/store/status.h"

namespace ndarray {

// Never changes; const methods are safe from any number of threads. Errors carry the path.
class PlainFrame final : public Attributes {
 public:
  static Result<std::shared_ptr<const PlainFrame>> Open(std::shared_ptr<const ByteFile> file);

  std::vector<AttributeInfo> List() const override { return attributes_.list(); }
  Result<std::string> Read(const std::string& name, int64_t max_bytes) const override;

  uint64_t content_bytes() const { return content_bytes_; }

  // Bytes [offset, offset + size) of the content. kCorrupt where it ends before.
  Result<std::string> ReadContent(uint64_t offset_bytes, uint64_t size_bytes) const;

 private:
  explicit PlainFrame(std::shared_ptr<const ByteFile> file) : file_(std::move(file)) {}

  Status Load();
  Result<std::vector<int64_t>> LoadOffsets() const;
  Status AppendChunk(int64_t offset, uint64_t wanted_bytes, std::string& to) const;

  const std::shared_ptr<const ByteFile> file_;
  std::unique_ptr<BloscCodec> codec_;
  FrameAttributes attributes_;
  uint64_t chunks_offset_bytes_ = 0;
  uint64_t chunks_bytes_ = 0;
  uint64_t content_bytes_ = 0;
  uint64_t chunk_bytes_ = 0;  // of content, of each chunk but the last
  uint64_t trailer_offset_bytes_ = 0;
};

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_FRAME_PLAIN_FRAME_H_
