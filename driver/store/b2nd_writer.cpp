#include "driver/store/b2nd_writer.h"

#include <algorithm>
#include <cstring>

#include "driver/store/block_cache.h"
#include "driver/store/blosc_chunk.h"
#include "driver/store/strided_copy.h"
#include "driver/store/thread_pool.h"

namespace ndarray {
namespace {

// An offset that stands for a chunk of this kind, without bytes.
constexpr int64_t SpecialOffset(ChunkKind kind) {
  return static_cast<int64_t>(uint64_t{1} << 63 | static_cast<uint64_t>(kind) << 56);
}

// The memory of one chunk before it is compressed, the thread's own.
std::byte* Scratch(size_t size_bytes) {
  thread_local Buffer scratch(0);
  if (scratch.size_bytes() < size_bytes) scratch = Buffer(size_bytes);
  return scratch.data();
}

}  // namespace

B2ndWriter::B2ndWriter(OutputFile& file, B2ndLayout layout, std::unique_ptr<BloscEncoder> encoder,
                       EmptyFrame frame, int max_threads)
    : file_(file),
      layout_(std::move(layout)),
      encoder_(std::move(encoder)),
      frame_(std::move(frame)),
      max_threads_(max_threads),
      offsets_(static_cast<size_t>(layout_.chunk_count), SpecialOffset(ChunkKind::kZeros)) {}

Result<std::unique_ptr<B2ndWriter>> B2ndWriter::Start(OutputFile& file, B2ndLayout layout,
                                                      const Compression& compression,
                                                      const Attributes& attributes,
                                                      int max_threads) {
  if (!file.CanRewrite()) {
    return Mismatch(StatusCode::kNotSupported, "file system", "one that only appends",
                    "one where the header can be completed last")
        .At(file.path());
  }
  Result<std::string> b2nd = FormatB2ndMetalayer(layout);
  if (!b2nd.ok()) return b2nd.status().At(file.path());
  Result<std::unique_ptr<BloscEncoder>> encoder =
      BloscEncoder::Make(compression, static_cast<int32_t>(layout.element.element_bytes),
                         static_cast<int32_t>(layout.block_bytes), *b2nd);
  if (!encoder.ok()) return encoder.status().At(file.path());
  Result<EmptyFrame> frame = (*encoder)->MakeEmptyFrame(attributes);
  if (!frame.ok()) return frame.status().At(file.path());
  std::unique_ptr<B2ndWriter> writer(
      new B2ndWriter(file, std::move(layout), std::move(*encoder), std::move(*frame), max_threads));
  Status status = file.WriteAt(0, writer->frame_.header.data(), writer->frame_.header.size());
  if (!status.ok()) return status;
  return writer;
}

Status B2ndWriter::WriteChunks(const std::vector<Chunk>& chunks) {
  std::vector<std::string> encoded(chunks.size());
  Status encoding =
      TryParallelFor(static_cast<int64_t>(chunks.size()), max_threads_, [&](int64_t i) {
        const auto at = static_cast<size_t>(i);
        return Encode(chunks[at], encoded[at]);
      });
  if (!encoding.ok()) return encoding.At(file_.path());
  for (size_t i = 0; i < chunks.size(); ++i) {
    Status status = Append(chunks[i].number, encoded[i]);
    if (!status.ok()) return status;
  }
  return {};
}

Status B2ndWriter::Encode(const Chunk& chunk, std::string& to) const {
  std::byte* const elements = Scratch(static_cast<size_t>(layout_.chunk_bytes));
  Gather(chunk, elements);
  return encoder_->EncodeChunk(elements, static_cast<size_t>(layout_.chunk_bytes), to);
}

// Block by block, and zeros where a block is larger than the array.
void B2ndWriter::Gather(const Chunk& chunk, std::byte* to) const {
  const AxisVector place = GridPlace(layout_.chunk_grid, chunk.number);
  const Box chunk_box = ChunkBox(layout_, place);
  const DType& dtype = layout_.element.fields[0].dtype;
  const auto block_bytes = static_cast<size_t>(layout_.block_bytes);
  for (int64_t number = 0; number < layout_.blocks_per_chunk; ++number) {
    std::byte* const block = to + static_cast<size_t>(number) * block_bytes;
    const Box box = BlockBox(layout_, place, GridPlace(layout_.block_grid, number));
    AxisVector counts(place.size());
    int64_t elements = 1;
    const auto* from = static_cast<const std::byte*>(chunk.from.data);
    for (int axis = 0; axis < place.size(); ++axis) {
      counts[axis] = std::max<int64_t>(box.count(axis), 0);
      elements *= counts[axis];
      from += (box.start[axis] - chunk_box.start[axis]) * chunk.from.strides_bytes[axis];
    }
    if (elements * layout_.element.element_bytes < layout_.block_bytes) {
      std::memset(block, 0, block_bytes);
    }
    if (elements == 0) continue;
    StridedCopy(dtype, counts, {from, chunk.from.strides_bytes},
                {block, layout_.block_strides_bytes}, 1);
  }
}

Status B2ndWriter::Append(int64_t number, const std::string& bytes) {
  Result<BloscChunk> chunk = ParseChunkHeader(bytes, bytes.size());
  if (!chunk.ok()) return chunk.status().At(file_.path());
  int64_t& offset = offsets_[static_cast<size_t>(number)];
  if (chunk->kind == ChunkKind::kZeros) {
    offset = SpecialOffset(ChunkKind::kZeros);
    return {};
  }
  Status status = file_.WriteAt(frame_.header.size() + chunks_bytes_, bytes.data(), bytes.size());
  offset = static_cast<int64_t>(chunks_bytes_);
  chunks_bytes_ += bytes.size();
  return status;
}

Status B2ndWriter::Finish() {
  Result<std::string> index = BloscEncoder::EncodeOffsets(offsets_);
  if (!index.ok()) return index.status().At(file_.path());
  const uint64_t index_at = frame_.header.size() + chunks_bytes_;
  Status status = file_.WriteAt(index_at, index->data(), index->size());
  const uint64_t trailer_at = index_at + index->size();
  if (status.ok()) {
    status = file_.WriteAt(trailer_at, frame_.trailer.data(), frame_.trailer.size());
  }
  if (!status.ok()) return status;
  std::string& header = frame_.header;
  PutFrameLengths(header, trailer_at + frame_.trailer.size(),
                  layout_.chunk_count * layout_.chunk_bytes, static_cast<int64_t>(chunks_bytes_));
  PutChunkSizes(header, static_cast<int32_t>(layout_.chunk_bytes),
                static_cast<int32_t>(layout_.block_bytes));
  return file_.WriteAt(0, header.data(), header.size());
}

}  // namespace ndarray
