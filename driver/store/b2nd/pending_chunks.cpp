#include "driver/store/b2nd/pending_chunks.h"

#include <algorithm>
#include <utility>

#include "driver/store/blosc2/blosc_chunk.h"
#include "driver/store/blosc2/chunk_checks.h"
#include "driver/store/buffer.h"
#include "driver/store/thread_pool.h"

namespace ndarray {
namespace {

// Of an uncommitted chunk, besides its changes.
constexpr size_t kEntryBytes = 64;

}  // namespace

const DirtyChunk* PendingChunks::Find(int64_t chunk_index) const {
  const auto found = by_chunk_index_.find(chunk_index);
  return found == by_chunk_index_.end() ? nullptr : &*found->second;
}

DirtyChunk* PendingChunks::Use(int64_t chunk_index) {
  const auto found = by_chunk_index_.find(chunk_index);
  if (found == by_chunk_index_.end()) return nullptr;
  waiting_.splice(waiting_.begin(), waiting_, found->second);
  return &waiting_.front();
}

DirtyChunk* PendingChunks::Add(DirtyChunk chunk) {
  ForgetUncommitted(chunk.chunk_index, chunk.changes);
  std::list<DirtyChunk> fresh;
  fresh.push_back(std::move(chunk));
  by_chunk_index_.emplace(fresh.front().chunk_index, fresh.begin());
  waiting_.splice(waiting_.begin(), fresh);
  return &waiting_.front();
}

void PendingChunks::AddUncommitted(int64_t chunk_index, ChunkChanges changes) {
  uncommitted_bytes_ += changes.size_bytes() + kEntryBytes;
  uncommitted_.emplace(chunk_index, std::move(changes));
}

// `changes` become what was changed of it, where anything was.
void PendingChunks::ForgetUncommitted(int64_t chunk_index, ChunkChanges& changes) {
  const auto found = uncommitted_.find(chunk_index);
  if (found == uncommitted_.end()) return;
  changes = std::move(found->second);
  uncommitted_bytes_ -= changes.size_bytes() + kEntryBytes;
  uncommitted_.erase(found);
}

PendingChunks::Batch PendingChunks::Oldest(size_t count) const {
  Batch batch;
  for (auto chunk = waiting_.end(); batch.size() < count && chunk != waiting_.begin();) {
    batch.push_back({--chunk, ""});
  }
  return batch;
}

Status PendingChunks::Encode(const FrameIndex& index, Batch& batch) const {
  return TryParallelFor(static_cast<int64_t>(batch.size()), max_threads_, [&](int64_t i) {
    Encoded& encoded = batch[static_cast<size_t>(i)];
    if (!encoded.bytes.empty()) return Status();
    DirtyChunk& chunk = *encoded.chunk;
    Status status = chunk.lacks_base ? ndarray::Splice(index, file_, chunk) : Status();
    if (!status.ok()) return status;
    return encoder_.EncodeChunk(chunk.elements.data(), chunk.elements.size_bytes(), encoded.bytes)
        .At(file_.path());
  });
}

Status PendingChunks::Append(FrameEditor& index, Batch& batch) {
  if (batch.empty()) return {};
  Status status;
  for (Encoded& encoded : batch) {
    const int64_t chunk_index = encoded.chunk->chunk_index;
    status = Append(index, chunk_index, encoded.bytes);
    if (!status.ok()) break;
    AddUncommitted(chunk_index, std::move(encoded.chunk->changes));
    by_chunk_index_.erase(chunk_index);
    waiting_.erase(encoded.chunk);
  }
  index.cached_file().Forget();
  return status;
}

Status PendingChunks::Take(FrameEditor& index, int64_t chunk_index, ChunkChanges changes,
                           const std::string& bytes) {
  Status status = Append(index, chunk_index, bytes);
  if (!status.ok()) return status;
  const auto waiting = by_chunk_index_.find(chunk_index);
  if (waiting != by_chunk_index_.end()) {
    waiting_.erase(waiting->second);
    by_chunk_index_.erase(waiting);
  }
  ChunkChanges before;
  ForgetUncommitted(chunk_index, before);
  AddUncommitted(chunk_index, std::move(changes));
  return {};
}

// Without bytes: zeros.
Status PendingChunks::Append(FrameEditor& index, int64_t chunk_index, const std::string& bytes) {
  bool zeros = bytes.empty();
  if (!zeros) {
    Result<BloscChunk> header = ParseChunkHeader(bytes, bytes.size());
    if (!header.ok()) return header.status().At(file_.path());
    zeros = header->kind == ChunkKind::kZeros;
    const Result<bool> has_checks = CheckDirectory(*header, bytes);
    if (!zeros && !(has_checks.ok() && *has_checks)) index.NoteUnchecked();
  }
  ChunkLocation location;
  location.offset_bytes = appender_.end_bytes();
  if (zeros) {
    location.kind = ChunkKind::kZeros;
  } else {
    Status status = appender_.Append(bytes);
    if (!status.ok()) return status;
  }
  index.MoveChunk(chunk_index, location, appender_.end_bytes());
  return {};
}

Status PendingChunks::Splice(FrameEditor& index, const FrameEditor& newer, Batch& batch) {
  const auto both_wrote = [&](int64_t chunk_index, const ChunkChanges& changes) {
    return !changes.all() && index.HasMovedIn(newer, chunk_index);
  };
  Status status = SpliceUncommitted(index, newer, both_wrote);
  if (!status.ok()) return status;
  return TryParallelFor(static_cast<int64_t>(batch.size()), max_threads_, [&](int64_t i) {
    Encoded& encoded = batch[static_cast<size_t>(i)];
    DirtyChunk& chunk = *encoded.chunk;
    if (!both_wrote(chunk.chunk_index, chunk.changes)) return Status();
    encoded.bytes.clear();
    return ndarray::Splice(newer, file_, chunk);
  });
}

// They are read back, a few at a time, and appended again.
Status PendingChunks::SpliceUncommitted(FrameEditor& index, const FrameEditor& newer,
                                        const BothWrote& both_wrote) {
  std::vector<int64_t> chunk_indexes;
  for (const auto& [chunk_index, changes] : uncommitted_) {
    if (both_wrote(chunk_index, changes)) chunk_indexes.push_back(chunk_index);
  }
  const auto several = static_cast<size_t>(2 * max_threads_);
  for (size_t first = 0; first < chunk_indexes.size(); first += several) {
    const size_t count = std::min(several, chunk_indexes.size() - first);
    std::vector<std::string> encoded(count);
    Status status = TryParallelFor(static_cast<int64_t>(count), max_threads_, [&](int64_t i) {
      const auto at = static_cast<size_t>(i);
      return SpliceOne(index, newer, chunk_indexes[first + at], encoded[at]);
    });
    for (size_t i = 0; i < count && status.ok(); ++i) {
      status = Append(index, chunk_indexes[first + i], encoded[i]);
    }
    index.cached_file().Forget();
    if (!status.ok()) return status;
  }
  return {};
}

Status PendingChunks::SpliceOne(const FrameEditor& index, const FrameEditor& newer,
                                int64_t chunk_index, std::string& encoded) const {
  DirtyChunk chunk{chunk_index, Buffer(static_cast<size_t>(newer.layout().chunk_bytes)),
                   uncommitted_.at(chunk_index)};
  Status status = LoadElements(index, file_, chunk_index, chunk.elements.data());
  if (status.ok()) status = ndarray::Splice(newer, file_, chunk);
  if (!status.ok()) return status;
  return encoder_.EncodeChunk(chunk.elements.data(), chunk.elements.size_bytes(), encoded)
      .At(file_.path());
}

void PendingChunks::MarkCommitted() {
  uncommitted_.clear();
  uncommitted_bytes_ = 0;
}

}  // namespace ndarray
