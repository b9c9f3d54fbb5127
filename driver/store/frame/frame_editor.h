// The index of a .b2nd file that is updated: its own index, which is not shared and may change.
//
// Chunks move when they are written. Those moves count in the file once they are committed; until
// then another writer may commit other moves. Then the file's index is loaded anew, and takes over
// the moves that the older one has made since its last commit.
//
// One thread at a time may change it; between changes any number may read it, as a FrameIndex.
#ifndef GDAL_NDARRAY_STORE_FRAME_FRAME_EDITOR_H_
#define GDAL_NDARRAY_STORE_FRAME_FRAME_EDITOR_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "driver/store/frame/frame_index.h"
#include "driver/store/io/byte_file.h"
#include "driver/store/status.h"

namespace ndarray {

class FrameEditor final : public FrameIndex {
 public:
  // As FrameIndex::Open. kCorrupt, too, where the names of attributes cannot be read, since they
  // would be lost.
  static Result<std::shared_ptr<FrameEditor>> Open(const ByteFile& file,
                                                   Verification verification = Verification::kAll);

  // The chunk is now at location.offset_bytes in the file, or special; the chunks' part of the file
  // ends at `end_bytes` or later. Once some have moved, cached_file().Forget() must be called.
  void MoveChunk(int64_t chunk, const ChunkLocation& location, uint64_t end_bytes);

  // Of a chunk that has moved: it has no checksums, which is no damage from now on.
  void NoteUnchecked() {
    if (fingerprint_) fingerprint_->every_chunk = false;
  }

  // All moves have been committed.
  void MarkCommitted() { committed_.clear(); }

  // Whether the file holds an array of the same shape and type, cut in the same way.
  bool IsLike(const FrameEditor& other) const;

  // Whether another writer has committed a move of the chunk, which `newer` has.
  bool HasMovedIn(const FrameEditor& newer, int64_t chunk) const;

  // Takes over uncommitted moves of the older index of the same file: those of chunks that no other
  // writer has moved since, and of `is_mine` where others have, too. REQUIRES: IsLike; none of this
  // one's chunks has moved
  void TakeMoves(const FrameEditor& older, const std::function<bool(int64_t)>& is_mine);

 private:
  FrameEditor() = default;

  Status CheckLongTrailer(const ByteFile& file) const;
  int64_t Offset(int64_t chunk) const;
  int64_t CommittedOffset(int64_t chunk) const;

  std::vector<int64_t> committed_;  // offsets, where any has moved since the last commit
};

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_FRAME_FRAME_EDITOR_H_
