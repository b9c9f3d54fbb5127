// Decoding and encoding of Blosc2 chunks: the only door to c-blosc2, whose types stay behind it.
//
// Sizes and offsets are in bytes. A BloscCodec or BloscEncoder belongs to one file, since some
// filters and codecs ask for the file's element size or shapes; all their methods may be called
// from any number of threads at once. Threads are the caller's: c-blosc2 starts none.
#ifndef GDAL_NDARRAY_STORE_BLOSC2_BLOSC_CODEC_H_
#define GDAL_NDARRAY_STORE_BLOSC2_BLOSC_CODEC_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "driver/store/array.h"
#include "driver/store/blosc2/blosc_chunk.h"
#include "driver/store/blosc2/chunk_filters.h"
#include "driver/store/status.h"

namespace ndarray {

class BloscCodec {
 public:
  // `b2nd` is the content of the metalayer of that name, empty for chunks of no array.
  static Result<std::unique_ptr<BloscCodec>> Make(int32_t element_bytes, std::string_view b2nd);

  ~BloscCodec();
  BloscCodec(const BloscCodec&) = delete;
  BloscCodec& operator=(const BloscCodec&) = delete;

  // kNotSupported, with the name of what is missing, for a chunk whose codec or filters are not
  // part of c-blosc2 itself. Plugins are not searched for: c-blosc2 would run Python to find them.
  static Status CheckSupported(const BloscChunk& chunk);

  // Decodes block number `block` of a chunk, of chunk.block_bytes, to `to`. `bytes` are the whole
  // compressed chunk; only its directory and that block are looked at.
  // REQUIRES: chunk is the parsed header of `bytes`, of kind kBlocks, CheckSupported, and not
  // NeedsWholeChunk (blosc_chunk.h)
  Status DecodeBlock(std::string_view bytes, const BloscChunk& chunk, int64_t block,
                     std::byte* to) const;

  // Decodes chunk.uncompressed_bytes.
  // REQUIRES: chunk is the parsed header of `bytes`, and CheckSupported
  Status DecodeChunk(std::string_view bytes, const BloscChunk& chunk, std::byte* to) const;

 private:
  struct Impl;

  BloscCodec();

  const std::unique_ptr<Impl> impl_;
};

// How chunks are compressed.
struct Compression {
  int compressor = 0;  // compressor_id (codecs.h)
  int level = 0;       // 0: stored; to 9
  FilterPipeline pipeline;
  // Not 0: the filters of each chunk are chosen for it (chunk_filters.h), whose pixels have so many
  // bytes. `pipeline` is then what the header of the frame has.
  uint8_t auto_group_bytes = 0;
  bool checksums = true;  // in chunks (chunk_checks.h), and in ZSTD's frames
};

class BloscEncoder {
 public:
  // `b2nd` is the content of the metalayer of that name. kInvalidArgument for parameters that
  // c-blosc2 does not accept.
  static Result<std::unique_ptr<BloscEncoder>> Make(const Compression& compression,
                                                    int32_t element_bytes, int32_t block_bytes,
                                                    std::string_view b2nd);

  ~BloscEncoder();
  BloscEncoder(const BloscEncoder&) = delete;
  BloscEncoder& operator=(const BloscEncoder&) = delete;

  // A chunk of elements in blocks, in file order. One value that repeats becomes a special chunk.
  // What cannot be compressed is stored: the result is longer only by header, checksums and the
  // sizes of its blocks. The same elements give the same chunk. REQUIRES: where filters are chosen,
  // all chunks have one size. The memory of `to` is used again: its pages cost time when they are
  // new
  Status EncodeChunk(const std::byte* elements, size_t size_bytes, std::string& to) const;

  // The header of a frame without chunks and attributes, with the metalayer b2nd.
  Result<std::string> MakeFrameHeader() const;

  // The content of a variable-length metalayer: a chunk of these bytes, with checksums.
  static Result<std::string> EncodeAttribute(std::string_view value);

  // The index of a frame: a chunk of its chunks' offsets.
  static Result<std::string> EncodeOffsets(const std::vector<int64_t>& offsets);

 private:
  struct Impl;
  struct Pipeline;
  BloscEncoder();

  Result<size_t> ChoosePipeline(const std::byte* elements, int64_t size_bytes) const;

  const std::unique_ptr<Impl> impl_;
};

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_BLOSC2_BLOSC_CODEC_H_
