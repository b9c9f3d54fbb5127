#include "driver/store/b2nd/b2nd_update.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "driver/store/b2nd/b2nd_array.h"
#include "driver/store/b2nd/b2nd_splice.h"
#include "driver/store/b2nd/block_reader.h"
#include "driver/store/b2nd/chunk_coverage.h"
#include "driver/store/b2nd/decoded_chunk.h"
#include "driver/store/b2nd/pending_chunks.h"
#include "driver/store/blosc2/chunk_filters.h"
#include "driver/store/box.h"
#include "driver/store/frame/frame_appender.h"
#include "driver/store/frame/frame_copy.h"
#include "driver/store/frame/frame_editor.h"
#include "driver/store/strided_copy.h"
#include "driver/store/thread_pool.h"

namespace ndarray {
namespace {

// What is remembered of chunks that were written out but do not count yet, as a share of the bound
// of those that wait; more than that is committed.
constexpr int64_t kUncommittedShare = 8;
constexpr int64_t kMinUncommittedBytes = int64_t{1} << 20;

class B2ndUpdate final : public B2ndForUpdate, public ChunkedArray {
 public:
  B2ndUpdate(const std::shared_ptr<WritableFile>& file, const std::shared_ptr<FrameEditor>& index,
             std::unique_ptr<BloscEncoder> encoder, std::unique_ptr<FrameAppender> appender,
             int max_threads, Chunks chunks, int64_t write_cache_bytes)
      : B2ndForUpdate(file->path(), DescribeB2nd(*index)),
        file_(file),
        index_(index),
        layout_(index_->layout()),
        encoder_(std::move(encoder)),
        appender_(std::move(appender)),
        max_threads_(max_threads),
        max_chunks_(
            static_cast<size_t>(std::max<int64_t>(write_cache_bytes / layout_.chunk_bytes, 1))),
        max_uncommitted_bytes_(static_cast<size_t>(
            std::max(write_cache_bytes / kUncommittedShare, kMinUncommittedBytes))),
        attributes_(*file_, index_->codec(), index_->attributes()),
        pending_(*file_, *encoder_, *appender_, max_threads),
        unwritten_(chunks == Chunks::kUnwritten ? static_cast<size_t>(layout_.chunk_count) : 0,
                   true) {}

  // What is not written yet comes from the decoded chunks, over what the file has.
  Status Read(const ReadTargets& targets) const override {
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
        DirtyChunk copy{0, Buffer(0), {}};
        Result<const DirtyChunk*> whole = Whole(*chunk, copy);
        if (!whole.ok()) return whole.status();
        CopyOutOfChunk(layout_, (*whole)->elements.data(), position, info().fields[target.field],
                       part, Shifted(target.to, target.box, part));
      }
    }
    return {};
  }

