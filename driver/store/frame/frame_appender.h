// Changes a frame in place, as a transaction: bytes are appended after its end, and count from a
// commit on. The commit is one small write to the header, within one sector of a disk, after all
// that it makes count has been synced; until then all readers see the file as it was, and what they
// may be reading is never overwritten.
//
// Several writers of one file take turns (io/writer_turns.h). A turn begins with a look at the
// header: whether others have committed since the last look that counted (MarkSeen), and where the
// next bytes go: after all that was committed, and after what this writer or another one has
// appended and not committed yet. What killed writers have left behind is overwritten by one that
// is alone, and otherwise stays as dead space. Without turns nobody else writes the file.
//
// Offsets and sizes are in bytes. For one thread.
#ifndef GDAL_NDARRAY_STORE_FRAME_FRAME_APPENDER_H_
#define GDAL_NDARRAY_STORE_FRAME_FRAME_APPENDER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "driver/store/io/byte_file.h"
#include "driver/store/io/writer_turns.h"
#include "driver/store/status.h"

namespace ndarray {

class FrameAppender {
 public:
  FrameAppender(std::shared_ptr<WritableFile> file, std::unique_ptr<WriterTurns> turns)
      : file_(std::move(file)), turns_(std::move(turns)) {}

  // Once, in a turn: the frame, which the caller has loaded, ends at `end_bytes`.
  Status Start(uint64_t end_bytes);

  // Before anything is changed. Again: nothing.
  Status Join() { return turns_ != nullptr ? turns_->Join() : Status(); }

  // A turn (FrameTurn ends it). kIo where it was waited for in vain; to write, too, where another
  // file has taken the name.
  enum class TurnTo { kRead, kWrite };
  Status BeginTurn(TurnTo purpose);
  void EndTurn();

  // In a turn: whether others have committed. MarkSeen: the caller knows what they have.
  bool others_committed() const { return others_committed_; }
  void MarkSeen() { others_committed_ = false; }

  // The rest is for turns to write, but for Sync. Where the next bytes go:
  uint64_t end_bytes() const { return end_bytes_; }

  // After a failure nothing has been appended.
  Status Append(std::string_view bytes);

  // Appends index and trailer, and makes all of it count: the frame's chunks end where the tail
  // starts. After a failure a later Commit takes up what was appended. Others see it at once; it
  // survives a power loss after the next Sync.
  Status Commit(std::string_view tail, uint64_t header_bytes, int64_t uncompressed_bytes);

  // What was committed survives a power loss. Where that cannot be said, it must be committed
  // again.
  Status Sync();

 private:
  Status Look(TurnTo purpose);
  Status WriteAgain();
  std::string Lengths() const;

  const std::shared_ptr<WritableFile> file_;
  const std::unique_ptr<WriterTurns> turns_;
  std::string header_;  // its first bytes; the lengths are those that were seen or committed last
  std::string seen_;    // the state of the file
  bool others_committed_ = false;
  uint64_t end_bytes_ = 0;
  uint64_t synced_bytes_ = 0;  // up to here all is on disk, as far as it is this writer's
  bool sync_failed_ = false;
};

// A turn that ends with its scope, if it has begun.
class FrameTurn {
 public:
  FrameTurn(FrameAppender& appender, FrameAppender::TurnTo purpose)
      : appender_(appender), status_(appender.BeginTurn(purpose)) {}
  ~FrameTurn() {
    if (status_.ok()) appender_.EndTurn();
  }
  FrameTurn(const FrameTurn&) = delete;
  FrameTurn& operator=(const FrameTurn&) = delete;

  const Status& status() const { return status_; }

 private:
  FrameAppender& appender_;
  const Status status_;
};

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_FRAME_FRAME_APPENDER_H_
