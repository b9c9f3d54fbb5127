#include "driver/store/b2nd_array.h"

#include <algorithm>
#include <cstdio>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "driver/store/block_reader.h"
#include "driver/store/frame_extents.h"
#include "driver/store/frame_index.h"

namespace ndarray {
namespace {

// Clients that read by whole granules should find enough in one for several threads.
constexpr int64_t kGranuleBytes = 512 << 10;

using Lines = std::vector<std::pair<std::string, std::string>>;

// A block, doubled along its axes (not those it covers anyway) as long as chunks stay whole numbers
// of granules.
AxisVector Granule(const B2ndLayout& layout) {
  AxisVector granule = layout.block_shape;
  int64_t bytes = layout.block_bytes;
  const int axes = granule.size();
  for (bool grown = true; grown;) {
    grown = false;
    for (int axis = axes - 1; axis >= 0; --axis) {
      // Bands, where blocks keep them apart, are read one by one.
      if (granule[axis] == 1) continue;
      const int64_t doubled = 2 * granule[axis];
      if (2 * bytes > kGranuleBytes || layout.chunk_shape[axis] % doubled != 0) continue;
      granule[axis] = doubled;
      bytes *= 2;
      grown = true;
    }
  }
  for (int axis = 0; axis < axes; ++axis) {
    granule[axis] = std::min(granule[axis], layout.shape[axis]);
  }
  return granule;
}

std::string FiltersText(const FrameSummary& summary) {
  std::string text;
  for (size_t i = 0; i < summary.filters.size(); ++i) {
    if (summary.filters[i] == 0) continue;
    if (!text.empty()) text += ",";
    text += FilterName(summary.filters[i]);
    if (summary.filters_meta[i] != 0) text += "(" + std::to_string(summary.filters_meta[i]) + ")";
  }
  return text.empty() ? "NONE" : text;
}

std::string RatioText(const FrameIndex& index) {
  double bytes = static_cast<double>(index.layout().element.element_bytes);
  for (const int64_t count : index.layout().shape) bytes *= static_cast<double>(count);
  char text[32];
  std::snprintf(text, sizeof(text), "%.3g",
                bytes / static_cast<double>(std::max<int64_t>(index.summary().file_bytes, 1)));
  return text;
}

}  // namespace

ArrayInfo DescribeB2nd(const FrameIndex& index) {
  const B2ndLayout& layout = index.layout();
  ArrayInfo info;
  info.shape = layout.shape;
  info.fields = layout.element.fields;
  info.is_record = layout.element.is_record;
  info.granule = Granule(layout);
  info.attributes = index.attributes();
  for (const auto& [name, content] : index.late_attributes()) info.late_attributes.push_back(name);
  info.description = {
      {"LAYOUT", "B2ND"},
      {"DTYPE", layout.element.text},
      {"SHAPE", ShapeString(layout.shape)},
      {"CHUNKS", ShapeString(layout.chunk_shape)},
      {"BLOCKS", ShapeString(layout.block_shape)},
      {"COMPRESSION", CompressorName(index.summary().compressor)},
      {"FILTERS", FiltersText(index.summary())},
      {"RATIO", RatioText(index)},
  };
  return info;
}

Lines B2ndDetails(const FrameIndex& index) {
  const FrameSummary& summary = index.summary();
  const BlockCache::Counters& counters = *index.counters();
  const BlockCache& cache = BlockCache::Process();
  const auto number = [](int64_t value) { return std::to_string(value); };
  return {
      {"CHUNK_COUNT", number(index.layout().chunk_count)},
      {"SPECIAL_CHUNKS", number(summary.special_chunks)},
      {"BLOCKS_PER_CHUNK", number(index.layout().blocks_per_chunk)},
      {"COMPRESSED_BYTES", number(summary.compressed_bytes)},
      {"UNCOMPRESSED_BYTES", number(summary.uncompressed_bytes)},
      {"FRAME_BYTES", number(summary.frame_bytes)},
      {"FRAME_VERSION", number(summary.format_version)},
      {"METALAYERS", summary.metalayers},
      {"LEVEL", number(summary.level)},
      {"DECODED_BLOCKS", number(index.decoded_blocks())},
      {"CACHE_HITS", number(counters.hits)},
      {"CACHE_MISSES", number(counters.misses)},
      {"CACHE_BYTES", number(counters.held_bytes)},
      {"CACHE_BYTES_ALL_FILES", number(cache.held_bytes())},
      {"CACHE_MAX_BYTES", number(cache.max_bytes())},
  };
}

namespace {

class B2ndArray final : public Array {
 public:
  B2ndArray(std::shared_ptr<ByteFile> file, std::shared_ptr<const FrameIndex> index,
            int max_threads)
      : file_(std::move(file)),
        index_(std::move(index)),
        max_threads_(max_threads),
        info_(DescribeB2nd(*index_)) {}

  const ArrayInfo& info() const override { return info_; }
  const std::string& path() const override { return file_->path(); }

  Status Read(size_t field, const Box& box, const StridedView& to) const override {
    return ReadAll({{field, box, to}});
  }

  Status ReadAll(const std::vector<ReadTarget>& targets) const override {
    if (targets.empty()) return {};
    Status status = file_->CheckStillThere(static_cast<uint64_t>(index_->summary().frame_bytes));
    if (!status.ok()) return status;
    return BlockReader(*index_, *file_, targets, max_threads_).Run();
  }

  Status Write(size_t, const Box&, const ConstStridedView&) override {
    return Mismatch(StatusCode::kNotSupported, "access", "a write", "reads of .b2nd files")
        .At(path());
  }

  Status Flush() override { return {}; }

  Result<std::string> ReadAttribute(const std::string& name) const override {
    Result<std::string> packed = index_->PackedAttribute(name);
    return packed.ok() ? packed : packed.status().At(path());
  }

  Lines Details() const override {
    Lines lines = B2ndDetails(*index_);
    // Not of remote files: it takes a request for each chunk.
    if (file_->mapped() == nullptr) return lines;
    std::call_once(counted_, [this] {
      const Result<FrameExtents> extents = FindExtents(*index_, *file_);
      if (extents.ok() && extents->headless.empty()) dead_bytes_ = extents->dead_bytes;
    });
    if (dead_bytes_) lines.emplace_back("DEAD_BYTES", std::to_string(*dead_bytes_));
    return lines;
  }

  bool IsSameFile(int descriptor) const override { return file_->IsSameFile(descriptor); }

 private:
  const std::shared_ptr<ByteFile> file_;
  const std::shared_ptr<const FrameIndex> index_;
  const int max_threads_;
  const ArrayInfo info_;
  mutable std::once_flag counted_;
  mutable std::optional<uint64_t> dead_bytes_;  // between chunks: what updates have left behind
};

}  // namespace

Result<std::shared_ptr<Array>> OpenB2ndArray(std::shared_ptr<ByteFile> file, int max_threads) {
  Result<std::shared_ptr<const FrameIndex>> index = FrameIndex::Open(*file);
  if (!index.ok()) return index.status();
  return std::shared_ptr<Array>(
      std::make_shared<B2ndArray>(std::move(file), std::move(*index), max_threads));
}

}  // namespace ndarray