  Status Write(size_t field, const Box& box, const ConstStridedView& from) override {
    Status joined = appender_->Join();
    if (!joined.ok()) return joined;
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
      (*chunk)->changes.Add(layout_, position, field, part);
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
    status = appender_->Join();
    if (!status.ok()) return status;
    const FrameTurn turn(*appender_, FrameAppender::TurnTo::kWrite);
    if (!turn.status().ok()) return turn.status();
    location.offset_bytes = appender_->end_bytes();
    status = appender_->Append(fills);
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
      if (pending_.Find(chunk_index) != nullptr) return ChunkState::kChanged;
      return !unwritten_.empty() && unwritten_[static_cast<size_t>(chunk_index)]
                 ? ChunkState::kUnwritten
                 : ChunkState::kInFile;
    };
    return ndarray::VisitChunks(*index_, *file_, state_of, true, box, element, visit);
  }

  Status ReadPacked(const AxisVector& position, std::string& bytes) const override {
    return ReadPackedChunk(*index_, *file_, GridIndex(layout_.chunk_grid, position), bytes);
  }

  Status TakeChunks(const Array& from, const Box& box) override {
    Status status = CheckTakes(from, box);
    if (status.ok()) status = appender_->Join();
    if (!status.ok()) return status;
    {
      const FrameTurn turn(*appender_, FrameAppender::TurnTo::kWrite);
      if (!turn.status().ok()) return turn.status();
      const Box chunks = ChunksOf(layout_, box);
      AxisVector at = chunks.start;
      std::string bytes;
      do {
        status = from.chunked()->ReadPacked(at, bytes);
        if (status.ok()) status = TakeChunk(at, bytes);
      } while (status.ok() && Advance(chunks, at));
      index_->cached_file().Forget();
    }
    if (!status.ok()) return status;
    return pending_.uncommitted_bytes() > max_uncommitted_bytes_ ? Flush() : Status();
  }

  Status Flush() override {
    if (!changed_ && !attributes_.changed()) return {};
    Status status = appender_->Join();
    if (!status.ok()) return status;
    PendingChunks::Batch batch = pending_.Oldest(pending_.size());
    if (!contended_) status = pending_.Encode(*index_, batch);
    if (status.ok()) status = CommitInTurn(batch);
    if (status.ok()) status = appender_->Sync();
    if (!status.ok()) return status;
    changed_ = false;
    attributes_.MarkSaved();
    return {};
  }

  Status CopyTo(OutputFile& output) const override {
    Result<std::string> trailer = attributes_.Trailer();
    if (!trailer.ok()) return trailer.status();
    return CopyFrame(*index_, *file_, *trailer, output, {}).status();
  }

  ChunkDetails Details() const override { return B2ndDetails(*index_); }

 private:
  Status ReadFile(const ReadTargets& targets) const {
    return targets.empty() ? Status() : BlockReader(*index_, *file_, targets, max_threads_).Run();
  }

  // The decoded chunks that a box touches, found by their indexes: very many may be waiting.
  std::vector<const DirtyChunk*> DirtyIn(const Box& box) const {
    std::vector<const DirtyChunk*> found;
    if (pending_.size() == 0) return found;
    const Box chunks = ChunksOf(layout_, box);
    AxisVector position = chunks.start;
    do {
      const DirtyChunk* const waiting = pending_.Find(GridIndex(layout_.chunk_grid, position));
      if (waiting != nullptr) found.push_back(waiting);
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

  // The chunk with all its elements: itself, or the copy.
  Result<const DirtyChunk*> Whole(const DirtyChunk& chunk, DirtyChunk& copy) const {
    if (!chunk.lacks_base) return &chunk;
    copy = {chunk.chunk_index, Buffer(chunk.elements.size_bytes()), chunk.changes, true};
    std::memcpy(copy.elements.data(), chunk.elements.data(), chunk.elements.size_bytes());
    Status status = Splice(*index_, *file_, copy);
    if (!status.ok()) return status;
    return &copy;
  }

  // The decoded chunk; with its old elements unless all will be written, or others are likely to
  // change them before they are needed.
  Result<DirtyChunk*> Obtain(const AxisVector& position, bool whole) {
    const int64_t chunk_index = GridIndex(layout_.chunk_grid, position);
    if (DirtyChunk* const waiting = pending_.Use(chunk_index)) return waiting;
    if (pending_.size() >= max_chunks_) {
      Status status = WriteOut();
      if (!status.ok()) return status;
    }
    DirtyChunk chunk{chunk_index, Buffer(static_cast<size_t>(layout_.chunk_bytes)), {}};
    std::memset(chunk.elements.data(), 0, chunk.elements.size_bytes());
    chunk.lacks_base = !whole && contended_ && !pending_.IsUncommitted(chunk_index);
    if (!whole && !chunk.lacks_base) {
      Status status = LoadElements(*index_, *file_, chunk_index, chunk.elements.data());
      if (!status.ok()) return status;
    }
    if (!unwritten_.empty()) unwritten_[static_cast<size_t>(chunk_index)] = false;
    changed_ = true;
    return pending_.Add(std::move(chunk));
  }

  // Makes room for chunks that wait: many at a time, since threads need something to share, and
  // each time costs what small chunks do.
  Status WriteOut() {
    const size_t several = std::max(max_chunks_ / 8, static_cast<size_t>(2 * max_threads_));
    PendingChunks::Batch batch = pending_.Oldest(std::min(pending_.size(), several));
    Status status = pending_.Encode(*index_, batch);
    if (!status.ok()) return status;
    {
      const FrameTurn turn(*appender_, FrameAppender::TurnTo::kWrite);
      status = turn.status().ok() ? pending_.Append(*index_, batch) : turn.status();
    }
    if (!status.ok()) return status;
    return pending_.uncommitted_bytes() > max_uncommitted_bytes_ ? Flush() : Status();
  }

  Status TakeChunk(const AxisVector& position, const std::string& bytes) {
    const int64_t chunk_index = GridIndex(layout_.chunk_grid, position);
    ChunkChanges all;
    for (size_t field = 0; field < info().fields.size(); ++field) {
      all.Add(layout_, position, field, ChunkBox(layout_, position));
    }
    changed_ = true;
    if (!unwritten_.empty()) unwritten_[static_cast<size_t>(chunk_index)] = false;
    return pending_.Take(*index_, chunk_index, std::move(all), bytes);
  }

  // Index and trailer.
  Result<std::string> Tail() const {
    Result<std::string> trailer = attributes_.Trailer();
    if (!trailer.ok()) return trailer.status();
    Result<std::string> encoded = index_->EncodedOffsets();
    if (!encoded.ok()) return encoded.status().At(path());
    PutFingerprint(*trailer, index_->every_chunk_has_checks(), index_->has_no_checksums(),
                   index_->header_sums(), *encoded);
    return *encoded + *trailer;
  }

  // `batch`: all chunks that wait.
  Status CommitInTurn(PendingChunks::Batch& batch) {
    const FrameTurn turn(*appender_, FrameAppender::TurnTo::kWrite);
    Status status = turn.status();
    contended_ = false;
    if (status.ok() && appender_->others_committed()) status = Rebase(batch);
    if (status.ok()) status = pending_.Encode(*index_, batch);
    if (status.ok()) status = pending_.Append(*index_, batch);
    if (!status.ok()) return status;
    Result<std::string> tail = Tail();
    if (!tail.ok()) return tail.status();
    status =
        appender_->Commit(*tail, index_->header_bytes(), layout_.chunk_count * layout_.chunk_bytes);
    if (!status.ok()) return status;
    index_->MarkCommitted();
    pending_.MarkCommitted();
    return {};
  }

  // Goes on from what others have committed.
  Status Rebase(PendingChunks::Batch& batch) {
    Result<std::shared_ptr<FrameEditor>> newer = FrameEditor::Open(*file_, index_->verification());
    if (!newer.ok()) return newer.status();
    if (!(*newer)->IsLike(*index_)) {
      return Mismatch(StatusCode::kIo, "array", "one of another shape or type, by another writer",
                      "the one that was opened; open it again")
          .At(path());
    }
    const auto is_shared = [&](const PendingChunks::Encoded& encoded) {
      return index_->HasMovedIn(**newer, encoded.chunk->chunk_index);
    };
    const auto shared = std::count_if(batch.begin(), batch.end(), is_shared);
    contended_ = 2 * static_cast<size_t>(shared) > batch.size();
    Status status = pending_.Splice(*index_, **newer, batch);
    if (status.ok()) status = attributes_.Rebase((*newer)->codec(), (*newer)->attributes());
    if (!status.ok()) return status;
    for (size_t i = 0; i < unwritten_.size(); ++i) {
      if (index_->HasMovedIn(**newer, static_cast<int64_t>(i))) unwritten_[i] = false;
    }
    (*newer)->TakeMoves(
        *index_, [this](int64_t chunk_index) { return pending_.IsUncommitted(chunk_index); });
    index_ = std::move(*newer);
    appender_->MarkSeen();
    return {};
  }

  const std::shared_ptr<WritableFile> file_;
  std::shared_ptr<FrameEditor>
      index_;  // the file's, as of the last commit, and what has moved since
  const B2ndLayout layout_;
  const std::unique_ptr<BloscEncoder> encoder_;
  const std::unique_ptr<FrameAppender> appender_;
  const int max_threads_;
  const size_t max_chunks_;
  const size_t max_uncommitted_bytes_;
  AttributeEditor attributes_;
  PendingChunks pending_;
  bool changed_ = false;         // since the last commit
  bool contended_ = false;       // others had most chunks of the last flush, too
  std::vector<bool> unwritten_;  // by chunk_index; empty where nobody knows
};

}  // namespace

