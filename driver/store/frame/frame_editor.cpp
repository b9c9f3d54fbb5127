#include "driver/store/frame/frame_editor.h"

#include <algorithm>

#include "driver/store/blosc2/chunk_offset.h"
#include "driver/store/damage.h"

namespace ndarray {

Result<std::shared_ptr<FrameEditor>> FrameEditor::Open(const ByteFile& file) {
  std::shared_ptr<FrameEditor> editor(new FrameEditor);
  Status attributes;
  Status status = editor->Load(file, attributes);
  if (status.ok()) status = attributes;
  if (!status.ok()) return DamagedFile(status, file.path(), kCopyAgain);
  return editor;
}

void FrameEditor::MoveChunk(int64_t chunk, const ChunkLocation& location, uint64_t end_bytes) {
  if (offsets_.empty()) offsets_ = Offsets();
  offsets_[static_cast<size_t>(chunk)] =
      location.kind == ChunkKind::kBlocks
          ? static_cast<int64_t>(location.offset_bytes - chunks_offset_bytes_)
          : SpecialOffset(location.kind);
  chunks_bytes_ = std::max(chunks_bytes_, end_bytes - chunks_offset_bytes_);
}

}  // namespace ndarray
