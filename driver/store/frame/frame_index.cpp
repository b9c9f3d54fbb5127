#include "driver/store/frame/frame_index.h"

#include <algorithm>

#include "driver/store/blosc2/byte_reader.h"
#include "driver/store/checksum/checksum.h"
#include "driver/store/damage.h"
#include "driver/store/frame/chunk_offset.h"
#include "driver/store/frame/shared_indexes.h"
#include "driver/store/text.h"

namespace ndarray {
namespace {

// No index is compressed better than this by c-blosc2; what claims more is made to take memory.
constexpr int64_t kMaxIndexRatio = 4096;

// Frames that look like arrays to some extent, by the metalayer that gives them away.
const char* OtherContent(const FrameHeader& header) {
  constexpr std::pair<const char*, const char*> kKinds[] = {
      {"b2o", "a lazy expression or another object of python-blosc2 without pixels of its own"},
      {"LazyArray", "a lazy expression without pixels of its own"},
      {"proxy-source", "a cache of a remote array, not all of whose pixels are here"},
      {"b2embed", "a store of many arrays"},
      {"listarray", "a list of values"},
      {"batcharray", "a list of values"},
      {"vlarray", "a list of values"},
  };
  for (const auto& [layer, what] : kKinds) {
    if (header.Find(layer) != nullptr) return what;
  }
  return nullptr;
}

const Metalayer* ArrayMetalayer(const FrameHeader& header) {
  const Metalayer* const layer = header.Find("b2nd");
  return layer != nullptr ? layer : header.Find("caterva");  // its name before Blosc2 2.4
}

Status CheckIsArray(const FrameHeader& header) {
  const auto unsupported = [](const std::string& found) {
    return Mismatch(StatusCode::kNotSupported, "content", found, "a b2nd array");
  };
  if (header.is_sparse) {
    return SparseFrame();
  }
  if (const char* const what = OtherContent(header)) return unsupported(what);
  if (ArrayMetalayer(header) == nullptr) return unsupported("a super-chunk without a shape");
  return {};
}

// Header and metalayer must describe the same array.
Status CheckAgreement(const FrameHeader& header, const B2ndLayout& layout) {
  if (header.element_bytes != layout.element.element_bytes) {
    return Corrupt(
        "element size", std::to_string(header.element_bytes) + " bytes",
        std::to_string(layout.element.element_bytes) + " of dtype " + layout.element.text);
  }
  if (header.has_varying_blocks) {
    return Mismatch(StatusCode::kNotSupported, "blocks", "blocks of varying length",
                    "blocks of equal length");
  }
  if (header.chunk_bytes != layout.chunk_bytes) {
    return Corrupt("chunk size", std::to_string(header.chunk_bytes) + " bytes",
                   std::to_string(layout.chunk_bytes) + " for chunks " +
                       ShapeString(layout.chunk_shape) + " of blocks " +
                       ShapeString(layout.block_shape));
  }
  if (layout.chunk_count > kMaxChunks) {
    return Mismatch(StatusCode::kNotSupported, "chunks", std::to_string(layout.chunk_count),
                    "at most " + std::to_string(kMaxChunks));
  }
  if (header.uncompressed_bytes != layout.chunk_count * layout.chunk_bytes) {
    return Corrupt(
        "uncompressed size", std::to_string(header.uncompressed_bytes) + " bytes",
        std::to_string(layout.chunk_count) + " chunks of " + std::to_string(layout.chunk_bytes));
  }
  return {};
}

// What follows the chunks of a frame, at first nothing: index and trailer, which take a request
// each where a file is on a server.
class FrameEnd final : public ByteFile {
 public:
  explicit FrameEnd(const ByteFile& file)
      : ByteFile(file.path(), file.size_bytes(), file.traits()), file_(file) {}

  Status Load(uint64_t offset_bytes, uint64_t size_bytes) {
    offset_bytes_ = offset_bytes;
    return ReadBytes(file_, offset_bytes, size_bytes, bytes_);
  }

