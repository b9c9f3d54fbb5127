#include "driver/store/frame/chunk_loader.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "driver/store/blosc2/byte_reader.h"
#include "driver/store/io/parallel_read.h"

namespace ndarray {
namespace {

// Chunks of which this is all are read in one piece, and so are those of which half is wanted.
constexpr int64_t kSmallChunkBytes = int64_t{16} << 10;
// Each takes a page.
constexpr size_t kMaxHeadersAhead = kMaxAheadBytes / kColdPageBytes;

// Zeros: blocks that are not read must not show what was in memory before. Pages that nobody
// touches cost nothing.
std::unique_ptr<char, FreeMemory> ZeroedMemory(size_t size_bytes) {
  std::unique_ptr<char, FreeMemory> memory(static_cast<char*>(std::calloc(size_bytes, 1)));
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

std::vector<uint64_t> BlockStarts(const BloscChunk& header, std::string_view directory) {
  std::vector<uint64_t> starts(static_cast<size_t>(header.block_count()));
  ByteReader reader(directory.substr(kChunkHeaderBytes));
  for (uint64_t& start : starts) start = reader.Little<uint32_t>();
  return starts;
}

}  // namespace

std::string LoadedChunk::Name() const {
  return "chunk " + std::to_string(chunk_index) + " at byte " +
         std::to_string(location.offset_bytes);
}

Status LoadedChunk::DecodeBlock(const BloscCodec& codec, int64_t block, std::byte* to) const {
  Status status = Check(block);
  if (!status.ok()) return status;
  return format ? DecodeWholeBlock(*format, bytes, block, to)
                : codec.DecodeBlock(bytes, header, block, to);
}

Status LoadedChunk::DecodeRuns(int64_t block, const BlockRuns* runs, size_t count) const {
  Status status = Check(block);
  return status.ok() ? ndarray::DecodeRuns(*format, bytes, block, runs, count) : status;
}

Status LoadedChunk::DecodeChunk(const BloscCodec& codec, std::byte* to) const {
  if (!format) {
    Status status = has_checks ? CheckBlocks(header, bytes) : Status();
    return status.ok() ? codec.DecodeChunk(bytes, header, to) : status;
  }
  const int64_t blocks = header.block_count();
  for (int64_t block = 0; block < blocks; ++block) {
    Status status = DecodeBlock(codec, block, to + block * header.block_bytes);
    if (!status.ok()) return status.At("block " + std::to_string(block));
  }
  return {};
}

Result<std::vector<std::byte>> RepeatedElement(const LoadedChunk& chunk, int64_t element_bytes) {
  std::vector<std::byte> element(static_cast<size_t>(element_bytes));
  if (chunk.header.kind == ChunkKind::kNans) {
    constexpr uint32_t kFloatNan = 0x7FC00000;
    constexpr uint64_t kDoubleNan = 0x7FF8000000000000;
    if (element_bytes == sizeof(kFloatNan)) {
      std::memcpy(element.data(), &kFloatNan, sizeof(kFloatNan));
    } else if (element_bytes == sizeof(kDoubleNan)) {
      std::memcpy(element.data(), &kDoubleNan, sizeof(kDoubleNan));
    } else {
      return Mismatch(StatusCode::kCorrupt, "NaN elements",
                      std::to_string(element_bytes) + " bytes", "4 or 8");
    }
  } else if (chunk.header.kind == ChunkKind::kRepeated) {
    const int64_t value_bytes = chunk.header.compressed_bytes - kChunkHeaderBytes;
    if (value_bytes != element_bytes) {
      return Mismatch(StatusCode::kCorrupt, "repeated value",
                      std::to_string(value_bytes) + " bytes", std::to_string(element_bytes));
    }
    std::memcpy(element.data(), chunk.bytes.data() + kChunkHeaderBytes, element.size());
  }
  return element;
}

Status ChunkLoader::CheckHeader(LoadedChunk& chunk, std::string_view directory) const {
  Result<BloscChunk> header =
      ParseChunkHeader(directory.substr(0, kChunkHeaderBytes), chunk.location.available_bytes);
  if (!header.ok()) return header.status().At(chunk.Name()).At(file_.path());
  Status status;
  if (header->uncompressed_bytes != index_.layout().chunk_bytes) {
    status = Mismatch(StatusCode::kCorrupt, "uncompressed size",
                      std::to_string(header->uncompressed_bytes) + " bytes",
                      std::to_string(index_.layout().chunk_bytes) + " as the file's header says");
  } else {
    status = BloscCodec::CheckSupported(*header);
  }
  if (!status.ok()) return status.At(chunk.Name()).At(file_.path());
  chunk.header = *header;
  const B2ndLayout& layout = index_.layout();
  chunk.format = FindBlockFormat(*header, layout.element.element_bytes);
  chunk.needs_whole =
      header->kind == ChunkKind::kBlocks && NeedsWholeChunk(*header, layout.block_bytes);
  status = CheckChecks(chunk, directory);
  if (!status.ok()) return status.At(chunk.Name()).At(file_.path());
  if (chunk.format)
    chunk.format->streams.ignores_checksums = chunk.has_checks || !index_.verifies();
  return {};
}

// The directory's are compared once while the file is open.
Status ChunkLoader::CheckChecks(LoadedChunk& chunk, std::string_view directory) const {
  using Checks = CachedFile::Checks;
  if (!index_.verifies()) return {};
  CachedFile& cached_file = index_.cached_file();
  Checks checks = cached_file.checks(chunk.chunk_index);
  if (checks == Checks::kUnknown) {
    const BloscChunk& header = chunk.header;
    const bool is_ours =
        header.kind != ChunkKind::kBlocks || header.block_bytes == index_.layout().block_bytes;
    const Result<bool> found = is_ours ? CheckDirectory(header, directory) : Result<bool>(false);
    if (!found.ok()) return found.status();
    // One flipped bit makes zeros of a chunk of blocks, which has more than a header.
    if (header.kind != ChunkKind::kBlocks && header.kind != ChunkKind::kRepeated &&
        header.compressed_bytes != kChunkHeaderBytes) {
      return Corrupt("compressed size", std::to_string(header.compressed_bytes) + " bytes",
                     "32, of a chunk that is only a header");
    }
    if (!*found && index_.every_chunk_has_checks()) {
      return Corrupt("checksums", "none", "those that all chunks of the file have");
    }
    checks = *found ? Checks::kRight : Checks::kNone;
    cached_file.NoteChecks(chunk.chunk_index, checks);
  }
  chunk.has_checks = checks == Checks::kRight && chunk.header.kind == ChunkKind::kBlocks;
  return {};
}

Status ChunkLoader::LoadHeaders(std::vector<LoadedChunk>& chunks) const {
  const Result<const std::byte*> map =
      file_.View(0, static_cast<uint64_t>(index_.summary().frame_bytes));
  if (!map.ok()) return map.status();
  for (LoadedChunk& chunk : chunks) {
    chunk.location = index_.Chunk(chunk.chunk_index);
    chunk.header.kind = chunk.location.kind;
    if (chunk.location.kind != ChunkKind::kBlocks || *map == nullptr) continue;
    const auto* const start = reinterpret_cast<const char*>(*map) + chunk.location.offset_bytes;
    Status status =
        CheckHeader(chunk, {start, static_cast<size_t>(chunk.location.available_bytes)});
    file_.NoteRead(chunk.location.offset_bytes, kChunkHeaderBytes);
    if (!status.ok()) return status;
    chunk.bytes = {start, static_cast<size_t>(chunk.header.compressed_bytes)};
  }
  return mapped() ? Status() : ReadDirectories(chunks);
}

// By where the next one starts; 0 where that is not known without a look at all of them.
uint64_t ChunkLoader::BytesAtMost(const LoadedChunk& chunk) const {
  constexpr int64_t kMaxSpecialChunks = 16;  // in between
  const B2ndLayout& layout = index_.layout();
  const int64_t last = std::min(chunk.chunk_index + kMaxSpecialChunks, layout.chunk_count - 1);
  uint64_t bytes = chunk.location.available_bytes;
  for (int64_t next = chunk.chunk_index + 1; next <= last; ++next) {
    const ChunkLocation location = index_.Chunk(next);
    if (location.kind != ChunkKind::kBlocks) continue;
    if (location.offset_bytes <= chunk.location.offset_bytes) return 0;
    bytes = std::min(bytes, location.offset_bytes - chunk.location.offset_bytes);
    break;
  }
  return std::min(
      bytes, static_cast<uint64_t>(MaxCheckedBytes(layout.chunk_bytes, layout.blocks_per_chunk)));
}

Status ChunkLoader::ReadDirectories(std::vector<LoadedChunk>& chunks) const {
  BlockCache& cache = BlockCache::Process();
  // Not the file's own: its counters are about blocks.
  static const auto counters = std::make_shared<BlockCache::Counters>();
  const B2ndLayout& layout = index_.layout();
  // Starts and checksums, or the value that a chunk repeats.
  const int64_t blocks = layout.blocks_per_chunk;
  const auto directory_bytes =
      static_cast<uint64_t>(kChunkHeaderBytes + std::max(4 * blocks + CheckTableBytes(blocks),
                                                         layout.element.element_bytes));
  std::vector<BlockCache::Block> directories(chunks.size());
  std::vector<std::shared_ptr<Buffer>> fresh(chunks.size());
  std::vector<ByteRange> ranges;
  for (size_t i = 0; i < chunks.size(); ++i) {
    const ChunkLocation& location = chunks[i].location;
    if (location.kind != ChunkKind::kBlocks) continue;
    directories[i] = cache.Find(
        {index_.cached_file().number(), chunks[i].chunk_index, BlockCache::kDirectory}, *counters);
    if (directories[i] != nullptr) continue;
    const uint64_t at_most = chunks[i].wants_most ? BytesAtMost(chunks[i]) : 0;
    if (at_most > directory_bytes) {
      chunks[i].owned = ZeroedMemory(at_most);
      chunks[i].bytes = {chunks[i].owned.get(), at_most};
      ranges.push_back({location.offset_bytes, at_most, chunks[i].owned.get()});
      continue;
    }
    fresh[i] = std::make_shared<Buffer>(std::min(directory_bytes, location.available_bytes));
    directories[i] = fresh[i];
    ranges.push_back({location.offset_bytes, fresh[i]->size_bytes(), fresh[i]->data()});
  }
  if (!ranges.empty()) {
    Status status = file_.Read(ranges);
    if (!status.ok()) return status;
  }
  for (size_t i = 0; i < chunks.size(); ++i) {
    LoadedChunk& chunk = chunks[i];
    if (chunk.location.kind != ChunkKind::kBlocks) continue;
    if (directories[i] == nullptr) {
      fresh[i] = std::make_shared<Buffer>(directory_bytes);
      std::memcpy(fresh[i]->data(), chunk.bytes.data(), fresh[i]->size_bytes());
      directories[i] = fresh[i];
    }
    const std::string_view directory(reinterpret_cast<const char*>(directories[i]->data()),
                                     directories[i]->size_bytes());
    Status status = CheckHeader(chunk, directory);
    if (!status.ok()) return status;
    if (fresh[i] != nullptr && cache.Admits(fresh[i]->size_bytes())) {
      cache.Insert({index_.cached_file().number(), chunk.chunk_index, BlockCache::kDirectory},
                   fresh[i], counters);
    }
    const auto size_bytes = static_cast<size_t>(chunk.header.compressed_bytes);
    chunk.is_loaded = size_bytes <= chunk.bytes.size();
    if (chunk.is_loaded) {
      chunk.bytes = chunk.bytes.substr(0, size_bytes);
      continue;
    }
    chunk.owned = ZeroedMemory(size_bytes);
    chunk.bytes = {chunk.owned.get(), size_bytes};
    std::memcpy(chunk.owned.get(), directory.data(), std::min(directory.size(), size_bytes));
  }
  return {};
}

Status ChunkLoader::LoadBlocks(std::vector<LoadedChunk>& chunks,
                               const std::vector<std::vector<int64_t>>& wanted,
                               int max_threads) const {
  std::vector<ByteRange> ranges;
  for (size_t i = 0; i < chunks.size(); ++i) {
    if (chunks[i].header.kind != ChunkKind::kBlocks) continue;
    Status status = AddRanges(chunks[i], wanted[i], ranges);
    if (!status.ok()) return status.At(chunks[i].Name()).At(file_.path());
  }
  return ReadRangesInParallel(file_, ranges, max_threads);
}

FileRange ChunkLoader::RangeOf(const LoadedChunk& chunk, int64_t block) const {
  const BloscChunk& header = chunk.header;
  const auto all_bytes = static_cast<uint64_t>(header.compressed_bytes);
  const auto block_bytes = static_cast<uint64_t>(header.block_bytes);
  const uint64_t offset = chunk.location.offset_bytes;
  if (block < 0) return {offset, offset + all_bytes};
  uint64_t start = kChunkHeaderBytes + static_cast<uint64_t>(block) * block_bytes;
  uint64_t stop = all_bytes;
  if (!header.stored) {
    ByteReader starts(chunk.bytes.substr(static_cast<size_t>(kChunkHeaderBytes + 4 * block)));
    start = starts.Little<uint32_t>();
    // Blocks are mostly in order; where they are not, this is too much, at most.
    if (block + 1 < header.block_count()) {
      const uint64_t next = starts.Little<uint32_t>();
      if (next > start) stop = next;
    }
  }
  stop = std::min({stop, all_bytes, start + block_bytes});
  return {offset + std::min(start, stop), offset + stop};
}

void ChunkLoader::AskForHeaders(const std::vector<LoadedChunk>& chunks, int max_threads) const {
  const int64_t blocks = index_.layout().blocks_per_chunk;
  const auto directory_bytes =
      static_cast<uint64_t>(kChunkHeaderBytes + 4 * blocks + CheckTableBytes(blocks));
  std::vector<FileRange> ranges;
  for (const LoadedChunk& chunk : chunks) {
    const ChunkLocation location = index_.Chunk(chunk.chunk_index);
    if (location.kind != ChunkKind::kBlocks) continue;
    ranges.push_back({location.offset_bytes,
                      location.offset_bytes + std::min(directory_bytes, location.available_bytes)});
    if (ranges.size() == kMaxHeadersAhead) break;
  }
  if (ranges.empty() ||
      (file_.IsResident(ranges.front().start) && file_.IsResident(ranges.back().start))) {
    return;
  }
  AskFor(file_, std::move(ranges), max_threads);
}

void ChunkLoader::NoteBlock(const LoadedChunk& chunk, int64_t block) const {
  if (!mapped()) return;
  if (!chunk.header.stored) {
    const auto start_at = static_cast<uint64_t>(kChunkHeaderBytes + 4 * block);
    file_.NoteRead(chunk.location.offset_bytes + start_at, sizeof(uint32_t));
  }
  const FileRange range = RangeOf(chunk, block);
  if (range.start < range.stop) file_.NoteRead(range.start, range.stop - range.start);
}

void ChunkLoader::NoteChunk(const LoadedChunk& chunk) const {
  if (mapped()) file_.NoteRead(chunk.location.offset_bytes, chunk.bytes.size());
}

Status ChunkLoader::AddRanges(LoadedChunk& chunk, const std::vector<int64_t>& wanted,
                              std::vector<ByteRange>& ranges) const {
  const BloscChunk& header = chunk.header;
  const auto all_bytes = static_cast<uint64_t>(header.compressed_bytes);
  const auto add = [&](uint64_t start, uint64_t stop) {
    ranges.push_back({chunk.location.offset_bytes + start, static_cast<size_t>(stop - start),
                      chunk.owned.get() + start});
  };
  if (wanted.empty() || chunk.is_loaded) return {};
  if (wanted[0] == kAllBlocks || header.compressed_bytes <= kSmallChunkBytes) {
    add(static_cast<uint64_t>(kChunkHeaderBytes), all_bytes);
    return {};
  }
  std::vector<FileRange> spans;
  if (header.stored) {
    for (const int64_t block : wanted) {
      const auto start = static_cast<uint64_t>(kChunkHeaderBytes + block * header.block_bytes);
      spans.push_back({start, start + static_cast<uint64_t>(header.block_bytes)});
    }
  } else {
    const std::vector<uint64_t> starts = BlockStarts(header, chunk.bytes);
    // A block ends where the next one in the file starts; threads write them in any order.
    std::vector<uint64_t> sorted = starts;
    std::sort(sorted.begin(), sorted.end());
    for (const int64_t block : wanted) {
      const uint64_t start = starts[static_cast<size_t>(block)];
      if (start < static_cast<uint64_t>(header.directory_bytes()) || start >= all_bytes) {
        return Mismatch(
            StatusCode::kCorrupt, "start of block " + std::to_string(block), std::to_string(start),
            std::to_string(header.directory_bytes()) + " to " + std::to_string(all_bytes - 1));
      }
      const auto next = std::upper_bound(sorted.begin(), sorted.end(), start);
      spans.push_back({start, std::min(next == sorted.end() ? all_bytes : *next, all_bytes)});
    }
  }
  const std::vector<FileRange> merged = Merged(std::move(spans), file_.traits().cheap_gap_bytes);
  uint64_t merged_bytes = 0;
  for (const FileRange& span : merged) merged_bytes += span.stop - span.start;
  if (merged_bytes > all_bytes / 2) {
    add(static_cast<uint64_t>(kChunkHeaderBytes), all_bytes);
    return {};
  }
  for (const FileRange& span : merged) add(span.start, span.stop);
  return {};
}

}  // namespace ndarray
