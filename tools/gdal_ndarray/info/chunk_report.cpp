#include "tools/gdal_ndarray/info/chunk_report.h"

#include <algorithm>
#include <map>
#include <numeric>

#include "driver/store/b2nd/b2nd_array.h"
#include "driver/store/frame/chunk_loader.h"
#include "driver/store/frame/frame_extents.h"
#include "driver/store/frame/frame_index.h"
#include "driver/store/frame/frame_open.h"
#include "tools/gdal_ndarray/command.h"

namespace ndarray::tools {
namespace {

constexpr int64_t kChunksAtOnce = 4096;

std::string Count(int64_t count, const std::string& what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

std::string Percent(double part, double whole) {
  return NumberText(whole > 0 ? 100 * part / whole : 0, 3) + " %";
}

const char* KindName(const BloscChunk& chunk) {
  switch (chunk.kind) {
    case ChunkKind::kZeros:
      return "zeros";
    case ChunkKind::kNans:
      return "nans";
    case ChunkKind::kRepeated:
      return "repeated";
    case ChunkKind::kUninitialized:
      return "uninitialized";
    default:
      return chunk.stored ? "stored" : "compressed";
  }
}

struct ChunkSizes {
  std::vector<int64_t> bytes;             // of chunks that hold blocks, ascending
  std::map<std::string, int64_t> counts;  // by kind
};

ChunkSizes MeasureChunks(const FrameIndex& index, const ByteFile& file) {
  const ChunkLoader loader(index, file);
  ChunkSizes sizes;
  for (int64_t first = 0; first < index.layout().chunk_count; first += kChunksAtOnce) {
    StopIfInterrupted();
    const int64_t count = std::min(kChunksAtOnce, index.layout().chunk_count - first);
    std::vector<LoadedChunk> chunks(static_cast<size_t>(count));
    for (int64_t i = 0; i < count; ++i) chunks[static_cast<size_t>(i)].chunk_index = first + i;
    Check(loader.LoadHeaders(chunks));
    for (const LoadedChunk& chunk : chunks) {
      ++sizes.counts[KindName(chunk.header)];
      if (chunk.header.kind == ChunkKind::kBlocks) {
        sizes.bytes.push_back(chunk.header.compressed_bytes);
      }
    }
  }
  std::sort(sizes.bytes.begin(), sizes.bytes.end());
  return sizes;
}

// The sizes by powers of two: a line each, with a bar.
std::string Histogram(const std::vector<int64_t>& ascending) {
  std::map<int64_t, int64_t> bins;
  int64_t max_count = 0;
  for (const int64_t bytes : ascending) {
    int64_t bin = 1;
    while (2 * bin <= bytes) bin *= 2;
    max_count = std::max(max_count, ++bins[bin]);
  }
  std::string text;
  for (const auto& [bin, count] : bins) {
    const auto bar = static_cast<size_t>((40 * count + max_count - 1) / max_count);
    const std::string from = BytesText(static_cast<uint64_t>(bin));
    text += "\nfrom " + from + std::string(from.size() < 11 ? 11 - from.size() : 1, ' ') +
            std::string(bar, '#') + " " + std::to_string(count);
  }
  return text;
}

}  // namespace

Report DescribeB2ndFile(std::shared_ptr<ByteFile> file) {
  const auto [opened, index] = Value(OpenFrame(std::move(file)));
  const B2ndLayout& layout = index->layout();
  const FrameSummary& summary = index->summary();
  const ArrayInfo info = DescribeB2nd(*index);
  const double array_bytes = std::accumulate(
      layout.shape.begin(), layout.shape.end(), static_cast<double>(layout.element.element_bytes),
      [](double product, int64_t count) { return product * static_cast<double>(count); });
  const FrameExtents extents = Value(FindExtents(*index, *opened));

  Report report;
  report.Add("layout", "Layout", "B2ND",
             "B2ND, frame version " + std::to_string(summary.format_version));
  report.Add("shape", "Shape", ShapeJson(layout.shape), ShapeString(layout.shape));
  report.Add("dtype", "Dtype", layout.element.text);
  report.Add("order", "Order", "C");
  report.Add("array_bytes", "Bytes", static_cast<uint64_t>(array_bytes),
             BytesText(static_cast<uint64_t>(array_bytes)));
  report.Add("chunk_shape", "Chunks", ShapeJson(layout.chunk_shape),
             ShapeString(layout.chunk_shape) + ", " +
                 BytesText(static_cast<uint64_t>(layout.chunk_bytes)) + "; " +
                 Count(layout.chunk_count, "chunk") + ", " +
                 std::to_string(summary.special_chunks) + " without bytes");
  report.Add("block_shape", "Blocks", ShapeJson(layout.block_shape),
             ShapeString(layout.block_shape) + ", " +
                 BytesText(static_cast<uint64_t>(layout.block_bytes)) + "; " +
                 std::to_string(layout.blocks_per_chunk) + " in a chunk");
  const std::string& codec = info.packing->codec;
  report.Add("codec", "Codec", codec, codec + ", level " + std::to_string(summary.level));
  const std::string& filters = info.packing->filters;
  report.Add("filters", "Filters", filters,
             filters + (extents.filters.empty() ? "" : "; chunks: " + CountsText(extents.filters)));
  report.AddValue("chunk_filters", extents.filters);
  report.Add("checksums", "Checksums", ChecksumsText(extents));
  report.AddValue("chunk_count", layout.chunk_count);
  report.AddValue("special_chunks", summary.special_chunks);
  report.AddValue("blocks_per_chunk", layout.blocks_per_chunk);
  report.AddValue("level", summary.level);
  report.Add("ratio", "Ratio", info.packing->ratio, NumberText(info.packing->ratio, 3));
  const auto dead_bytes = static_cast<double>(extents.dead_bytes);
  report.Add("dead_bytes", "Dead space", extents.dead_bytes,
             BytesText(extents.dead_bytes) + ", " +
                 Percent(dead_bytes, static_cast<double>(summary.file_bytes)) +
                 (extents.headless.empty() ? "" : ", damaged chunks included (see verify)"));
  report.Add("metalayers", "Metalayers", summary.metalayers);
  return report;
}

Report DescribeChunks(std::shared_ptr<ByteFile> file) {
  const auto [opened, index] = Value(OpenFrame(std::move(file)));
  const ChunkSizes sizes = MeasureChunks(*index, *opened);
  Report report;
  report.Add("chunk_kinds", "Chunk kinds", sizes.counts, CountsText(sizes.counts));
  if (sizes.bytes.empty()) return report;
  const auto at = [&](size_t percent) {
    return sizes.bytes[(sizes.bytes.size() - 1) * percent / 100];
  };
  const int64_t sum = std::accumulate(sizes.bytes.begin(), sizes.bytes.end(), int64_t{0});
  const auto text = [](int64_t bytes) { return BytesText(static_cast<uint64_t>(bytes)); };
  const auto mean = sum / static_cast<int64_t>(sizes.bytes.size());
  report.Add("chunk_bytes", "Chunk sizes",
             {{"min", at(0)},
              {"p10", at(10)},
              {"median", at(50)},
              {"p90", at(90)},
              {"max", at(100)},
              {"mean", mean},
              {"sum", sum}},
             "smallest " + text(at(0)) + ", 10 % " + text(at(10)) + ", median " + text(at(50)) +
                 ", 90 % " + text(at(90)) + ", largest " + text(at(100)) + ", mean " + text(mean) +
                 Histogram(sizes.bytes));
  return report;
}

}  // namespace ndarray::tools
