#include "driver/store/b2nd/b2nd_writer.h"

#include <algorithm>
#include <utility>

#include "driver/store/b2nd/decoded_chunk.h"
#include "driver/store/blosc2/blosc_chunk.h"
#include "driver/store/blosc2/chunk_checks.h"
#include "driver/store/box.h"
#include "driver/store/buffer.h"
#include "driver/store/frame/chunk_offset.h"
#include "driver/store/frame/frame_attributes.h"
#include "driver/store/frame/frame_fingerprint.h"
#include "driver/store/thread_pool.h"

namespace ndarray {
B2ndWriter::B2ndWriter(OutputFile& file, B2ndLayout layout, std::unique_ptr<BloscEncoder> encoder,
                       std::string header, std::string trailer, bool checksums, int max_threads)
    : file_(file),
      layout_(std::move(layout)),
      encoder_(std::move(encoder)),
      header_(std::move(header)),
      trailer_(std::move(trailer)),
      checksums_(checksums),
      max_threads_(max_threads),
      offsets_(static_cast<size_t>(layout_.chunk_count), SpecialOffset(ChunkKind::kZeros)) {
  info_.shape = layout_.shape;
  info_.piece_shape = layout_.chunk_shape;
  info_.element_bytes = layout_.element.element_bytes;
  info_.pieces_at_once = max_threads;
}

Result<std::unique_ptr<B2ndWriter>> B2ndWriter::Start(OutputFile& file, B2ndLayout layout,
                                                      const Compression& compression,
                                                      const std::vector<Attribute>& attributes,
                                                      int max_threads) {
  if (!file.CanRewrite()) {
    return Mismatch(
               StatusCode::kNotSupported, "file system", "one that only appends",
               "one where the header can be completed last; write a local file, and copy it there")
        .At(file.path());
  }
  const ElementType& element = layout.element;
  if (element.is_record && element.literal.empty()) {  // "f4, 2u1": nothing has said it in full
    return Mismatch(StatusCode::kNotSupported, "dtype", element.text, "a list of (name, type)")
        .At(file.path());
  }
  const std::string b2nd = FormatB2ndMetalayer(layout.shape, layout.chunk_shape, layout.block_shape,
                                               element.is_record ? element.literal : element.text);
  Result<std::unique_ptr<BloscEncoder>> encoder =
      BloscEncoder::Make(compression, static_cast<int32_t>(layout.element.element_bytes),
                         static_cast<int32_t>(layout.block_bytes), b2nd);
  if (!encoder.ok()) return encoder.status().At(file.path());
  Result<std::string> header = (*encoder)->MakeFrameHeader();
  if (!header.ok()) return header.status().At(file.path());
  if (!attributes.empty()) PutHasAttributes(*header);
  std::vector<Attribute> contents;
  if (attributes.size() > kMaxAttributes) {
    return Mismatch(StatusCode::kInvalidArgument, "attributes", std::to_string(attributes.size()),
                    "at most " + std::to_string(kMaxAttributes))
        .At(file.path());
  }
  for (const auto& [name, value] : attributes) {
    Result<std::string> content = EncodeAttribute(name, value);
    if (!content.ok()) return content.status().At(file.path());
    contents.emplace_back(name, std::move(*content));
  }
  std::unique_ptr<B2ndWriter> writer(
      new B2ndWriter(file, std::move(layout), std::move(*encoder), std::move(*header),
                     FormatFrameTrailer(contents), compression.checksums, max_threads));
  Status status = file.WriteAt(0, writer->header_.data(), writer->header_.size());
  if (!status.ok()) return status;
  return writer;
}

Status B2ndWriter::Write(const Box& box, const ConstStridedView& from) {
  return Write({{box, from}});
}

Status B2ndWriter::Write(const std::vector<Part>& parts) {
  struct Piece {
    AxisVector position;
    ConstStridedView from;
  };
  std::vector<Piece> pieces;
  for (const auto& [box, from] : parts) {
    const Box chunks = ChunksOf(layout_, box);
    AxisVector position = chunks.start;
    do {
      pieces.push_back({position, Shifted(from, box, ChunkBox(layout_, position))});
    } while (Advance(chunks, position));
  }
  if (encoded_.size() < pieces.size()) encoded_.resize(pieces.size());
  Status encoding =
      TryParallelFor(static_cast<int64_t>(pieces.size()), max_threads_, [&](int64_t i) {
        const Piece& piece = pieces[static_cast<size_t>(i)];
        return Encode(piece.position, piece.from, encoded_[static_cast<size_t>(i)]);
      });
  if (!encoding.ok()) return encoding.At(file_.path());
  for (size_t i = 0; i < pieces.size(); ++i) {
    Status status = Append(GridIndex(layout_.chunk_grid, pieces[i].position), encoded_[i]);
    if (!status.ok()) return status;
  }
  return {};
}

Status B2ndWriter::Encode(const AxisVector& position, const ConstStridedView& from,
                          std::string& to) const {
  const auto chunk_bytes = static_cast<size_t>(layout_.chunk_bytes);
  std::byte* const elements = ThreadScratch<B2ndWriter>(chunk_bytes);
  FillChunk(layout_, elements, position, from);
  return encoder_->EncodeChunk(elements, chunk_bytes, to);
}

Status B2ndWriter::Append(int64_t chunk_index, const std::string& bytes) {
  Result<BloscChunk> chunk = ParseChunkHeader(bytes, bytes.size());
  if (!chunk.ok()) return chunk.status().At(file_.path());
  int64_t& offset = offsets_[static_cast<size_t>(chunk_index)];
  if (chunk->kind == ChunkKind::kZeros) {
    offset = SpecialOffset(ChunkKind::kZeros);
    return {};
  }
  const Result<bool> has_checks = CheckDirectory(*chunk, bytes);
  every_chunk_ = every_chunk_ && has_checks.ok() && *has_checks;
  Status status = file_.WriteAt(header_.size() + chunks_bytes_, bytes.data(), bytes.size());
  offset = static_cast<int64_t>(chunks_bytes_);
  chunks_bytes_ += bytes.size();
  return status;
}

Status B2ndWriter::Finish() {
  Result<std::string> index = BloscEncoder::EncodeOffsets(offsets_);
  if (!index.ok()) return index.status().At(file_.path());
  const uint64_t index_at = header_.size() + chunks_bytes_;
  const uint64_t trailer_at = index_at + index->size();
  PutFrameLengths(header_, trailer_at + trailer_.size(), layout_.chunk_count * layout_.chunk_bytes,
                  static_cast<int64_t>(chunks_bytes_));
  PutChunkSizes(header_, static_cast<int32_t>(layout_.chunk_bytes),
                static_cast<int32_t>(layout_.block_bytes));
  PutFingerprint(trailer_, checksums_ && every_chunk_, !checksums_, SumHeader(header_), *index);
  Status status = file_.WriteAt(index_at, index->data(), index->size());
  if (status.ok()) {
    status = file_.WriteAt(trailer_at, trailer_.data(), trailer_.size());
  }
  if (!status.ok()) return status;
  return file_.WriteAt(0, header_.data(), header_.size());
}

}  // namespace ndarray
