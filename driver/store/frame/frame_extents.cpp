#include "driver/store/frame/frame_extents.h"

#include <algorithm>
#include <string>

#include "driver/store/blosc2/chunk_checks.h"

namespace ndarray {
namespace {

// The first bytes of a table of checksums.
constexpr size_t kMarkBytes = 8;

// Calls visit(chunk, offset in the file, its header or what is wrong with that, whether it seems to
// have checksums) for each chunk that takes bytes, until a call fails.
template <typename Visit>
Status ForEachHeader(const FrameIndex& index, const ByteFile& file, const Visit& visit) {
  constexpr int64_t kBatch = 1024;
  // None has, where one that is but a kind in the index stands for all.
  const bool none = index.IsUniform() && index.Chunk(0).kind != ChunkKind::kBlocks;
  const int64_t count = none ? 0 : index.layout().chunk_count;
  const auto mark_at =
      static_cast<uint64_t>(kChunkHeaderBytes + 4 * index.layout().blocks_per_chunk);
  std::vector<char> headers(static_cast<size_t>(kBatch * kChunkHeaderBytes));
  std::vector<char> marks(static_cast<size_t>(kBatch) * kMarkBytes);
  for (int64_t first = 0; first < count; first += kBatch) {
    std::vector<ByteRange> ranges;
    std::vector<std::pair<int64_t, ChunkLocation>> chunks;
    for (int64_t chunk = first; chunk < std::min(first + kBatch, count); ++chunk) {
      const ChunkLocation location = index.Chunk(chunk);
      if (location.kind != ChunkKind::kBlocks) continue;
      ranges.push_back({location.offset_bytes, kChunkHeaderBytes,
                        headers.data() + chunks.size() * kChunkHeaderBytes});
      char* const mark = marks.data() + chunks.size() * kMarkBytes;
      std::fill_n(mark, kMarkBytes, '\0');
      if (location.available_bytes >= mark_at + kMarkBytes) {
        ranges.push_back({location.offset_bytes + mark_at, kMarkBytes, mark});
      }
      chunks.emplace_back(chunk, location);
    }
    Status status = ranges.empty() ? Status() : file.Read(ranges);
    if (!status.ok()) return status;
    for (size_t i = 0; i < chunks.size(); ++i) {
      const auto& [chunk, location] = chunks[i];
      const std::string_view header(headers.data() + i * kChunkHeaderBytes, kChunkHeaderBytes);
      const Result<BloscChunk> parsed = ParseChunkHeader(header, location.available_bytes);
      const bool has_checks =
          parsed.ok() &&
          SeemsToHaveChecks(*parsed, header, {marks.data() + i * kMarkBytes, kMarkBytes});
      status = visit(chunk, location.offset_bytes, parsed, has_checks);
      if (!status.ok()) return status;
    }
  }
  return {};
}

// A damaged file may have others in each chunk.
void CountFilters(const FilterPipeline& pipeline, FrameExtents& extents) {
  constexpr size_t kMany = 32;
  std::string text = PipelineText(pipeline);
  if (extents.filters.size() >= kMany && extents.filters.count(text) == 0) text = "others";
  ++extents.filters[text];
}

void FindOverlaps(FrameExtents& extents) {
  for (size_t i = 1, furthest = 0; i < extents.chunks.size(); ++i) {
    const ChunkExtent& before = extents.chunks[furthest];
    const ChunkExtent& chunk = extents.chunks[i];
    const uint64_t end_bytes = before.offset_bytes + before.size_bytes;
    if (chunk.offset_bytes < end_bytes) extents.overlaps.emplace_back(chunk, before);
    if (chunk.offset_bytes + chunk.size_bytes >= end_bytes) furthest = i;
  }
}

// The bytes of extents in file order, those that overlap counted once.
uint64_t CoveredBytes(const std::vector<ChunkExtent>& chunks) {
  uint64_t covered_bytes = 0;
  uint64_t at = 0;
  for (const ChunkExtent& chunk : chunks) {
    const uint64_t end = chunk.offset_bytes + chunk.size_bytes;
    if (end <= at) continue;
    covered_bytes += end - std::max(at, chunk.offset_bytes);
    at = end;
  }
  return covered_bytes;
}

}  // namespace

std::string CountsText(const std::map<std::string, int64_t>& counts) {
  std::string text;
  for (const auto& [what, count] : counts) {
    text += (text.empty() ? "" : ", ") + std::to_string(count) + " " + what;
  }
  return text;
}

std::string ChecksumsText(const FrameExtents& extents) {
  const auto chunks = static_cast<int64_t>(extents.chunks.size());
  if (extents.with_checks == chunks) return "YES";
  if (extents.with_checks == 0) return "NO";
  return std::to_string(extents.with_checks) + " of " + std::to_string(chunks) + " chunks";
}

Result<FrameExtents> FindExtents(const FrameIndex& index, const ByteFile& file) {
  FrameExtents extents;
  Status status = ForEachHeader(
      index, file,
      [&](int64_t chunk, uint64_t offset_bytes, const Result<BloscChunk>& header, bool has_checks) {
        if (header.ok()) {
          if (has_checks) {
            ++extents.with_checks;
          } else if (CanHaveChecks(*header, index.layout().block_bytes)) {
            ++extents.without_checks;
          }
          extents.chunks.push_back(
              {chunk, offset_bytes, static_cast<uint64_t>(header->compressed_bytes)});
          if (header->kind == ChunkKind::kBlocks && !header->stored) {
            CountFilters({header->filters, header->filters_meta}, extents);
          }
        } else {
          extents.headless.emplace_back(chunk, header.status());
        }
        return Status();
      });
  if (!status.ok()) return status;
  std::sort(
      extents.chunks.begin(), extents.chunks.end(),
      [](const ChunkExtent& a, const ChunkExtent& b) { return a.offset_bytes < b.offset_bytes; });
  FindOverlaps(extents);
  const FrameSummary& summary = index.summary();
  extents.trailing_bytes = static_cast<uint64_t>(summary.file_bytes - summary.frame_bytes);
  extents.dead_bytes = static_cast<uint64_t>(summary.frame_bytes) - index.header_bytes() -
                       CoveredBytes(extents.chunks) - summary.index_bytes - summary.trailer_bytes;
  return extents;
}

}  // namespace ndarray
