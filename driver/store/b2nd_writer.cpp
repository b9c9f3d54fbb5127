#include "driver/store/b2nd_writer.h"

#include <algorithm>
#include <cstring>

#include "driver/store/blosc_chunk.h"
#include "driver/store/buffer.h"
#include "driver/store/frame_attributes.h"
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
                       std::string header, std::string trailer, int max_threads)
    : file_(file),
      layout_(std::move(layout)),
      encoder_(std::move(encoder)),
      header_(std::move(header)),
      trailer_(std::move(trailer)),
      max_threads_(max_threads),
      offsets_(static_cast<size_t>(layout_.chunk_count), SpecialOffset(ChunkKind::kZeros)) {}

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
  Result<std::string> b2nd =
      FormatB2ndMetalayer(layout.shape, layout.chunk_shape, layout.block_shape,
                          element.is_record ? element.literal : element.text);
  if (!b2nd.ok()) return b2nd.status().At(file.path());
  Result<std::unique_ptr<BloscEncoder>> encoder =
      BloscEncoder::Make(compression, static_cast<int32_t>(layout.element.element_bytes),
                         static_cast<int32_t>(layout.block_bytes), *b2nd);
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
  std::unique_ptr<B2ndWriter> writer(new B2ndWriter(file, std::move(layout), std::move(*encoder),
                                                    std::move(*header),
                                                    FormatFrameTrailer(contents), max_threads));
  Status status = file.WriteAt(0, writer->header_.data(), writer->header_.size());
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
  // Records are copied as bytes, along one more axis.
  const bool is_record = layout_.element.is_record;
  const DType dtype = is_record ? DType() : layout_.element.fields[0].dtype;
  ConstStridedView from = chunk.from;
  StridedView to_block = {nullptr, layout_.block_strides_bytes};
  if (is_record) {
    from.strides_bytes.push_back(1);
    to_block.strides_bytes.push_back(1);
  }
  const auto block_bytes = static_cast<size_t>(layout_.block_bytes);
  for (int64_t number = 0; number < layout_.blocks_per_chunk; ++number) {
    std::byte* const block = to + static_cast<size_t>(number) * block_bytes;
    const Box box = BlockBox(layout_, place, GridPlace(layout_.block_grid, number));
    AxisVector counts(place.size());
    int64_t elements = 1;
    const auto* first = static_cast<const std::byte*>(chunk.from.data);
    for (int axis = 0; axis < place.size(); ++axis) {
      counts[axis] = std::max<int64_t>(box.count(axis), 0);
      elements *= counts[axis];
      first += (box.start[axis] - chunk_box.start[axis]) * chunk.from.strides_bytes[axis];
    }
    if (elements * layout_.element.element_bytes < layout_.block_bytes) {
      std::memset(block, 0, block_bytes);
    }
    if (elements == 0) continue;
    if (is_record) counts.push_back(layout_.element.element_bytes);
    from.data = first;
    to_block.data = block;
    StridedCopy(dtype, counts, from, to_block, 1);
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
  Status status = file_.WriteAt(header_.size() + chunks_bytes_, bytes.data(), bytes.size());
  offset = static_cast<int64_t>(chunks_bytes_);
  chunks_bytes_ += bytes.size();
  return status;
}

Status B2ndWriter::Finish() {
  Result<std::string> index = BloscEncoder::EncodeOffsets(offsets_);
  if (!index.ok()) return index.status().At(file_.path());
  const uint64_t index_at = header_.size() + chunks_bytes_;
  Status status = file_.WriteAt(index_at, index->data(), index->size());
  const uint64_t trailer_at = index_at + index->size();
  if (status.ok()) {
    status = file_.WriteAt(trailer_at, trailer_.data(), trailer_.size());
  }
  if (!status.ok()) return status;
  PutFrameLengths(header_, trailer_at + trailer_.size(), layout_.chunk_count * layout_.chunk_bytes,
                  static_cast<int64_t>(chunks_bytes_));
  PutChunkSizes(header_, static_cast<int32_t>(layout_.chunk_bytes),
                static_cast<int32_t>(layout_.block_bytes));
  return file_.WriteAt(0, header_.data(), header_.size());
}

}  // namespace ndarray
