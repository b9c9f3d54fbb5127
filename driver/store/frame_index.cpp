#include "driver/store/frame_index.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>

#include "driver/store/fork_guard.h"
#include "driver/store/msgpack.h"
#include "driver/store/nested_array.h"
#include "driver/store/text.h"

namespace ndarray {
namespace {

// More would be 512 MB of index, and is as likely an attack: a few bytes can claim it.
constexpr int64_t kMaxChunks = int64_t{1} << 26;
// A trailer is metadata; what is larger is not loaded for it.
constexpr uint64_t kMaxTrailerBytes = uint64_t{256} << 20;
// Of one attribute, and of all together: a few bytes can claim many.
constexpr int64_t kMaxAttributeBytes = int64_t{64} << 20;
constexpr int64_t kMaxAttributesBytes = int64_t{250} << 20;
// Of what all show together.
constexpr size_t kMaxShownBytes = size_t{16} << 20;

// Offsets of chunks that take no bytes: bit 63, and the kind in the byte it belongs to.
constexpr int kSpecialShift = 56;

Status Corrupt(std::string_view field, const std::string& found, std::string_view wanted) {
  return Mismatch(StatusCode::kCorrupt, field, found, wanted);
}

Status ReadBytes(const ByteFile& file, uint64_t offset_bytes, uint64_t size_bytes,
                 std::string& to) {
  to.resize(size_bytes);
  return file.ReadRanges({{offset_bytes, to.size(), to.data()}});
}

// What a file says of itself has its path already.
Status WithPath(const Status& status, const std::string& path) {
  return status.message().compare(0, path.size() + 1, path + ":") == 0 ? status : status.At(path);
}

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
    return Mismatch(StatusCode::kNotSupported, "frame", "a sparse one (a folder of chunks)",
                    "a contiguous one (one file)");
  }
  if (const char* const what = OtherContent(header)) return unsupported(what);
  if (ArrayMetalayer(header) == nullptr) return unsupported("a super-chunk without a shape");
  return {};
}

// Header and metalayer must tell of the same array.
Status CheckAgreement(const FrameHeader& header, const B2ndLayout& layout) {
  if (header.element_bytes != layout.element.element_bytes) {
    return Corrupt(
        "element size", std::to_string(header.element_bytes) + " bytes",
        std::to_string(layout.element.element_bytes) + " of dtype " + layout.element.text);
  }
  if (header.has_varying_blocks || header.chunk_bytes != layout.chunk_bytes) {
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

// An attribute, which is msgpack, as JSON.
Result<std::string> AttributeAsJson(std::string_view packed) {
  Result<nlohmann::json> parsed = ParseMsgpack(packed);
  if (!parsed.ok()) return parsed.status();
  return ShowJson(std::move(*parsed));
}

// A CRS takes longer to be decoded than all else of a small file, and few ask for it.
bool IsReadLate(std::string_view attribute) {
  return attribute == "proj:wkt2" || attribute == "proj:projjson" || attribute == "proj:code" ||
         HoldsFile(attribute);
}

// Indexes that are in use, by the identity of their files.
class SharedIndexes {
 public:
  static SharedIndexes& Process() {
    static auto* const indexes = new SharedIndexes;  // outlives every user
    return *indexes;
  }

  std::shared_ptr<const FrameIndex> Find(const std::string& identity) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = indexes_.find(identity);
    return found == indexes_.end() ? nullptr : found->second.lock();
  }

  // Keeps the first of two that were loaded at once.
  std::shared_ptr<const FrameIndex> Add(const std::string& identity,
                                        std::shared_ptr<const FrameIndex> index) {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (auto it = indexes_.begin(); it != indexes_.end();) {
      it = it->second.expired() ? indexes_.erase(it) : std::next(it);
    }
    std::weak_ptr<const FrameIndex>& slot = indexes_[identity];
    if (auto first = slot.lock()) return first;
    slot = index;
    return index;
  }

 private:
  SharedIndexes() { GuardAcrossForks(mutex_); }

  std::mutex mutex_;
  std::map<std::string, std::weak_ptr<const FrameIndex>> indexes_;
};

}  // namespace

