#include "driver/store/frame/frame_copy.h"

#include <string>
#include <utility>
#include <vector>

#include "driver/store/blosc2/block_decoder.h"
#include "driver/store/blosc2/blosc_codec.h"
#include "driver/store/blosc2/chunk_checks.h"
#include "driver/store/blosc2/frame_header.h"
#include "driver/store/buffer.h"
#include "driver/store/checksum/checksum.h"
#include "driver/store/damage.h"
#include "driver/store/frame/chunk_loader.h"
#include "driver/store/frame/frame_extents.h"
#include "driver/store/frame/frame_fingerprint.h"

namespace ndarray {
namespace {

// A whole compressed chunk, as the file has it.
Status ReadChunk(const ByteFile& file, const ChunkLocation& location, std::string& bytes) {
  Status status = ReadBytes(file, location.offset_bytes, kChunkHeaderBytes, bytes);
  if (!status.ok()) return status;
  Result<BloscChunk> chunk = ParseChunkHeader(bytes, location.available_bytes);
  if (!chunk.ok()) return chunk.status().At(file.path());
  return ReadBytes(file, location.offset_bytes, static_cast<size_t>(chunk->compressed_bytes),
                   bytes);
}

// Gives a chunk checksums if it can have some; whether it has then. What cannot be decoded stays as
// it is: checksums would say that it is right.
Result<bool> EnsureChecks(const FrameIndex& index, int64_t chunk_index, std::string& bytes) {
  const B2ndLayout& layout = index.layout();
  LoadedChunk chunk;
  chunk.chunk_index = chunk_index;
  Result<BloscChunk> header = ParseChunkHeader(bytes, bytes.size());
  if (!header.ok()) return header.status();
  const Result<bool> has_checks = CheckDirectory(*header, bytes);
  // What is wrong stays wrong, and is found.
  if (!has_checks.ok() || *has_checks) return has_checks.ok();
  if (index.has_no_checksums() || !CanHaveChecks(*header, layout.block_bytes)) return false;
  if (header->kind == ChunkKind::kRepeated) {
    Result<std::string> checked = AddChecks(bytes, {}, nullptr);
    if (checked.ok()) bytes = std::move(*checked);
    return checked.ok();
  }
  if (header->uncompressed_bytes != layout.chunk_bytes ||
      !BloscCodec::CheckSupported(*header).ok()) {
    return false;
  }
  chunk.header = *header;
  chunk.format = FindBlockFormat(*header, layout.element.element_bytes);
  chunk.bytes = bytes;
  Buffer elements(static_cast<size_t>(layout.chunk_bytes));
  if (!chunk.DecodeChunk(index.codec(), elements.data()).ok()) return false;
  const std::string_view all(reinterpret_cast<const char*>(elements.data()), elements.size_bytes());
  Result<std::string> checked = AddChecks(bytes, all, nullptr);
  if (checked.ok()) bytes = std::move(*checked);
  return checked.ok();
}

}  // namespace

Result<uint64_t> CopyFrame(const FrameIndex& index, const ByteFile& file, std::string trailer,
                           OutputFile& output, const ProgressFn& progress) {
  const B2ndLayout& layout = index.layout();
  std::string header;
  Status status = ReadBytes(file, 0, static_cast<size_t>(index.header_bytes()), header);
  if (status.ok()) status = output.WriteAt(0, header.data(), header.size());
  uint64_t at = header.size();
  std::vector<int64_t> offsets = index.Offsets();
  std::string bytes;
  bool every_chunk = true;
  for (int64_t chunk_index = 0; status.ok() && chunk_index < layout.chunk_count; ++chunk_index) {
    status = ReportProgress(
        progress, static_cast<double>(chunk_index) / static_cast<double>(layout.chunk_count));
    if (!status.ok()) return status.At(file.path());
    const ChunkLocation location = index.Chunk(chunk_index);
    if (location.kind != ChunkKind::kBlocks) continue;
    status = ReadChunk(file, location, bytes);
    if (status.ok()) {
      const Result<bool> has_checks = EnsureChecks(index, chunk_index, bytes);
      if (!has_checks.ok()) return has_checks.status().At(file.path());
      every_chunk = every_chunk && *has_checks;
    }
    if (status.ok()) status = output.WriteAt(at, bytes.data(), bytes.size());
    offsets[static_cast<size_t>(chunk_index)] = static_cast<int64_t>(at - header.size());
    at += bytes.size();
  }
  if (!status.ok()) return status;
  Result<std::string> encoded = BloscEncoder::EncodeOffsets(offsets);
  if (!encoded.ok()) return encoded.status().At(file.path());
  PutFingerprint(trailer, every_chunk, index.has_no_checksums(), index.header_sums(), *encoded);
  const std::string tail = encoded->append(trailer);
  status = output.WriteAt(at, tail.data(), tail.size());
  PutFrameLengths(header, at + tail.size(), layout.chunk_count * layout.chunk_bytes,
                  static_cast<int64_t>(at - header.size()));
  if (status.ok()) status = output.WriteAt(0, header.data(), header.size());
  if (!status.ok()) return status;
  return at + tail.size();
}

Result<Compaction> CompactFrame(const ByteFile& file, OutputFileCreator create_file,
                                const ProgressFn& progress) {
  Result<std::shared_ptr<const FrameIndex>> index = FrameIndex::Open(file);
  if (!index.ok()) return index.status();
  Result<FrameExtents> extents = FindExtents(**index, file);
  if (!extents.ok()) return extents.status();
  if (!extents->headless.empty()) {
    const auto& [chunk, status] = extents->headless.front();
    return Damaged(status.At("chunk " + std::to_string(chunk)), kVerify).At(file.path());
  }
  if (!extents->overlaps.empty()) {
    const auto& [chunk, before] = extents->overlaps.front();
    return Mismatch(
               StatusCode::kCorrupt, "offset of chunk " + std::to_string(chunk.chunk),
               std::to_string(chunk.offset_bytes) + " within chunk " + std::to_string(before.chunk),
               "chunks that do not overlap")
        .At(file.path());
  }
  const FrameSummary& summary = (*index)->summary();
  const auto old_bytes = static_cast<uint64_t>(summary.file_bytes);
  const uint64_t dead_bytes = extents->dead_bytes + extents->trailing_bytes;
  const bool adds_checks = extents->without_checks > 0 && !(*index)->has_no_checksums();
  if (dead_bytes == 0 && !adds_checks) return Compaction{old_bytes, old_bytes, false};

  std::string trailer;
  Status status =
      ReadBytes(file, static_cast<uint64_t>(summary.frame_bytes) - summary.trailer_bytes,
                static_cast<size_t>(summary.trailer_bytes), trailer);
  if (status.ok() && (*index)->fingerprint()) {
    status = CheckSum("checksum of the attributes", SumTrailer(trailer),
                      (*index)->fingerprint()->trailer)
                 .At(file.path());
  }
  if (!status.ok()) return status;
  Result<std::unique_ptr<OutputFile>> output = create_file(file.path());
  if (!output.ok()) return output.status();
  if (!(*output)->CanRewrite()) {
    return Mismatch(StatusCode::kNotSupported, "file system", "one that only appends",
                    "one where the header can be completed last")
        .At(file.path());
  }
  status = (*output)->Reserve(old_bytes - dead_bytes);
  if (!status.ok()) return status;
  Result<uint64_t> new_bytes = CopyFrame(**index, file, trailer, **output, progress);
  if (!new_bytes.ok()) return new_bytes.status();
  status = (*output)->Commit();
  if (!status.ok()) return status;
  return Compaction{old_bytes, *new_bytes, true};
}

}  // namespace ndarray
