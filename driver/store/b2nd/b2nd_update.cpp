#include "driver/store/b2nd/b2nd_update.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <list>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "driver/store/b2nd/b2nd_array.h"
#include "driver/store/b2nd/block_reader.h"
#include "driver/store/b2nd/chunk_coverage.h"
#include "driver/store/b2nd/decoded_chunk.h"
#include "driver/store/blosc2/frame_header.h"
#include "driver/store/box.h"
#include "driver/store/frame/chunk_loader.h"
#include "driver/store/frame/frame_appender.h"
#include "driver/store/frame/frame_editor.h"
#include "driver/store/frame/frame_extents.h"
#include "driver/store/strided_copy.h"
#include "driver/store/thread_pool.h"

namespace ndarray {
namespace {

// Less is not worth the time.
constexpr int64_t kMinReclaimedBytes = int64_t{16} << 20;
// Files with more bytes of chunks are not rewritten when they are closed, which must not take
// unforeseen minutes. gdal_ndarray compact rewrites them.
constexpr int64_t kMaxReclaimedFileBytes = int64_t{256} << 20;

// A decoded chunk, blocks in file order, that is to be compressed.
struct DirtyChunk {
  int64_t chunk_index;
  Buffer elements;
};

class B2ndUpdate final : public B2ndForUpdate, public ChunkedArray {
 public:
  // `header`: the first kFrameHeaderMinBytes of the file.
  B2ndUpdate(const std::shared_ptr<WritableFile>& file, const std::shared_ptr<FrameEditor>& index,
             std::unique_ptr<BloscEncoder> encoder, std::string header,
             OutputFileCreator create_file, int max_threads, Chunks chunks,
             int64_t write_cache_bytes, std::function<Status()> lock)
      : B2ndForUpdate(file->path(), DescribeB2nd(*index)),
        file_(file),
        index_(index),
        layout_(index_->layout()),
        encoder_(std::move(encoder)),
        create_file_(create_file),
        lock_(std::move(lock)),
        max_threads_(max_threads),
        max_chunks_(
            static_cast<size_t>(std::max<int64_t>(write_cache_bytes / layout_.chunk_bytes, 1))),
        attributes_(*file_, index_->codec(), index_->attributes()),
        appender_(file_, std::move(header), static_cast<uint64_t>(index_->summary().frame_bytes)),
        unwritten_(chunks == Chunks::kUnwritten ? static_cast<size_t>(layout_.chunk_count) : 0,
                   true) {}

  // What is not written yet comes from the decoded chunks, over what the file has.
  Status Read(const std::vector<ReadTarget>& targets) const override {
    std::vector<std::vector<const DirtyChunk*>> dirty;
    std::vector<ReadTarget> in_file;
    for (const ReadTarget& target : targets) {
      dirty.push_back(DirtyIn(target.box));
      if (static_cast<int64_t>(dirty.back().size()) < ElementsIn(ChunksOf(layout_, target.box))) {
        in_file.push_back(target);
      }
    }
    Status status = ReadFile(in_file);
    if (!status.ok()) return status;
    for (size_t i = 0; i < targets.size(); ++i) {
      const ReadTarget& target = targets[i];
      for (const DirtyChunk* const chunk : dirty[i]) {
        const AxisVector position = GridPosition(layout_.chunk_grid, chunk->chunk_index);
        const Box part = Intersection(ChunkBox(layout_, position), target.box);
        CopyOutOfChunk(layout_, chunk->elements.data(), position, info().fields[target.field], part,
                       Shifted(target.to, target.box, part));
      }
    }
    return {};
  }

  Status Write(size_t field, const Box& box, const ConstStridedView& from) override {
    Status locked = EnsureLocked();
    if (!locked.ok()) return locked;
    const Box chunks = ChunksOf(layout_, box);
    AxisVector position = chunks.start;
    do {
      const Box chunk_box = ChunkBox(layout_, position);
      const Box part = Intersection(chunk_box, box);
      const bool whole = !layout_.element.is_record && ElementsIn(part) == ElementsIn(chunk_box);
      Result<DirtyChunk*> chunk = Obtain(position, whole);
      if (!chunk.ok()) return chunk.status();
      CopyIntoChunk(layout_, (*chunk)->elements.data(), position, info().fields[field], part,
                    Shifted(from, box, part));
    } while (Advance(chunks, position));
    return {};
  }