Result<std::string> DecodeAttribute(const BloscCodec& codec, std::string_view content,
                                    int64_t& budget_bytes) {
  Result<BloscChunk> chunk = ParseChunkHeader(content, content.size());
  if (!chunk.ok()) return chunk.status();
  Status status = BloscCodec::CheckSupported(*chunk);
  if (!status.ok()) return status;
  const int64_t most_bytes = std::min(kMaxAttributeBytes, budget_bytes);
  if (chunk->uncompressed_bytes > most_bytes) {
    return Mismatch(StatusCode::kNotSupported, "size", std::to_string(chunk->uncompressed_bytes),
                    "at most " + std::to_string(most_bytes));
  }
  budget_bytes -= chunk->uncompressed_bytes;
  Buffer value(static_cast<size_t>(chunk->uncompressed_bytes));
  status = codec.DecodeChunk(content, *chunk, value.data());
  if (!status.ok()) return status;
  return std::string(reinterpret_cast<const char*>(value.data()), value.size_bytes());
}

bool HoldsFile(std::string_view attribute) { return attribute == kMaskAttribute; }

Result<std::shared_ptr<const FrameIndex>> FrameIndex::Open(const ByteFile& file) {
  const std::string identity = file.Identity();
  if (!identity.empty()) {
    if (auto shared = SharedIndexes::Process().Find(identity)) return shared;
  }
  Result<std::shared_ptr<FrameIndex>> loaded = Load(file, false);
  if (!loaded.ok()) return WithPath(loaded.status(), file.path());
  std::shared_ptr<const FrameIndex> index = std::move(*loaded);
  return identity.empty() ? index : SharedIndexes::Process().Add(identity, std::move(index));
}

Result<std::shared_ptr<FrameIndex>> FrameIndex::OpenForUpdate(const ByteFile& file) {
  Result<std::shared_ptr<FrameIndex>> loaded = Load(file, true);
  if (!loaded.ok()) return WithPath(loaded.status(), file.path());
  return loaded;
}

FrameIndex::~FrameIndex() { BlockCache::Process().DropFile(cache_file_); }

Result<std::shared_ptr<FrameIndex>> FrameIndex::Load(const ByteFile& file, bool for_update) {
  std::shared_ptr<FrameIndex> index(new FrameIndex);
  FrameHeader header;
  std::string header_bytes;
  Status status = index->LoadHeader(file, header, header_bytes);
  if (!status.ok()) return status;

  std::string trailer(kFrameTrailerMinBytes, '\0');
  status = ReadBytes(file, header.frame_bytes - trailer.size(), trailer.size(), trailer);
  if (!status.ok()) return status;
  Result<uint64_t> trailer_bytes = FrameTrailerBytes(trailer);
  if (!trailer_bytes.ok()) return trailer_bytes.status();
  const uint64_t room =
      header.frame_bytes - header.header_bytes - static_cast<uint64_t>(header.compressed_bytes);
  if (*trailer_bytes < kFrameTrailerMinBytes || *trailer_bytes > room) {
    return Corrupt("trailer length", std::to_string(*trailer_bytes) + " bytes",
                   std::to_string(kFrameTrailerMinBytes) + " to " + std::to_string(room));
  }
  index->summary_.trailer_bytes = *trailer_bytes;
  const uint64_t trailer_offset = header.frame_bytes - *trailer_bytes;
  status = index->LoadOffsets(file, header, trailer_offset);
  if (!status.ok()) return status;
  if (*trailer_bytes <= kMaxTrailerBytes) {
    status = ReadBytes(file, trailer_offset, *trailer_bytes, trailer);
    if (!status.ok()) return status;
    index->LoadAttributes(trailer);
    if (for_update) status = index->LoadPackedAttributes(trailer);
  } else if (for_update) {
    status = Mismatch(StatusCode::kNotSupported, "trailer length", std::to_string(*trailer_bytes),
                      "at most " + std::to_string(kMaxTrailerBytes) + " bytes, to be updated");
  }
  if (!status.ok()) return status;
  return index;
}