Result<std::shared_ptr<B2ndForUpdate>> OpenB2ndForUpdate(std::shared_ptr<WritableFile> file,
                                                         int max_threads, Chunks chunks,
                                                         int64_t write_cache_bytes,
                                                         std::unique_ptr<WriterTurns> turns,
                                                         Verification verification) {
  auto appender = std::make_unique<FrameAppender>(file, std::move(turns));
  std::shared_ptr<FrameEditor> index;
  {
    const FrameTurn turn(*appender, FrameAppender::TurnTo::kRead);
    if (!turn.status().ok()) return turn.status();
    Result<std::shared_ptr<FrameEditor>> opened = FrameEditor::Open(*file, verification);
    if (!opened.ok()) return opened.status();
    index = std::move(*opened);
    Status status = CheckWritable(index->layout());
    const FrameSummary& written = index->summary();
    if (status.ok()) status = CheckCanWrite(written.compressor, written.pipeline);
    if (!status.ok()) return status.At(file->path());
    status = appender->Start(static_cast<uint64_t>(index->summary().frame_bytes));
    if (!status.ok()) return status;
  }
  const FrameSummary& summary = index->summary();
  const B2ndLayout& layout = index->layout();
  const Compression compression{summary.compressor, summary.level, summary.pipeline,
                                summary.auto_group_bytes, !index->has_no_checksums()};
  Result<std::unique_ptr<BloscEncoder>> encoder =
      BloscEncoder::Make(compression, static_cast<int32_t>(layout.element.element_bytes),
                         static_cast<int32_t>(layout.block_bytes), summary.b2nd);
  if (!encoder.ok()) return encoder.status().At(file->path());
  return std::shared_ptr<B2ndForUpdate>(
      std::make_shared<B2ndUpdate>(file, index, std::move(*encoder), std::move(appender),
                                   max_threads, chunks, write_cache_bytes));
}

}  // namespace ndarray