  Status Fill(const Box& box, const std::byte* element) override {
    if (unwritten_.empty()) return {};
    std::string fill;
    ChunkLocation location;
    Status status = EncodeFill(element, fill, location);
    if (!status.ok()) return status.At(path());
    std::string fills;  // one for each chunk: c-blosc2 replaces chunks where they are
    std::vector<int64_t> chunk_indexes;
    const Box chunks = ChunksOf(layout_, box);
    AxisVector at = chunks.start;
    do {
      const Box chunk_box = ChunkBox(layout_, at);
      const int64_t chunk_index = GridIndex(layout_.chunk_grid, at);
      if (unwritten_[static_cast<size_t>(chunk_index)] &&
          ElementsIn(Intersection(chunk_box, box)) == ElementsIn(chunk_box)) {
        fills += fill;
        chunk_indexes.push_back(chunk_index);
      }
    } while (Advance(chunks, at));
    if (chunk_indexes.empty()) return {};
    status = EnsureLocked();
    if (!status.ok()) return status;
    location.offset_bytes = appender_.end_bytes();
    status = appender_.Append(fills);
    if (!status.ok()) return status;
    for (const int64_t chunk_index : chunk_indexes) {
      index_->MoveChunk(chunk_index, location, location.offset_bytes + fill.size());
      location.offset_bytes += fill.size();
    }
    index_->cached_file().Forget();
    changed_ = true;
    return {};
  }

  const Attributes* attributes() const override { return &attributes_; }
  EditableAttributes* editable_attributes() override { return &attributes_; }
  const ChunkedArray* chunked() const override { return this; }

  bool VisitChunks(const Box& box, const std::byte* element,
                   const ChunkVisitor& visit) const override {
    const auto state_of = [this](int64_t chunk_index) {
      if (by_chunk_index_.count(chunk_index) != 0) return ChunkState::kChanged;
      return !unwritten_.empty() && unwritten_[static_cast<size_t>(chunk_index)]
                 ? ChunkState::kUnwritten
                 : ChunkState::kInFile;
    };
    return ndarray::VisitChunks(*index_, *file_, state_of, true, box, element, visit);
  }

  Status Flush() override {
    Status status = WriteOut(dirty_.size());
    if (status.ok() && (changed_ || attributes_.changed())) status = Commit();
    return status;
  }

  Status Reclaim() const override {
    if (!wrote_ || changed_ || attributes_.changed()) return {};
    const auto chunks_bytes = static_cast<int64_t>(appender_.end_bytes() - index_->header_bytes());
    if (chunks_bytes < kMinReclaimedBytes || chunks_bytes > kMaxReclaimedFileBytes) return {};
    Result<int64_t> live_bytes = LiveChunkBytes(*index_, *file_);
    if (!live_bytes.ok()) return live_bytes.status();
    const int64_t dead_bytes = chunks_bytes - *live_bytes;
    if (dead_bytes < kMinReclaimedBytes || dead_bytes < *live_bytes) return {};
    Result<std::unique_ptr<OutputFile>> output = create_file_(path());
    if (!output.ok()) return output.status();
    Status status = CopyTo(**output);
    return status.ok() ? (*output)->Commit() : status;
  }

  Status CopyTo(OutputFile& output) const override {
    Result<std::string> trailer = attributes_.Trailer();
    if (!trailer.ok()) return trailer.status();
    return CopyFrame(*index_, *file_, *trailer, output, {}).status();
  }

  ChunkDetails Details() const override { return B2ndDetails(*index_); }

 private:
  Status EnsureLocked() {
    if (!lock_) return {};
    Status status = lock_();
    if (status.ok()) lock_ = nullptr;
    return status;
  }

  Status ReadFile(const std::vector<ReadTarget>& targets) const {
    return targets.empty() ? Status() : BlockReader(*index_, *file_, targets, max_threads_).Run();
  }

  // The decoded chunks that a box touches, found by their indexes: very many may be waiting.
  std::vector<const DirtyChunk*> DirtyIn(const Box& box) const {
    std::vector<const DirtyChunk*> found;
    if (dirty_.empty()) return found;
    const Box chunks = ChunksOf(layout_, box);
    AxisVector position = chunks.start;
    do {
      const auto waiting = by_chunk_index_.find(GridIndex(layout_.chunk_grid, position));
      if (waiting != by_chunk_index_.end()) found.push_back(&*waiting->second);
    } while (Advance(chunks, position));
    return found;
  }