Status FrameIndex::LoadHeader(const ByteFile& file, FrameHeader& header,
                              std::string& header_bytes) {
  Status status =
      ReadBytes(file, 0, std::min<uint64_t>(file.size_bytes(), kFrameHeaderMinBytes), header_bytes);
  if (!status.ok()) return status;
  Result<uint64_t> size_bytes = FrameHeaderBytes(header_bytes);
  if (!size_bytes.ok()) return size_bytes.status();
  if (*size_bytes > file.size_bytes()) {
    return Corrupt("header length", std::to_string(*size_bytes) + " bytes",
                   "less than the file's " + std::to_string(file.size_bytes()));
  }
  status = ReadBytes(file, 0, *size_bytes, header_bytes);
  if (!status.ok()) return status;
  Result<FrameHeader> parsed = ParseFrameHeader(header_bytes);
  if (!parsed.ok()) return parsed.status();
  header = std::move(*parsed);
  status = CheckIsArray(header);
  if (!status.ok()) return status;
  if (header.frame_bytes > file.size_bytes()) {
    return Corrupt("frame length", std::to_string(header.frame_bytes) + " bytes",
                   "at most the file's " + std::to_string(file.size_bytes()));
  }
  const Metalayer& b2nd = *ArrayMetalayer(header);
  Result<B2ndLayout> layout = ParseB2ndMetalayer(b2nd.content);
  if (!layout.ok()) return layout.status().At("metalayer b2nd");
  layout_ = std::move(*layout);
  status = CheckAgreement(header, layout_);
  if (!status.ok()) return status;
  Result<std::unique_ptr<BloscCodec>> codec = BloscCodec::Make(header.element_bytes, b2nd.content);
  if (!codec.ok()) return codec.status();
  codec_ = std::move(*codec);

  chunks_offset_bytes_ = header.header_bytes;
  chunks_bytes_ = static_cast<uint64_t>(header.compressed_bytes);
  summary_.file_bytes = static_cast<int64_t>(file.size_bytes());
  summary_.frame_bytes = static_cast<int64_t>(header.frame_bytes);
  summary_.compressed_bytes = header.compressed_bytes;
  summary_.uncompressed_bytes = header.uncompressed_bytes;
  summary_.format_version = header.format_version;
  summary_.compressor = header.compressor;
  summary_.level = header.level;
  summary_.filters = header.filters;
  summary_.filters_meta = header.filters_meta;
  summary_.b2nd = b2nd.content;
  for (const Metalayer& layer : header.metalayers) {
    summary_.metalayers += (summary_.metalayers.empty() ? "" : ",") + Printable(layer.name);
  }
  return {};
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
  offsets_.resize(static_cast<size_t>(layout_.chunk_count));
  status = codec_->DecodeChunk(bytes, *chunk, reinterpret_cast<std::byte*>(offsets_.data()));
  if (!status.ok()) return status.At("chunk offsets");
  return CheckOffsets(header);
}

Status FrameIndex::CheckOffsets(const FrameHeader& header) {
  for (size_t i = 0; i < offsets_.size(); ++i) {
    if (kNativeOrder == ByteOrder::kBig) {
      offsets_[i] = static_cast<int64_t>(__builtin_bswap64(static_cast<uint64_t>(offsets_[i])));
    }
    const int64_t offset = offsets_[i];
    if (offset < 0) {
      ++summary_.special_chunks;
      const auto kind = static_cast<ChunkKind>((offset >> kSpecialShift) & 0x7);
      if (kind == ChunkKind::kZeros || kind == ChunkKind::kNans ||
          kind == ChunkKind::kUninitialized) {
        continue;
      }
    } else if (offset <= header.compressed_bytes - kChunkHeaderBytes) {
      continue;
    }
    return Corrupt("offset of chunk " + std::to_string(i), std::to_string(offset),
                   "a special value, or room for a chunk in " +
                       std::to_string(header.compressed_bytes) + " bytes");
  }
  return {};
}

