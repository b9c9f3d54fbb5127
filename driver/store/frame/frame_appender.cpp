#include "driver/store/frame/frame_appender.h"

#include <algorithm>

#include "driver/store/blosc2/frame_header.h"
#include "driver/store/damage.h"

namespace ndarray {
namespace {

static_assert(kFrameLengthsAt + kFrameLengthsBytes <= 512, "the committing write is one sector's");

constexpr uint64_t kPieceBytes = uint64_t{1} << 20;

}  // namespace

std::string FrameAppender::Lengths() const {
  return header_.empty() ? "" : header_.substr(kFrameLengthsAt, kFrameLengthsBytes);
}

Status FrameAppender::Start(uint64_t end_bytes) {
  header_.resize(kFrameHeaderMinBytes);
  Status status = file_->Read({{0, header_.size(), header_.data()}});
  if (!status.ok()) return status;
  end_bytes_ = synced_bytes_ = std::max(end_bytes_, end_bytes);
  MarkSeen();
  return {};
}

Status FrameAppender::BeginTurn(TurnTo purpose) {
  if (turns_ == nullptr) return {};
  Status status = turns_->Begin();
  if (!status.ok()) return status;
  status = Look(purpose);
  if (!status.ok()) turns_->End();
  return status;
}

Status FrameAppender::Look(TurnTo purpose) {
  Status status = purpose == TurnTo::kWrite ? turns_->CheckName() : Status();
  if (!status.ok()) return status;
  const Result<FileState> state = file_->State();
  if (!state.ok()) return state.status();
  const uint64_t file_bytes = state->size_bytes;
  file_->NoteSize(file_bytes);
  if (purpose == TurnTo::kRead) return {};
  std::string lengths;
  status = ReadBytes(*file_, kFrameLengthsAt, kFrameLengthsBytes, lengths);
  if (!status.ok()) return status;
  const uint64_t frame_bytes = FrameBytesOf(lengths);
  if (frame_bytes > file_bytes) return CutShort(file_bytes, frame_bytes).At(file_->path());
  others_committed_ = file_->Identity() + lengths != seen_;
  end_bytes_ = std::max(end_bytes_, frame_bytes);
  if (file_bytes > end_bytes_ && !turns_->IsAlone()) end_bytes_ = file_bytes;
  return {};
}

// What this writer has done itself is no news to it.
void FrameAppender::EndTurn() {
  if (turns_ == nullptr) return;
  if (!others_committed_) seen_ = file_->Identity() + Lengths();
  turns_->End();
}

Status FrameAppender::Append(std::string_view bytes) {
  if (bytes.empty()) return {};
  Status status = file_->WriteAt(end_bytes_, bytes.data(), bytes.size());
  if (status.ok()) end_bytes_ += bytes.size();
  return status;
}

Status FrameAppender::Commit(std::string_view tail, uint64_t header_bytes,
                             int64_t uncompressed_bytes) {
  Status status = sync_failed_ ? WriteAgain() : Status();
  const uint64_t index_at = end_bytes_;
  if (status.ok()) status = file_->WriteAt(index_at, tail.data(), tail.size());
  if (status.ok()) status = Sync();
  if (!status.ok()) return status;
  // The tail may be the current one after this, so it is never overwritten.
  end_bytes_ = synced_bytes_ = index_at + tail.size();
  PutFrameLengths(header_, end_bytes_, uncompressed_bytes,
                  static_cast<int64_t>(index_at - header_bytes));
  return file_->WriteAt(kFrameLengthsAt, header_.data() + kFrameLengthsAt, kFrameLengthsBytes);
}

Status FrameAppender::Sync() {
  Status status = file_->Sync();
  sync_failed_ = !status.ok();
  return status;
}

// Systems report a write that they could not do once, and then forget that it was owed: a later
// sync succeeds without it. What reads still show is written anew.
Status FrameAppender::WriteAgain() {
  std::string piece;
  for (uint64_t at = synced_bytes_; at < end_bytes_; at += piece.size()) {
    piece.resize(static_cast<size_t>(std::min(kPieceBytes, end_bytes_ - at)));
    Status status = file_->Read({{at, piece.size(), piece.data()}});
    if (status.ok()) status = file_->WriteAt(at, piece.data(), piece.size());
    if (!status.ok()) return status;
  }
  return {};
}

}  // namespace ndarray
