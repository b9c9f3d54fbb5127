#include "driver/store/frame/plain_frame.h"

#include <algorithm>

#include "driver/store/blosc2/frame_header.h"
#include "driver/store/blosc2/frame_trailer.h"
#include "driver/store/damage.h"
#include "driver/store/frame/chunk_offset.h"

namespace ndarray {
namespace {

// What is read at once, and what the places of its chunks take.
constexpr uint64_t kMaxContentBytes = uint64_t{64} << 20;
constexpr uint64_t kMaxOffsetsBytes = uint64_t{16} << 20;

}  // namespace

Result<std::shared_ptr<const PlainFrame>> PlainFrame::Open(std::shared_ptr<const ByteFile> file) {
  const std::shared_ptr<PlainFrame> frame(new PlainFrame(std::move(file)));
  Status status = frame->Load();
  if (!status.ok()) return DamagedFile(status, frame->file_->path(), kCopyAgain);
  return std::shared_ptr<const PlainFrame>(frame);
}

Status PlainFrame::Load() {
  std::string bytes;
  Status status =
      ReadBytes(*file_, 0, std::min<uint64_t>(file_->size_bytes(), kFrameHeaderMinBytes), bytes);
  if (!status.ok()) return status;
  Result<uint64_t> header_bytes = FrameHeaderBytes(bytes);
  if (!header_bytes.ok()) return header_bytes.status();
  if (*header_bytes > file_->size_bytes()) {
    return CutShort(file_->size_bytes(), *header_bytes, "at least ");
  }
  status = ReadBytes(*file_, 0, *header_bytes, bytes);
  if (!status.ok()) return status;
  const Result<FrameHeader> header = ParseFrameHeader(bytes);
  if (!header.ok()) return header.status();
  if (header->is_sparse) return SparseFrame();
  if (header->frame_bytes > file_->size_bytes()) {
    return CutShort(file_->size_bytes(), header->frame_bytes);
  }
  Result<std::unique_ptr<BloscCodec>> codec =
      BloscCodec::Make(std::max(header->element_bytes, 1), "");
  if (!codec.ok()) return codec.status();
  codec_ = std::move(*codec);
  chunks_offset_bytes_ = header->header_bytes;
  chunks_bytes_ = static_cast<uint64_t>(header->compressed_bytes);
  content_bytes_ = static_cast<uint64_t>(std::max<int64_t>(header->uncompressed_bytes, 0));
  chunk_bytes_ = static_cast<uint64_t>(std::max(header->chunk_bytes, 0));

  const uint64_t room = header->frame_bytes - chunks_offset_bytes_ - chunks_bytes_;
  if (room < kFrameTrailerMinBytes) {
    return Corrupt("trailer", std::to_string(room) + " bytes",
                   "at least " + std::to_string(kFrameTrailerMinBytes));
  }
  status =
      ReadBytes(*file_, header->frame_bytes - kFrameTrailerMinBytes, kFrameTrailerMinBytes, bytes);
  if (!status.ok()) return status;
  const Result<uint64_t> trailer_bytes = FrameTrailerBytes(bytes);
  if (!trailer_bytes.ok()) return trailer_bytes.status();
  if (*trailer_bytes < kFrameTrailerMinBytes || *trailer_bytes > room) {
    return Corrupt("trailer length", std::to_string(*trailer_bytes) + " bytes",
                   std::to_string(kFrameTrailerMinBytes) + " to " + std::to_string(room));
  }
  trailer_offset_bytes_ = header->frame_bytes - *trailer_bytes;
  Result<FrameAttributes> attributes =
      FrameAttributes::Load(*file_, trailer_offset_bytes_, *trailer_bytes, true);
  if (!attributes.ok()) return attributes.status();
  attributes_ = std::move(*attributes);
  return {};
}

Result<std::string> PlainFrame::Read(const std::string& name, int64_t max_bytes) const {
  return FileAttributes(*file_, *codec_, attributes_).Read(name, max_bytes);
}

Result<std::vector<int64_t>> PlainFrame::LoadOffsets() const {
  if (chunk_bytes_ == 0) {
    return Mismatch(StatusCode::kNotSupported, "chunks", "ones of several sizes", "one size");
  }
  const uint64_t count = (content_bytes_ + chunk_bytes_ - 1) / chunk_bytes_;
  if (count > kMaxOffsetsBytes / sizeof(int64_t)) {
    return Mismatch(StatusCode::kNotSupported, "chunks", std::to_string(count),
                    "at most " + std::to_string(kMaxOffsetsBytes / sizeof(int64_t)));
  }
  const uint64_t at = chunks_offset_bytes_ + chunks_bytes_;
  const uint64_t available = trailer_offset_bytes_ - at;
  std::string bytes;
  Status status = ReadBytes(*file_, at, std::min<uint64_t>(available, kChunkHeaderBytes), bytes);
  if (!status.ok()) return status;
  const Result<BloscChunk> chunk = ParseChunkHeader(bytes, available);
  if (!chunk.ok()) return chunk.status().At("chunk offsets");
  if (static_cast<uint64_t>(chunk->uncompressed_bytes) != count * sizeof(int64_t)) {
    return Corrupt("chunk offsets", std::to_string(chunk->uncompressed_bytes) + " bytes",
                   std::to_string(count * sizeof(int64_t)));
  }
  status = BloscCodec::CheckSupported(*chunk);
  if (!status.ok()) return status.At("chunk offsets");
  status = ReadBytes(*file_, at, static_cast<uint64_t>(chunk->compressed_bytes), bytes);
  if (!status.ok()) return status;
  std::vector<int64_t> offsets(count);
  status = codec_->DecodeChunk(bytes, *chunk, reinterpret_cast<std::byte*>(offsets.data()));
  if (!status.ok()) return status.At("chunk offsets");
  for (int64_t& offset : offsets) {
    if (kNativeOrder == ByteOrder::kBig) {
      offset = static_cast<int64_t>(__builtin_bswap64(static_cast<uint64_t>(offset)));
    }
  }
  return offsets;
}

Status PlainFrame::AppendChunk(int64_t offset, uint64_t wanted_bytes, std::string& to) const {
  if (IsSpecialOffset(offset)) {
    to.append(wanted_bytes, '\0');
    return {};
  }
  const auto start = static_cast<uint64_t>(offset);
  if (start > chunks_bytes_ || chunks_bytes_ - start < kChunkHeaderBytes) {
    return Corrupt("offset of a chunk", std::to_string(offset),
                   "room for one in " + std::to_string(chunks_bytes_) + " bytes");
  }
  std::string bytes;
  const uint64_t at = chunks_offset_bytes_ + start;
  Status status = ReadBytes(*file_, at, kChunkHeaderBytes, bytes);
  if (!status.ok()) return status;
  const Result<BloscChunk> chunk = ParseChunkHeader(bytes, chunks_bytes_ - start);
  if (!chunk.ok()) return chunk.status();
  if (static_cast<uint64_t>(chunk->uncompressed_bytes) != wanted_bytes) {
    return Corrupt("chunk", std::to_string(chunk->uncompressed_bytes) + " bytes",
                   std::to_string(wanted_bytes));
  }
  status = BloscCodec::CheckSupported(*chunk);
  if (!status.ok()) return status;
  status = ReadBytes(*file_, at, static_cast<uint64_t>(chunk->compressed_bytes), bytes);
  if (!status.ok()) return status;
  const size_t end = to.size();
  to.resize(end + wanted_bytes);
  return codec_->DecodeChunk(bytes, *chunk, reinterpret_cast<std::byte*>(to.data() + end));
}

Result<std::string> PlainFrame::ReadContent(uint64_t offset_bytes, uint64_t size_bytes) const {
  const auto failed = [this](const Status& status) {
    return DamagedFile(status, file_->path(), kCopyAgain);
  };
  if (offset_bytes > content_bytes_ || size_bytes > content_bytes_ - offset_bytes) {
    return failed(Corrupt("content", std::to_string(content_bytes_) + " bytes",
                          std::to_string(size_bytes) + " at " + std::to_string(offset_bytes)));
  }
  if (size_bytes > kMaxContentBytes) {
    return Mismatch(StatusCode::kNotSupported, "content", std::to_string(size_bytes) + " bytes",
                    "at most " + std::to_string(kMaxContentBytes))
        .At(file_->path());
  }
  if (size_bytes == 0) return std::string();
  Result<std::vector<int64_t>> offsets = LoadOffsets();
  if (!offsets.ok()) return failed(offsets.status());
  const uint64_t first = offset_bytes / chunk_bytes_;
  const uint64_t last = (offset_bytes + size_bytes - 1) / chunk_bytes_;
  std::string content;
  for (uint64_t chunk = first; chunk <= last; ++chunk) {
    const uint64_t wanted = std::min(chunk_bytes_, content_bytes_ - chunk * chunk_bytes_);
    Status status = AppendChunk((*offsets)[chunk], wanted, content);
    if (!status.ok()) return failed(status);
  }
  return content.substr(offset_bytes - first * chunk_bytes_, size_bytes);
}

}  // namespace ndarray
