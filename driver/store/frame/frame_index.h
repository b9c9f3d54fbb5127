// What is known of a .b2nd file once it is open: its header, where its chunks are, and its
// metalayers. Never changes, so that all readers of a file share one (FrameEditor is for who writes
// it).
//
// A file that is updated in place afterwards (chunks and a new index are appended, then the header
// is overwritten) is read on as it was when it was opened.
#ifndef GDAL_NDARRAY_STORE_FRAME_FRAME_INDEX_H_
#define GDAL_NDARRAY_STORE_FRAME_FRAME_INDEX_H_

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "driver/store/blosc2/b2nd_layout.h"
#include "driver/store/blosc2/blosc_chunk.h"
#include "driver/store/blosc2/blosc_codec.h"
#include "driver/store/blosc2/frame_header.h"
#include "driver/store/frame/cached_file.h"
#include "driver/store/frame/frame_attributes.h"
#include "driver/store/frame/frame_fingerprint.h"
#include "driver/store/io/byte_file.h"
#include "driver/store/status.h"

namespace ndarray {

// Where a chunk is, or what it is made of where it takes no bytes.
struct ChunkLocation {
  ChunkKind kind = ChunkKind::kBlocks;
  uint64_t offset_bytes = 0;     // in the file; kBlocks (which may turn out to be kRepeated, ...)
  uint64_t available_bytes = 0;  // from there to the end of all chunks
};

// Numbers for people.
struct FrameSummary {
  int64_t file_bytes = 0;
  int64_t frame_bytes = 0;
  int64_t compressed_bytes = 0;    // of all chunks, dead space included
  int64_t uncompressed_bytes = 0;  // padding included
  int format_version = 0;
  int compressor = 0;
  int level = 0;
  FilterPipeline pipeline;
  uint8_t auto_group_bytes = 0;  // as in Compression (blosc_codec.h)
  uint64_t index_bytes = 0;      // where chunks are, compressed: after all of them
  uint64_t trailer_bytes = 0;    // attributes: the frame's end
  std::string b2nd;              // the metalayer's content
  int64_t special_chunks = 0;    // that take no bytes
  std::string metalayers;        // names, comma-separated
};

class FrameIndex {
 public:
  // Opens a frame, or takes the one that is open of the same file, unchanged since. OpenFrame is
  // for files that others may be updating. Errors carry the path: kCorrupt for files that
  // contradict themselves; kNotSupported for frames that are no arrays (the message says what they
  // are), sparse frames, and arrays that are not read here. kCorrupt, too, where header, index or
  // attributes (up to 64 KiB: FrameAttributes) are not those of the fingerprint, with kAll.
  static Result<std::shared_ptr<const FrameIndex>> Open(
      const ByteFile& file, Verification verification = Verification::kAll);

  virtual ~FrameIndex() = default;
  FrameIndex(const FrameIndex&) = delete;
  FrameIndex& operator=(const FrameIndex&) = delete;

  const B2ndLayout& layout() const { return layout_; }
  const BloscCodec& codec() const { return *codec_; }
  const FrameSummary& summary() const { return summary_; }

  // REQUIRES: 0 <= chunk < layout().chunk_count
  ChunkLocation Chunk(int64_t chunk) const;

  // Whether all chunks are one, as the index says in a few bytes.
  bool IsUniform() const { return offsets_.empty(); }

  // Also empty if the trailer cannot be read; pixels can be read all the same.
  const FrameAttributes& attributes() const { return attributes_; }

  // Offsets as the file has them, and the bytes of the header, after which they count.
  std::vector<int64_t> Offsets() const;
  Result<std::string> EncodedOffsets() const;  // the same, compressed: an index
  uint64_t header_bytes() const { return chunks_offset_bytes_; }

  // Whether chunks are compared with their checksums, and, from the trailer, whether each of them
  // has some: then it is damage where one has none.
  Verification verification() const { return verification_; }
  bool verifies() const { return verification_ != Verification::kNo; }
  bool every_chunk_has_checks() const { return is_frame_right() && fingerprint_->every_chunk; }

  // Whether who writes chunks gives them no checksums.
  bool has_no_checksums() const { return fingerprint_ && fingerprint_->no_checksums; }

  // The fingerprint, and what it says of the file: absent where there is none. (The trailer's
  // checksum may not have been looked at.)
  const std::optional<Fingerprint>& fingerprint() const { return fingerprint_; }
  const HeaderSums& header_sums() const { return header_sums_; }
  bool is_frame_right() const { return fingerprint_ && fingerprint_->frame == frame_sum_; }
  bool is_shape_right() const { return fingerprint_ && fingerprint_->shape == header_sums_.shape; }

  // What the readers of the file share, beside what never changes.
  CachedFile& cached_file() const { return cached_file_; }

 private:
  friend class FrameEditor;

  FrameIndex() = default;

  // Called once. An error in the names of attributes does not keep anybody from reading pixels, so
  // it is returned separately, in `attributes`.
  Status Load(const ByteFile& file, Status& attributes);
  Status CheckFits(const ByteFile& file) const;
  Status LoadHeader(const ByteFile& file, FrameHeader& header, std::string& header_bytes);
  Status LoadOffsets(const ByteFile& file, const FrameHeader& header, uint64_t trailer_offset);
  Status LoadUniformOffset(std::string_view bytes, const BloscChunk& chunk,
                           const FrameHeader& header);
  Status CheckRoom() const;
  static Status CheckOffset(int64_t chunk, int64_t offset, const FrameHeader& header);

  B2ndLayout layout_;
  std::unique_ptr<BloscCodec> codec_;
  FrameSummary summary_;
  std::string lengths_;  // as the header has them
  Verification verification_ = Verification::kAll;
  std::optional<Fingerprint> fingerprint_;
  HeaderSums header_sums_;
  uint32_t frame_sum_ = 0;
  uint64_t chunks_offset_bytes_ = 0;
  uint64_t chunks_bytes_ = 0;
  std::vector<int64_t> offsets_;  // empty: all are uniform_offset_
  int64_t uniform_offset_ = 0;
  FrameAttributes attributes_;
  mutable CachedFile cached_file_;
};

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_FRAME_FRAME_INDEX_H_
