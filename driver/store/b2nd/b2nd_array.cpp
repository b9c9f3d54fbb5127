#include "driver/store/b2nd/b2nd_array.h"

#include <algorithm>
#include <mutex>
#include <string>
#include <utility>

#include "driver/store/b2nd/b2nd_splice.h"
#include "driver/store/b2nd/block_reader.h"
#include "driver/store/b2nd/chunk_coverage.h"
#include "driver/store/blosc2/codecs.h"
#include "driver/store/box.h"
#include "driver/store/frame/frame_extents.h"
#include "driver/store/frame/frame_index.h"
#include "driver/store/frame/frame_open.h"

namespace ndarray {
namespace {

// Clients that read by whole read chunks should find enough in one for several threads.
constexpr int64_t kReadChunkBytes = 512 << 10;

// A block, doubled along its axes (not those it covers anyway) as long as chunks stay whole numbers
// of read chunks.
AxisVector ReadChunkOf(const B2ndLayout& layout) {
  AxisVector read_chunk = layout.block_shape;
  int64_t bytes = layout.block_bytes;
  const int axes = read_chunk.size();
  for (bool grown = true; grown;) {
    grown = false;
    for (int axis = axes - 1; axis >= 0; --axis) {
      // Bands, where blocks keep them apart, are read one by one.
      if (read_chunk[axis] == 1) continue;
      const int64_t doubled = 2 * read_chunk[axis];
      if (2 * bytes > kReadChunkBytes || layout.chunk_shape[axis] % doubled != 0) continue;
      read_chunk[axis] = doubled;
      bytes *= 2;
      grown = true;
    }
  }
  for (int axis = 0; axis < axes; ++axis) {
    read_chunk[axis] = std::min(read_chunk[axis], layout.shape[axis]);
  }
  return read_chunk;
}

double Ratio(const FrameIndex& index) {
  double bytes = static_cast<double>(index.layout().element.element_bytes);
  for (const int64_t count : index.layout().shape) bytes *= static_cast<double>(count);
  return bytes / static_cast<double>(std::max<int64_t>(index.summary().file_bytes, 1));
}

}  // namespace

ArrayInfo DescribeB2nd(const FrameIndex& index) {
  const B2ndLayout& layout = index.layout();
  ArrayInfo info;
  info.shape = layout.shape;
  info.fields = layout.element.fields;
  info.is_record = layout.element.is_record;
  info.read_chunk = ReadChunkOf(layout);
  info.chunk = layout.chunk_shape;
  info.block = layout.block_shape;
  const bool is_auto = index.summary().auto_group_bytes > 0;
  info.packing =
      CompressionInfo{CompressionName(index.summary().compressor, index.summary().level),
                      is_auto ? "AUTO" : PipelineText(index.summary().pipeline), Ratio(index)};
  info.format = "B2ND";
  info.dtype_text = layout.element.text;
  return info;
}

ChunkDetails B2ndDetails(const FrameIndex& index) {
  const FrameSummary& summary = index.summary();
  const CachedFile& cached_file = index.cached_file();
  const BlockCache& cache = BlockCache::Process();
  ChunkDetails details;
  details.chunk_count = index.layout().chunk_count;
  details.special_chunks = summary.special_chunks;
  details.blocks_per_chunk = index.layout().blocks_per_chunk;
  details.compressed_bytes = summary.compressed_bytes;
  details.uncompressed_bytes = summary.uncompressed_bytes;
  details.frame_bytes = summary.frame_bytes;
  details.frame_version = summary.format_version;
  details.metalayers = summary.metalayers;
  details.level = summary.level;
  details.checksums = index.every_chunk_has_checks() ? "YES" : "NO";
  details.decoded_blocks = cached_file.decoded_blocks();
  details.cache_hits = cached_file.counters().hits;
  details.cache_misses = cached_file.counters().misses;
  details.cache_bytes = cached_file.counters().held_bytes;
  details.cache_bytes_all_files = cache.held_bytes();
  details.cache_max_bytes = cache.max_bytes();
  return details;
}

namespace {

class B2ndArray final : public Array, public ChunkedArray {
 public:
  B2ndArray(const std::shared_ptr<const ByteFile>& file,
            const std::shared_ptr<const FrameIndex>& index, int max_threads)
      : Array(file->path(), DescribeB2nd(*index)),
        file_(file),
        index_(index),
        max_threads_(max_threads),
        attributes_(*file_, index_->codec(), index_->attributes()) {}

  Status Read(const ReadTargets& targets) const override {
    if (targets.empty()) return {};
    return BlockReader(*index_, *file_, targets, max_threads_).Run();
  }

  const Attributes* attributes() const override { return &attributes_; }
  const ChunkedArray* chunked() const override { return this; }

  bool VisitChunks(const Box& box, const std::byte* element,
                   const ChunkVisitor& visit) const override {
    const auto state_of = [](int64_t) { return ChunkState::kInFile; };
    // Headers of a remote file would cost a request for each chunk.
    const bool local = file_->traits().is_local;
    return ndarray::VisitChunks(*index_, *file_, state_of, local, box, element, visit);
  }

  ChunkDetails Details() const override {
    ChunkDetails details = B2ndDetails(*index_);
    // Not of remote files: it takes a request for each chunk.
    if (!file_->is_mapped() && !file_->traits().is_local) return details;
    std::call_once(counted_, [this] {
      const Result<FrameExtents> extents = FindExtents(*index_, *file_);
      if (!extents.ok() || !extents->headless.empty()) return;
      dead_bytes_ = extents->dead_bytes;
      chunk_filters_ = CountsText(extents->filters);
      checksums_ = ChecksumsText(*extents);
    });
    details.dead_bytes = dead_bytes_;
    details.chunk_filters = chunk_filters_;
    if (!checksums_.empty()) details.checksums = checksums_;
    return details;
  }

  Status ReadPacked(const AxisVector& position, std::string& bytes) const override {
    return ReadPackedChunk(*index_, *file_, GridIndex(index_->layout().chunk_grid, position),
                           bytes);
  }

 private:
  const std::shared_ptr<const ByteFile> file_;
  const std::shared_ptr<const FrameIndex> index_;
  const int max_threads_;
  const FileAttributes attributes_;
  mutable std::once_flag counted_;
  // What takes reading the headers of all chunks; none of damaged files.
  mutable std::optional<uint64_t> dead_bytes_;
  mutable std::string chunk_filters_;
  mutable std::string checksums_;
};

}  // namespace

Result<std::shared_ptr<Array>> OpenB2ndArray(std::shared_ptr<ByteFile> file, int max_threads,
                                             Verification verification) {
  Result<OpenedFrame> frame = OpenFrame(std::move(file), verification);
  if (!frame.ok()) return frame.status();
  return std::shared_ptr<Array>(
      std::make_shared<B2ndArray>(frame->file, frame->index, max_threads));
}

}  // namespace ndarray
