#include "driver/store/frame/frame_editor.h"

#include <algorithm>

#include "driver/store/checksum/checksum.h"
#include "driver/store/damage.h"
#include "driver/store/frame/chunk_offset.h"

namespace ndarray {

Result<std::shared_ptr<FrameEditor>> FrameEditor::Open(const ByteFile& file,
                                                       Verification verification) {
  std::shared_ptr<FrameEditor> editor(new FrameEditor);
  editor->verification_ = verification;
  Status attributes;
  Status status = editor->Load(file, attributes);
  if (status.ok()) status = attributes;
  if (status.ok()) status = editor->CheckLongTrailer(file);
  if (!status.ok()) return DamagedFile(status, file.path(), kCopyAgain);
  return editor;
}

// Its checksum, which nobody has looked at: contents are copied with it.
Status FrameEditor::CheckLongTrailer(const ByteFile& file) const {
  if (!fingerprint() || !verifies() || attributes().trailer_sum()) return {};
  std::string trailer;
  Status status =
      ReadBytes(file, static_cast<uint64_t>(summary().frame_bytes) - summary().trailer_bytes,
                summary().trailer_bytes, trailer);
  return status.ok()
             ? CheckSum("checksum of the attributes", SumTrailer(trailer), fingerprint()->trailer)
             : status;
}

void FrameEditor::MoveChunk(int64_t chunk, const ChunkLocation& location, uint64_t end_bytes) {
  if (offsets_.empty()) offsets_ = Offsets();
  if (committed_.empty()) committed_ = offsets_;
  offsets_[static_cast<size_t>(chunk)] =
      location.kind == ChunkKind::kBlocks
          ? static_cast<int64_t>(location.offset_bytes - chunks_offset_bytes_)
          : SpecialOffset(location.kind);
  chunks_bytes_ = std::max(chunks_bytes_, end_bytes - chunks_offset_bytes_);
}

int64_t FrameEditor::Offset(int64_t chunk) const {
  return offsets_.empty() ? uniform_offset_ : offsets_[static_cast<size_t>(chunk)];
}

int64_t FrameEditor::CommittedOffset(int64_t chunk) const {
  return committed_.empty() ? Offset(chunk) : committed_[static_cast<size_t>(chunk)];
}

bool FrameEditor::IsLike(const FrameEditor& other) const {
  return header_bytes() == other.header_bytes() && summary().b2nd == other.summary().b2nd;
}

bool FrameEditor::HasMovedIn(const FrameEditor& newer, int64_t chunk) const {
  return newer.Offset(chunk) != CommittedOffset(chunk);
}

void FrameEditor::TakeMoves(const FrameEditor& older, const std::function<bool(int64_t)>& is_mine) {
  if (older.committed_.empty()) return;
  if (!older.every_chunk_has_checks()) NoteUnchecked();
  offsets_ = Offsets();
  committed_ = offsets_;
  for (int64_t chunk = 0; chunk < layout_.chunk_count; ++chunk) {
    const auto at = static_cast<size_t>(chunk);
    const bool moved = older.offsets_[at] != older.committed_[at];
    if ((moved && offsets_[at] == older.committed_[at]) || is_mine(chunk)) {
      offsets_[at] = older.offsets_[at];
    }
  }
  chunks_bytes_ = std::max(chunks_bytes_, older.chunks_bytes_);
  cached_file().Forget();
}

}  // namespace ndarray
