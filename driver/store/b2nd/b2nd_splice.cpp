#include "driver/store/b2nd/b2nd_splice.h"

#include <cstring>
#include <utility>
#include <vector>

#include "driver/store/box.h"
#include "driver/store/frame/chunk_loader.h"

namespace ndarray {

Status LoadElements(const FrameIndex& index, const ByteFile& file, int64_t chunk_index,
                    std::byte* elements) {
  const B2ndLayout& layout = index.layout();
  const ChunkLoader loader(index, file);
  std::vector<LoadedChunk> chunks(1);
  LoadedChunk& chunk = chunks[0];
  chunk.chunk_index = chunk_index;
  Status status = loader.LoadHeaders(chunks);
  if (!status.ok()) return status;
  if (chunk.header.kind == ChunkKind::kBlocks) {
    status = loader.LoadBlocks(chunks, {{ChunkLoader::kAllBlocks}});
    if (!status.ok()) return status;
    status = chunk.DecodeChunk(index.codec(), elements);
    return status.At(chunk.Name()).At(file.path());
  }
  const auto element_bytes = static_cast<size_t>(layout.element.element_bytes);
  Result<std::vector<std::byte>> element = RepeatedElement(chunk, layout.element.element_bytes);
  if (!element.ok()) return element.status().At(chunk.Name()).At(file.path());
  for (size_t at = 0; at < static_cast<size_t>(layout.chunk_bytes); at += element_bytes) {
    std::memcpy(elements + at, element->data(), element_bytes);
  }
  return {};
}

Status ReadPackedChunk(const FrameIndex& index, const ByteFile& file, int64_t chunk_index,
                       std::string& bytes) {
  const ChunkLoader loader(index, file);
  std::vector<LoadedChunk> chunks(1);
  LoadedChunk& chunk = chunks[0];
  chunk.chunk_index = chunk_index;
  Status status = loader.LoadHeaders(chunks);
  if (status.ok() && !loader.mapped()) {
    status = loader.LoadBlocks(chunks, {{ChunkLoader::kAllBlocks}});
  }
  if (!status.ok()) return status;
  bytes.clear();
  if (chunk.location.kind == ChunkKind::kBlocks) {
    bytes = chunk.bytes;
    loader.NoteChunk(chunk);
  } else if (chunk.location.kind == ChunkKind::kNans) {
    return Mismatch(StatusCode::kNotSupported, "chunk", "NaNs without bytes", "bytes, or zeros")
        .At(chunk.Name())
        .At(file.path());
  }
  return {};
}

Status Splice(const FrameIndex& newer, const ByteFile& file, DirtyChunk& chunk) {
  if (chunk.changes.all()) {
    chunk.lacks_base = false;
    return {};
  }
  const B2ndLayout& layout = newer.layout();
  Buffer elements(static_cast<size_t>(layout.chunk_bytes));
  Status status = LoadElements(newer, file, chunk.chunk_index, elements.data());
  if (!status.ok()) return status;
  chunk.changes.Copy(layout, GridPosition(layout.chunk_grid, chunk.chunk_index),
                     chunk.elements.data(), elements.data());
  chunk.elements = std::move(elements);
  chunk.lacks_base = false;
  return {};
}

}  // namespace ndarray