  // A chunk of one value: its bytes, or none where the index can say it.
  Status EncodeFill(const std::byte* element, std::string& bytes, ChunkLocation& location) const {
    const DType& dtype = info().fields[0].dtype;
    Buffer chunk(static_cast<size_t>(layout_.chunk_bytes));
    StridedCopy(dtype, {layout_.chunk_bytes / layout_.element.element_bytes}, {element, {0}},
                {chunk.data(), {layout_.element.element_bytes}}, 1);
    Status status = encoder_->EncodeChunk(chunk.data(), chunk.size_bytes(), bytes);
    if (!status.ok()) return status;
    Result<BloscChunk> header = ParseChunkHeader(bytes, bytes.size());
    if (!header.ok()) return header.status();
    if (header->kind != ChunkKind::kZeros) return {};
    location.kind = ChunkKind::kZeros;
    bytes.clear();
    return {};
  }

  // The decoded chunk, most recently used first; with its old elements unless all will be written.
  Result<DirtyChunk*> Obtain(const AxisVector& position, bool whole) {
    const int64_t chunk_index = GridIndex(layout_.chunk_grid, position);
    const auto found = by_chunk_index_.find(chunk_index);
    if (found != by_chunk_index_.end()) {
      dirty_.splice(dirty_.begin(), dirty_, found->second);
      return &dirty_.front();
    }
    if (dirty_.size() >= max_chunks_) {
      // Many at a time: threads need something to share, and each time costs what small chunks do.
      const size_t several = std::max(max_chunks_ / 8, static_cast<size_t>(2 * max_threads_));
      Status status = WriteOut(std::min(dirty_.size(), several));
      if (!status.ok()) return status;
    }
    std::list<DirtyChunk> fresh;
    fresh.push_back({chunk_index, Buffer(static_cast<size_t>(layout_.chunk_bytes))});
    std::memset(fresh.front().elements.data(), 0, fresh.front().elements.size_bytes());
    if (!whole) {
      Status status = Load(chunk_index, fresh.front().elements.data());
      if (!status.ok()) return status;
    }
    if (!unwritten_.empty()) unwritten_[static_cast<size_t>(chunk_index)] = false;
    by_chunk_index_.emplace(chunk_index, fresh.begin());
    dirty_.splice(dirty_.begin(), fresh);
    changed_ = true;
    return &dirty_.front();
  }

  // The old elements of a chunk, as the file has them.
  Status Load(int64_t chunk_index, std::byte* elements) const {
    const ChunkLoader loader(*index_, *file_);
    std::vector<LoadedChunk> chunks(1);
    LoadedChunk& chunk = chunks[0];
    chunk.chunk_index = chunk_index;
    Status status = loader.LoadHeaders(chunks);
    if (!status.ok()) return status;
    if (chunk.header.kind == ChunkKind::kBlocks) {
      status = loader.LoadBlocks(chunks, {{ChunkLoader::kAllBlocks}});
      if (!status.ok()) return status;
      status = chunk.DecodeChunk(index_->codec(), elements);
      return status.At(chunk.Name()).At(path());
    }
    const auto element_bytes = static_cast<size_t>(layout_.element.element_bytes);
    Result<std::vector<std::byte>> element = RepeatedElement(chunk, layout_.element.element_bytes);
    if (!element.ok()) return element.status().At(chunk.Name()).At(path());
    for (size_t at = 0; at < static_cast<size_t>(layout_.chunk_bytes); at += element_bytes) {
      std::memcpy(elements + at, element->data(), element_bytes);
    }
    return {};
  }

