#include "driver/store/b2nd/chunk_coverage.h"

#include <algorithm>
#include <string>
#include <vector>

#include "driver/store/blosc2/blosc_chunk.h"
#include "driver/store/blosc2/chunk_checks.h"
#include "driver/store/box.h"
#include "driver/store/frame/chunk_loader.h"
#include "driver/store/strided_copy.h"

namespace ndarray {
namespace {

// More chunks take too long to look at for an answer that is only a hint.
constexpr int64_t kMaxScannedChunks = int64_t{1} << 20;

class Coverage {
 public:
  Coverage(const FrameIndex& index, const ByteFile& file, bool reads_headers,
           const std::byte* element)
      : index_(index), file_(file), reads_headers_(reads_headers), asked_(element != nullptr) {
    if (!asked_) return;
    // As the file has it.
    const Field& field = index_.layout().element.fields[0];
    element_.resize(static_cast<size_t>(index_.layout().element.element_bytes));
    const auto stride = static_cast<int64_t>(element_.size());
    StridedCopy(field.dtype, {1}, {element, {stride}}, {element_.data(), {stride}}, 1);
  }

  bool IsEmpty(int64_t chunk_index, ChunkState state) const {
    if (state == ChunkState::kChanged) return false;
    const ChunkLocation location = index_.Chunk(chunk_index);
    if (!asked_) {
      return state == ChunkState::kUnwritten || location.kind == ChunkKind::kUninitialized;
    }
    LoadedChunk chunk;
    chunk.chunk_index = chunk_index;
    chunk.header.kind = location.kind;
    std::string bytes;
    if (location.kind == ChunkKind::kBlocks) {
      if (!LoadHeader(location, bytes, chunk)) return false;
    }
    const Result<std::vector<std::byte>> repeated =
        RepeatedElement(chunk, static_cast<int64_t>(element_.size()));
    return repeated.ok() && (*repeated == element_ || (AreNans(*repeated) && AreNans(element_)));
  }

 private:
  // False unless the chunk repeats one element.
  bool LoadHeader(const ChunkLocation& location, std::string& bytes, LoadedChunk& chunk) const {
    const size_t size_bytes = kChunkHeaderBytes + element_.size();
    if (!reads_headers_ || location.available_bytes < static_cast<uint64_t>(kChunkHeaderBytes)) {
      return false;
    }
    bytes.resize(std::min<uint64_t>(size_bytes, location.available_bytes));
    if (!file_.Read({{location.offset_bytes, bytes.size(), bytes.data()}}).ok()) return false;
    Result<BloscChunk> header = ParseChunkHeader(bytes, location.available_bytes);
    if (!header.ok() || header->kind == ChunkKind::kBlocks) return false;
    if (header->kind == ChunkKind::kRepeated &&
        header->compressed_bytes > static_cast<int64_t>(bytes.size())) {
      return false;
    }
    if (index_.verifies() && !CheckDirectory(*header, bytes).ok()) return false;
    chunk.header = *header;
    chunk.bytes = bytes;
    return true;
  }

  // A NaN has many forms, of which files need not have ours.
  bool AreNans(const std::vector<std::byte>& element) const {
    const DType& dtype = index_.layout().element.fields[0].dtype;
    const auto is_nan = [&](auto number) {
      StridedCopy(dtype, {1}, {element.data(), {0}}, {&number, {sizeof(number)}}, 1);
      return number != number;
    };
    return dtype.type == ScalarType::kFloat32   ? is_nan(0.0f)
           : dtype.type == ScalarType::kFloat64 ? is_nan(0.0)
                                                : false;
  }

  const FrameIndex& index_;
  const ByteFile& file_;
  const bool reads_headers_;
  const bool asked_;
  std::vector<std::byte> element_;
};

}  // namespace

bool VisitChunks(const FrameIndex& index, const ByteFile& file, const ChunkStates& state_of,
                 bool reads_headers, const Box& box, const std::byte* element,
                 const ChunkedArray::ChunkVisitor& visit) {
  const B2ndLayout& layout = index.layout();
  if (layout.element.is_record) return false;
  const Box chunks = ChunksOf(layout, box);
  if (ElementsIn(chunks) > kMaxScannedChunks) return false;
  const Coverage coverage(index, file, reads_headers, element);
  AxisVector position = chunks.start;
  do {
    const int64_t chunk_index = GridIndex(layout.chunk_grid, position);
    const bool empty = coverage.IsEmpty(chunk_index, state_of(chunk_index));
    if (!visit(Intersection(ChunkBox(layout, position), box), empty)) return true;
  } while (Advance(chunks, position));
  return true;
}

}  // namespace ndarray
