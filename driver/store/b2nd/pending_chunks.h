// What a writer of a .b2nd file has changed and not committed yet: decoded chunks that wait, and
// chunks that are in the file already but do not count there. Both remember which elements have
// been written since the last commit, so that they can be put over what another writer has
// committed meanwhile.
//
// For one thread at a time; those of the process-wide pool compress chunks. Const methods may be
// called from any number of threads. Errors carry the path.
#ifndef GDAL_NDARRAY_STORE_B2ND_PENDING_CHUNKS_H_
#define GDAL_NDARRAY_STORE_B2ND_PENDING_CHUNKS_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <string>
#include <unordered_map>
#include <vector>

#include "driver/store/b2nd/b2nd_splice.h"
#include "driver/store/b2nd/chunk_changes.h"
#include "driver/store/blosc2/blosc_codec.h"
#include "driver/store/frame/frame_appender.h"
#include "driver/store/frame/frame_editor.h"
#include "driver/store/io/byte_file.h"
#include "driver/store/status.h"

namespace ndarray {

class PendingChunks {
 public:
  // Chunks that wait, and their bytes for the file; none until they are compressed.
  struct Encoded {
    std::list<DirtyChunk>::iterator chunk;
    std::string bytes;
  };
  using Batch = std::vector<Encoded>;

  // All must outlive it.
  PendingChunks(const ByteFile& file, const BloscEncoder& encoder, FrameAppender& appender,
                int max_threads)
      : file_(file), encoder_(encoder), appender_(appender), max_threads_(max_threads) {}

  // Of chunks that wait.
  size_t size() const { return waiting_.size(); }

  // The one of that number, nullptr where it does not wait; Use: as the most recently used one.
  const DirtyChunk* Find(int64_t chunk_index) const;
  DirtyChunk* Use(int64_t chunk_index);

  // Adds one that does not wait; what was changed of it since the last commit counts, too.
  DirtyChunk* Add(DirtyChunk chunk);

  // The least recently used `count` of them.
  Batch Oldest(size_t count) const;

  // Compresses those of the batch that have no bytes yet, in parallel; what they lack is that of
  // `index`.
  Status Encode(const FrameIndex& index, Batch& batch) const;

  // Appends those of the batch to the file, in a turn: they wait no longer, but do not count
  // either. After a failure some still wait.
  Status Append(FrameEditor& index, Batch& batch);

  // Appends a chunk as another file has it, in a turn; without bytes it is one of zeros. It takes
  // the place of what waited of this chunk. `changes`: all of it.
  Status Take(FrameEditor& index, int64_t chunk_index, ChunkChanges changes,
              const std::string& bytes);

  // Others have committed, and `newer` is the index as they left it: chunks that they have written,
  // too, get their elements under what was changed here, and are to be compressed again. `batch`
  // has all that wait. A failure half-way does no harm: the next attempt does it again. REQUIRES: a
  // turn
  Status Splice(FrameEditor& index, const FrameEditor& newer, Batch& batch);

  // Of chunks that are in the file but do not count, and what remembering them takes in memory.
  bool IsUncommitted(int64_t chunk_index) const { return uncommitted_.count(chunk_index) != 0; }
  size_t uncommitted_bytes() const { return uncommitted_bytes_; }
  void MarkCommitted();

 private:
  using BothWrote = std::function<bool(int64_t, const ChunkChanges&)>;

  Status Append(FrameEditor& index, int64_t chunk_index, const std::string& bytes);
  void AddUncommitted(int64_t chunk_index, ChunkChanges changes);
  void ForgetUncommitted(int64_t chunk_index, ChunkChanges& changes);
  Status SpliceUncommitted(FrameEditor& index, const FrameEditor& newer,
                           const BothWrote& both_wrote);
  Status SpliceOne(const FrameEditor& index, const FrameEditor& newer, int64_t chunk_index,
                   std::string& encoded) const;

  const ByteFile& file_;
  const BloscEncoder& encoder_;
  FrameAppender& appender_;
  const int max_threads_;
  mutable std::list<DirtyChunk> waiting_;  // most recently used first
  std::unordered_map<int64_t, std::list<DirtyChunk>::iterator> by_chunk_index_;
  std::unordered_map<int64_t, ChunkChanges> uncommitted_;
  size_t uncommitted_bytes_ = 0;
};

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_B2ND_PENDING_CHUNKS_H_