  // Compresses the least recently used chunks, in parallel, and appends them.
  Status WriteOut(size_t count) {
    std::vector<std::list<DirtyChunk>::iterator> chunks;
    for (auto it = dirty_.end(); chunks.size() < count && it != dirty_.begin();) {
      chunks.push_back(--it);
    }
    std::vector<std::string> encoded(chunks.size());
    Status failure =
        TryParallelFor(static_cast<int64_t>(chunks.size()), max_threads_, [&](int64_t i) {
          const auto at = static_cast<size_t>(i);
          const Buffer& elements = chunks[at]->elements;
          return encoder_->EncodeChunk(elements.data(), elements.size_bytes(), encoded[at]);
        });
    if (!failure.ok()) return failure.At(path());
    size_t written = 0;
    while (failure.ok() && written < chunks.size()) {
      failure = Append(chunks[written]->chunk_index, encoded[written]);
      if (!failure.ok()) break;
      by_chunk_index_.erase(chunks[written]->chunk_index);
      dirty_.erase(chunks[written++]);
    }
    if (written > 0) index_->cached_file().Forget();
    return failure;
  }

  Status Append(int64_t chunk_index, const std::string& bytes) {
    Result<BloscChunk> header = ParseChunkHeader(bytes, bytes.size());
    if (!header.ok()) return header.status().At(path());
    ChunkLocation location;
    location.offset_bytes = appender_.end_bytes();
    if (header->kind == ChunkKind::kZeros) {
      location.kind = ChunkKind::kZeros;
    } else {
      Status status = appender_.Append(bytes);
      if (!status.ok()) return status;
    }
    index_->MoveChunk(chunk_index, location, appender_.end_bytes());
    return {};
  }

  // Index and trailer.
  Result<std::string> Tail() const {
    Result<std::string> trailer = attributes_.Trailer();
    if (!trailer.ok()) return trailer.status();
    Result<std::string> encoded = BloscEncoder::EncodeOffsets(index_->Offsets());
    if (!encoded.ok()) return encoded.status().At(path());
    return *encoded + *trailer;
  }

  // All that was appended counts from here on.
  Status Commit() {
    Status locked = EnsureLocked();
    if (!locked.ok()) return locked;
    Result<std::string> tail = Tail();
    if (!tail.ok()) return tail.status();
    Status status =
        appender_.Commit(*tail, index_->header_bytes(), layout_.chunk_count * layout_.chunk_bytes);
    if (status.ok()) {
      changed_ = false;
      attributes_.MarkSaved();
      wrote_ = true;
    }
    return status;
  }

  const std::shared_ptr<WritableFile> file_;
  const std::shared_ptr<FrameEditor> index_;
  const B2ndLayout& layout_;
  const std::unique_ptr<BloscEncoder> encoder_;
  const OutputFileCreator create_file_;
  std::function<Status()> lock_;  // empty: the file is locked
  const int max_threads_;
  const size_t max_chunks_;
  AttributeEditor attributes_;
  FrameAppender appender_;
  bool changed_ = false;         // since the last commit
  bool wrote_ = false;           // since it was opened
  std::vector<bool> unwritten_;  // by chunk_index; empty where nobody knows
  std::list<DirtyChunk> dirty_;
  std::unordered_map<int64_t, std::list<DirtyChunk>::iterator> by_chunk_index_;
};

}  // namespace

Result<std::shared_ptr<B2ndForUpdate>> OpenB2ndForUpdate(std::shared_ptr<WritableFile> file,
                                                         OutputFileCreator create_file,
                                                         int max_threads, Chunks chunks,
                                                         int64_t write_cache_bytes,
                                                         std::function<Status()> lock) {
  Result<std::shared_ptr<FrameEditor>> index = FrameEditor::Open(*file);
  if (!index.ok()) return index.status();
  const FrameSummary& summary = (*index)->summary();
  const B2ndLayout& layout = (*index)->layout();
  const Compression compression{summary.compressor, summary.level, summary.pipeline,
                                summary.auto_group_bytes};
  Result<std::unique_ptr<BloscEncoder>> encoder =
      BloscEncoder::Make(compression, static_cast<int32_t>(layout.element.element_bytes),
                         static_cast<int32_t>(layout.block_bytes), summary.b2nd);
  if (!encoder.ok()) return encoder.status().At(file->path());
  std::string header(kFrameHeaderMinBytes, '\0');
  Status status = file->Read({{0, header.size(), header.data()}});
  if (!status.ok()) return status;
  return std::shared_ptr<B2ndForUpdate>(std::make_shared<B2ndUpdate>(
      file, *index, std::move(*encoder), std::move(header), create_file, max_threads, chunks,
      write_cache_bytes, std::move(lock)));
}

}  // namespace ndarray