// Metadata that cannot be read costs nobody their pixels.
void FrameIndex::LoadAttributes(std::string_view trailer) {
  Result<std::vector<Metalayer>> layers = ParseFrameTrailer(trailer);
  if (!layers.ok()) return;
  int64_t budget_bytes = kMaxAttributesBytes;
  size_t shown_bytes = 0;
  for (const Metalayer& layer : *layers) {
    if (IsReadLate(layer.name)) {
      late_attributes_.emplace_back(layer.name, layer.content);
      continue;
    }
    Result<std::string> packed = DecodeAttribute(*codec_, layer.content, budget_bytes);
    Result<std::string> value = packed.ok() ? AttributeAsJson(*packed) : packed.status();
    std::string shown =
        value.ok() ? *value : nlohmann::json("(" + value.status().message() + ")").dump();
    shown_bytes += shown.size();
    if (shown_bytes > kMaxShownBytes) shown = "\"(too much beside the other attributes)\"";
    attributes_.emplace_back(Printable(layer.name), std::move(shown));
  }
}

Status FrameIndex::LoadPackedAttributes(std::string_view trailer) {
  Result<std::vector<Metalayer>> layers = ParseFrameTrailer(trailer);
  if (!layers.ok()) return layers.status();
  int64_t budget_bytes = kMaxAttributesBytes;
  for (const Metalayer& layer : *layers) {
    Result<std::string> packed = DecodeAttribute(*codec_, layer.content, budget_bytes);
    if (!packed.ok()) return packed.status().At("attribute '" + Excerpt(layer.name) + "'");
    packed_attributes_.emplace_back(layer.name, std::move(*packed));
  }
  for (auto& [name, content] : late_attributes_) content.clear();  // they are among these
  return {};
}

Result<std::string> FrameIndex::PackedAttribute(const std::string& name) const {
  for (const auto& [key, packed] : packed_attributes_) {
    if (key == name) return packed;
  }
  for (const auto& [key, content] : late_attributes_) {
    if (key != name) continue;
    int64_t budget_bytes = kMaxAttributeBytes;
    Result<std::string> packed = DecodeAttribute(*codec_, content, budget_bytes);
    return packed.ok() ? packed : packed.status().At("attribute '" + name + "'");
  }
  return Status(StatusCode::kNotFound, "attribute '" + name + "': not there");
}

void FrameIndex::MoveChunk(int64_t chunk, const ChunkPlace& place, uint64_t end_bytes) {
  offsets_[static_cast<size_t>(chunk)] =
      place.kind == ChunkKind::kBlocks
          ? static_cast<int64_t>(place.offset_bytes - chunks_offset_bytes_)
          : static_cast<int64_t>(uint64_t{1} << 63 | static_cast<uint64_t>(place.kind)
                                                         << kSpecialShift);
  chunks_bytes_ = std::max(chunks_bytes_, end_bytes - chunks_offset_bytes_);
}

void FrameIndex::ForgetCached() {
  BlockCache::Process().DropFile(cache_file_);
  cache_file_ = BlockCache::Process().NewFile();
}

ChunkPlace FrameIndex::Chunk(int64_t chunk) const {
  const int64_t offset = offsets_[static_cast<size_t>(chunk)];
  ChunkPlace place;
  if (offset < 0) {
    place.kind = static_cast<ChunkKind>((offset >> kSpecialShift) & 0x7);
    return place;
  }
  place.offset_bytes = chunks_offset_bytes_ + static_cast<uint64_t>(offset);
  place.available_bytes = chunks_bytes_ - static_cast<uint64_t>(offset);
  return place;
}

}  // namespace ndarray