  Status Read(const std::vector<ByteRange>& ranges) const override {
    for (const ByteRange& range : ranges) {
      const uint64_t at = range.offset_bytes - offset_bytes_;
      if (range.offset_bytes < offset_bytes_ || at > bytes_.size() ||
          range.size_bytes > bytes_.size() - at) {
        return file_.Read(ranges);
      }
    }
    for (const ByteRange& range : ranges) {
      bytes_.copy(static_cast<char*>(range.to), range.size_bytes,
                  range.offset_bytes - offset_bytes_);
    }
    return {};
  }

 private:
  const ByteFile& file_;
  uint64_t offset_bytes_ = 0;
  std::string bytes_;
};

// More is read piece by piece: most of it is attributes that nobody may ask for.
constexpr uint64_t kMaxEndBytes = uint64_t{1} << 20;

// How often an index is loaded whose header is being overwritten.
constexpr int kMaxLoads = 10;

// The part of the header that a commit overwrites; less of a file that has less.
Result<std::string> ReadLengths(const ByteFile& file) {
  std::string header;
  const auto size_bytes =
      std::min<uint64_t>(file.size_bytes(), kFrameLengthsAt + kFrameLengthsBytes);
  Status status = ReadBytes(file, 0, size_bytes, header);
  if (!status.ok()) return status;
  return header.substr(std::min(header.size(), kFrameLengthsAt));
}

}  // namespace

Result<std::shared_ptr<const FrameIndex>> FrameIndex::Open(const ByteFile& file,
                                                           Verification verification) {
  std::string identity = file.Identity();
  Status attributes;  // without them, the file opens all the same
  for (int load = 1; !identity.empty(); ++load) {
    // What a commit changes counts, too: the times of files move in ticks of the kernel.
    Result<std::string> lengths = ReadLengths(file);
    if (!lengths.ok()) return DamagedFile(lengths.status(), file.path(), kCopyAgain);
    // Those who do not compare checksums share none of their blocks with those who do.
    const std::string frame =
        identity + *lengths + static_cast<char>('0' + static_cast<int>(verification));
    if (auto shared = SharedIndexes::Process().Find(frame)) {
      Status status = shared->CheckFits(file);
      return status.ok() ? Result<std::shared_ptr<const FrameIndex>>(std::move(shared))
                         : DamagedFile(status, file.path(), kCopyAgain);
    }
    const std::shared_ptr<FrameIndex> index(new FrameIndex);
    index->verification_ = verification;
    Status status = index->Load(file, attributes);
    if (!status.ok()) return DamagedFile(status, file.path(), kCopyAgain);
    // Else a commit came between: what was read of the header may be half old and half new.
    if (index->lengths_ == *lengths) return SharedIndexes::Process().Add(frame, index);
    if (load == kMaxLoads) identity.clear();
  }
  const std::shared_ptr<FrameIndex> index(new FrameIndex);
  index->verification_ = verification;
  Status status = index->Load(file, attributes);
  if (!status.ok()) return DamagedFile(status, file.path(), kCopyAgain);
  return std::shared_ptr<const FrameIndex>(index);
}

Status FrameIndex::Load(const ByteFile& file, Status& attributes_status) {
  FrameHeader header;
  std::string header_bytes;
  Status status = LoadHeader(file, header, header_bytes);
  if (!status.ok()) return status;

  FrameEnd end(file);
  const uint64_t end_offset = chunks_offset_bytes_ + chunks_bytes_;
  if (!file.is_mapped() && !file.traits().is_local && end_offset < header.frame_bytes &&
      header.frame_bytes - end_offset <= kMaxEndBytes) {
    status = end.Load(end_offset, header.frame_bytes - end_offset);
    if (!status.ok()) return status;
  }
  std::string trailer(kFrameTrailerMinBytes, '\0');
  status = ReadBytes(end, header.frame_bytes - trailer.size(), trailer.size(), trailer);
  if (!status.ok()) return status;
  Result<uint64_t> trailer_bytes = FrameTrailerBytes(trailer);
  if (!trailer_bytes.ok()) return trailer_bytes.status();
  const uint64_t room =
      header.frame_bytes - header.header_bytes - static_cast<uint64_t>(header.compressed_bytes);
  if (*trailer_bytes < kFrameTrailerMinBytes || *trailer_bytes > room) {
    return Corrupt("trailer length", std::to_string(*trailer_bytes) + " bytes",
                   std::to_string(kFrameTrailerMinBytes) + " to " + std::to_string(room));
  }
  summary_.trailer_bytes = *trailer_bytes;
  fingerprint_ = ParseFingerprint(trailer);
  const uint64_t trailer_offset = header.frame_bytes - *trailer_bytes;
  status = LoadOffsets(end, header, trailer_offset);
  if (!status.ok()) return status;
  Result<FrameAttributes> attributes =
      FrameAttributes::Load(end, trailer_offset, *trailer_bytes, verifies());
  attributes_status = attributes.status();
  if (attributes.ok()) attributes_ = std::move(*attributes);
  cached_file_.CountChunks(layout_.chunk_count);
  if (!fingerprint_ || verification_ != Verification::kAll) return {};
  if (!attributes_status.ok()) {
    // Damage, unless they were so when the fingerprint was made: a copy keeps them as they are.
    std::string bytes;
    status = ReadBytes(end, trailer_offset, static_cast<size_t>(*trailer_bytes), bytes);
    if (!status.ok()) return status;
    return SumTrailer(bytes) == fingerprint_->trailer ? Status() : attributes_status;
  }
  const uint32_t sum = attributes_.trailer_sum().value_or(fingerprint_->trailer);
  return CheckSum("checksum of the attributes", sum, fingerprint_->trailer);
}

Status FrameIndex::LoadHeader(const ByteFile& file, FrameHeader& header,
                              std::string& header_bytes) {
  Status status =
      ReadBytes(file, 0, std::min<uint64_t>(file.size_bytes(), kFrameHeaderMinBytes), header_bytes);
  if (!status.ok()) return status;
  Result<uint64_t> size_bytes = FrameHeaderBytes(header_bytes);
  if (!size_bytes.ok()) return size_bytes.status();
  if (*size_bytes > file.size_bytes()) {
    return CutShort(file.size_bytes(), *size_bytes, "at least ");
  }
  status = ReadBytes(file, 0, *size_bytes, header_bytes);
  if (!status.ok()) return status;
  Result<FrameHeader> parsed = ParseFrameHeader(header_bytes);
  if (!parsed.ok()) return parsed.status();
  header = std::move(*parsed);
  status = CheckIsArray(header);
  if (!status.ok()) return status;
  summary_.frame_bytes = static_cast<int64_t>(header.frame_bytes);
  status = CheckFits(file);
  if (!status.ok()) return status;
  lengths_ = header_bytes.substr(kFrameLengthsAt, kFrameLengthsBytes);
  header_sums_ = SumHeader(header_bytes);
  const Metalayer& b2nd = *ArrayMetalayer(header);
  Result<B2ndLayout> layout = ParseB2ndMetalayer(b2nd.content);
  if (!layout.ok()) return layout.status().At("metalayer " + std::string(b2nd.name));
  layout_ = std::move(*layout);
  status = CheckAgreement(header, layout_);
  if (!status.ok()) return status;
  Result<std::unique_ptr<BloscCodec>> codec = BloscCodec::Make(header.element_bytes, b2nd.content);
  if (!codec.ok()) return codec.status();
  codec_ = std::move(*codec);

  chunks_offset_bytes_ = header.header_bytes;
  chunks_bytes_ = static_cast<uint64_t>(header.compressed_bytes);
  summary_.file_bytes = static_cast<int64_t>(file.size_bytes());
  summary_.compressed_bytes = header.compressed_bytes;
  summary_.uncompressed_bytes = header.uncompressed_bytes;
  summary_.format_version = header.format_version;
  summary_.compressor = header.compressor;
  summary_.level = header.level;
  summary_.pipeline = {header.filters, header.filters_meta};
  if (const Metalayer* const filter = header.Find(kFilterMetalayer)) {
    summary_.auto_group_bytes = ParseAutoFilter(filter->content, header.element_bytes);
  }
  summary_.b2nd = b2nd.content;
  for (const Metalayer& layer : header.metalayers) {
    summary_.metalayers += (summary_.metalayers.empty() ? "" : ",") + Printable(layer.name);
  }
  return {};
}

Status FrameIndex::CheckFits(const ByteFile& file) const {
  const auto frame_bytes = static_cast<uint64_t>(summary_.frame_bytes);
  if (frame_bytes <= file.size_bytes()) return {};
  // No file is as long as some damaged headers say.
  if (frame_bytes <= INT64_MAX) return CutShort(file.size_bytes(), frame_bytes);
  return Corrupt("frame length", std::to_string(frame_bytes) + " bytes",
                 "at most the file's " + std::to_string(file.size_bytes()));
}

Status FrameIndex::LoadOffsets(const ByteFile& file, const FrameHeader& header,
                               uint64_t trailer_offset) {
  const uint64_t offset = chunks_offset_bytes_ + chunks_bytes_;
  const uint64_t available = trailer_offset - offset;
  std::string bytes;
  Status status = ReadBytes(file, offset, std::min<uint64_t>(available, kChunkHeaderBytes), bytes);
  if (!status.ok()) return status;
  Result<BloscChunk> chunk = ParseChunkHeader(bytes, available);
  if (!chunk.ok()) return chunk.status().At("chunk offsets");
  const auto wanted_bytes = layout_.chunk_count * static_cast<int64_t>(sizeof(int64_t));
  if (chunk->uncompressed_bytes != wanted_bytes) {
    return Corrupt(
        "chunk offsets", std::to_string(chunk->uncompressed_bytes) + " bytes",
        std::to_string(wanted_bytes) + " for " + std::to_string(layout_.chunk_count) + " chunks");
  }
  status = BloscCodec::CheckSupported(*chunk);
  if (!status.ok()) return status.At("chunk offsets");
  summary_.index_bytes = static_cast<uint64_t>(chunk->compressed_bytes);
  status = ReadBytes(file, offset, summary_.index_bytes, bytes);
  if (!status.ok()) return status;
  frame_sum_ = SumFrame(header_sums_, Checksum64(bytes));
  if (fingerprint_ && verification_ == Verification::kAll) {
    status = CheckSum("checksum of header and index", frame_sum_, fingerprint_->frame);
    if (!status.ok()) return status;
  }
  if (chunk->kind != ChunkKind::kBlocks) return LoadUniformOffset(bytes, *chunk, header);
  if (wanted_bytes / kMaxIndexRatio > chunk->compressed_bytes) {
    return Mismatch(StatusCode::kNotSupported, "chunk offsets",
                    std::to_string(chunk->compressed_bytes) + " bytes for " +
                        std::to_string(layout_.chunk_count) + " chunks",
                    "at least " + std::to_string(wanted_bytes / kMaxIndexRatio));
  }
  offsets_.resize(static_cast<size_t>(layout_.chunk_count));
  status = codec_->DecodeChunk(bytes, *chunk, reinterpret_cast<std::byte*>(offsets_.data()));
  if (!status.ok()) return status.At("chunk offsets");
  for (size_t i = 0; i < offsets_.size(); ++i) {
    if (kNativeOrder == ByteOrder::kBig) {
      offsets_[i] = static_cast<int64_t>(__builtin_bswap64(static_cast<uint64_t>(offsets_[i])));
    }
    if (IsSpecialOffset(offsets_[i])) ++summary_.special_chunks;
    status = CheckOffset(static_cast<int64_t>(i), offsets_[i], header);
    if (!status.ok()) return status;
  }
  // Nothing need be kept of an index that says the same millions of times.
  if (summary_.special_chunks == layout_.chunk_count &&
      std::equal(offsets_.begin() + 1, offsets_.end(), offsets_.begin())) {
    uniform_offset_ = offsets_[0];
    std::vector<int64_t>().swap(offsets_);
  }
  return CheckRoom();
}

// More chunks than that would have to share bytes, which costs whoever looks at each of them far
// more than the file has: a few bytes of index can have millions of offsets.
Status FrameIndex::CheckRoom() const {
  const auto found = static_cast<uint64_t>(layout_.chunk_count - summary_.special_chunks);
  const uint64_t room = chunks_bytes_ / static_cast<uint64_t>(kChunkHeaderBytes);
  if (found <= room) return {};
  return Corrupt(
      "chunk offsets", std::to_string(found) + " chunks",
      "at most " + std::to_string(room) + " in " + std::to_string(chunks_bytes_) + " bytes");
}

// All chunks are alike: what the index takes in memory is no more than it takes in the file.
Status FrameIndex::LoadUniformOffset(std::string_view bytes, const BloscChunk& chunk,
                                     const FrameHeader& header) {
  if (chunk.kind == ChunkKind::kRepeated) {
    ByteReader reader(bytes.substr(std::min<size_t>(bytes.size(), kChunkHeaderBytes)));
    uniform_offset_ = reader.Little<int64_t>();
    if (!reader.ok()) return Corrupt("chunk offsets", "no value", "one of 8 bytes");
  } else if (chunk.kind == ChunkKind::kNans) {
    return Corrupt("chunk offsets", "NaN", "numbers");
  }
  if (IsSpecialOffset(uniform_offset_)) summary_.special_chunks = layout_.chunk_count;
  Status status = CheckOffset(0, uniform_offset_, header);
  return status.ok() ? CheckRoom() : status;
}

Status FrameIndex::CheckOffset(int64_t chunk, int64_t offset, const FrameHeader& header) {
  if (IsSpecialOffset(offset)) {
    const ChunkKind kind = SpecialKind(offset);
    if (kind == ChunkKind::kZeros || kind == ChunkKind::kNans ||
        kind == ChunkKind::kUninitialized) {
      return {};
    }
  } else if (offset <= header.compressed_bytes - kChunkHeaderBytes) {
    return {};
  }
  return Corrupt("offset of chunk " + std::to_string(chunk), std::to_string(offset),
                 "a special value, or room for a chunk in " +
                     std::to_string(header.compressed_bytes) + " bytes");
}

std::vector<int64_t> FrameIndex::Offsets() const {
  return offsets_.empty()
             ? std::vector<int64_t>(static_cast<size_t>(layout_.chunk_count), uniform_offset_)
             : offsets_;
}

Result<std::string> FrameIndex::EncodedOffsets() const {
  if (offsets_.empty()) return BloscEncoder::EncodeOffsets(Offsets());
  return BloscEncoder::EncodeOffsets(offsets_);  // no copy: there may be millions
}

ChunkLocation FrameIndex::Chunk(int64_t chunk) const {
  const int64_t offset = offsets_.empty() ? uniform_offset_ : offsets_[static_cast<size_t>(chunk)];
  ChunkLocation location;
  if (IsSpecialOffset(offset)) {
    location.kind = SpecialKind(offset);
    return location;
  }
  location.offset_bytes = chunks_offset_bytes_ + static_cast<uint64_t>(offset);
  location.available_bytes = chunks_bytes_ - static_cast<uint64_t>(offset);
  return location;
}

}  // namespace ndarray
