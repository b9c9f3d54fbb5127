#include "driver/store/b2nd/frame_check.h"

#include <algorithm>
#include <array>
#include <limits>
#include <mutex>
#include <utility>

#include "driver/store/b2nd/nested_array.h"
#include "driver/store/blosc2/byte_reader.h"
#include "driver/store/blosc2/codecs.h"
#include "driver/store/buffer.h"
#include "driver/store/checksum/checksum.h"
#include "driver/store/frame/chunk_loader.h"
#include "driver/store/io/string_file.h"
#include "driver/store/text.h"
#include "driver/store/thread_pool.h"

namespace ndarray {
namespace {

// What one task decodes of a mapped file, about: chunks may be few and large.
constexpr int64_t kTaskBytes = int64_t{1} << 20;
// Chunks of more blocks are decoded in one go: c-blosc2 counts up to the block it is asked for.
constexpr int64_t kMaxSingleBlocks = 4096;

bool IsEarlier(const ChunkDamage& a, const ChunkDamage& b) {
  return std::pair(a.chunk, a.block.value_or(-1)) < std::pair(b.chunk, b.block.value_or(-1));
}

// What many threads find, and when to stop.
class Findings {
 public:
  Findings(int64_t chunk_count, size_t max_listed, const ProgressFn& progress)
      : damaged_(static_cast<size_t>(chunk_count)), max_listed_(max_listed), progress_(progress) {}

  void SetTasks(int64_t count) { task_count_ = count; }

  void Add(ChunkDamage damage) {
    const std::lock_guard<std::mutex> lock(mutex_);
    ++damage_.places;
    if (!damaged_[static_cast<size_t>(damage.chunk)]) ++damage_.chunks;
    damaged_[static_cast<size_t>(damage.chunk)] = true;
    damage_.listed.push_back(std::move(damage));
    if (damage_.listed.size() > 2 * max_listed_) CutList();
  }

  void CountDecoded(const std::string& codec, int64_t blocks, bool has_checks) {
    const std::lock_guard<std::mutex> lock(mutex_);
    damage_.decoded_blocks[codec] += blocks;
    if (has_checks) damage_.checked_blocks += blocks;
  }

  Status FinishTask() {
    const std::lock_guard<std::mutex> lock(mutex_);
    ++finished_;
    return ReportProgress(progress_,
                          static_cast<double>(finished_) / static_cast<double>(task_count_));
  }

  FrameDamage Take() {
    CutList();
    return std::move(damage_);
  }

 private:
  void CutList() {
    std::sort(damage_.listed.begin(), damage_.listed.end(), IsEarlier);
    if (damage_.listed.size() > max_listed_) {
      damage_.listed.erase(damage_.listed.begin() + static_cast<std::ptrdiff_t>(max_listed_),
                           damage_.listed.end());
    }
  }

  std::mutex mutex_;
  FrameDamage damage_;
  std::vector<bool> damaged_;  // by chunk
  int64_t finished_ = 0;
  int64_t task_count_ = 1;
  const size_t max_listed_;
  const ProgressFn& progress_;
};

class FrameCheck {
 public:
  FrameCheck(const FrameIndex& index, const ByteFile& file, size_t max_listed,
             const ProgressFn& progress)
      : index_(index),
        layout_(index.layout()),
        file_(file),
        loader_(index, file),
        parts_(loader_.mapped() ? std::clamp<int64_t>(layout_.chunk_bytes / kTaskBytes, 1,
                                                      layout_.blocks_per_chunk)
                                : 1),
        findings_(layout_.chunk_count, max_listed, progress) {}

  Result<FrameDamage> Run(int max_threads) {
    const auto map = file_.View(0, static_cast<uint64_t>(index_.summary().frame_bytes));
    if (!map.ok()) return map.status();
    FindChunks();
    const auto tasks = static_cast<int64_t>(chunks_.size()) * parts_;
    findings_.SetTasks(tasks);
    Status status = TryParallelFor(tasks, max_threads, [&](int64_t task) {
      Status done = CheckPart(chunks_[static_cast<size_t>(task / parts_)], task % parts_);
      return done.ok() ? findings_.FinishTask() : done;
    });
    if (!status.ok()) return status;
    return findings_.Take();
  }

 private:
  // The chunks to look at: those that have bytes, and of those that are but a kind in the index the
  // first of each kind. A few bytes of index may say that there are millions.
  void FindChunks() {
    std::array<bool, 8> seen = {};
    for (int64_t chunk = 0; chunk < layout_.chunk_count; ++chunk) {
      const ChunkKind kind = index_.Chunk(chunk).kind;
      bool& known = seen[static_cast<size_t>(kind)];
      if (kind == ChunkKind::kBlocks || !known) chunks_.push_back(chunk);
      known = true;
      if (index_.IsUniform()) return;
    }
  }

  void Report(const LoadedChunk& chunk, std::optional<int64_t> block, const Status& what) {
    findings_.Add({chunk.chunk_index, block, chunk.location.offset_bytes,
                   static_cast<uint64_t>(chunk.header.compressed_bytes), what});
  }

  // The part-th of parts_ equal shares of a chunk's blocks. Fails only where the file does.
  Status CheckPart(int64_t number, int64_t part) {
    std::vector<LoadedChunk> chunks(1);
    LoadedChunk& chunk = chunks[0];
    chunk.chunk_index = number;
    Status status = loader_.LoadHeaders(chunks);
    if (!status.ok()) {
      if (status.code() == StatusCode::kIo) return status;
      if (part == 0) Report(chunk, std::nullopt, Bare(chunk, status));
      return {};
    }
    if (chunk.header.kind != ChunkKind::kBlocks) {
      const Result<std::vector<std::byte>> element =
          RepeatedElement(chunk, layout_.element.element_bytes);
      if (part == 0 && !element.ok()) Report(chunk, std::nullopt, element.status());
      return {};
    }
    if (!loader_.mapped()) {
      status = loader_.LoadBlocks(chunks, {{ChunkLoader::kAllBlocks}});
      if (!status.ok()) return status;
    }
    if (part == 0 && !chunk.header.stored) CheckStarts(chunk);
    if (chunk.needs_whole) {
      const Status decoded = part == 0 ? DecodeWhole(chunk) : Status();
      if (!decoded.ok()) Report(chunk, std::nullopt, decoded);
      return {};
    }
    const int64_t first = layout_.blocks_per_chunk * part / parts_;
    const int64_t stop = layout_.blocks_per_chunk * (part + 1) / parts_;
    if (layout_.blocks_per_chunk > kMaxSingleBlocks && !chunk.header.stored && !chunk.format) {
      if (part == 0) DecodeMany(chunk);
    } else {
      DecodeBlocks(chunk, first, stop);
    }
    return {};
  }

  // Without what the message says of path and chunk: the report has both.
  Status Bare(const LoadedChunk& chunk, const Status& status) const {
    const std::string where = file_.path() + ": " + chunk.Name() + ": ";
    const std::string& text = status.message();
    return text.compare(0, where.size(), where) == 0
               ? Status(status.code(), text.substr(where.size()))
               : status;
  }

  // No two blocks are the same bytes: one would be decoded in the place of another.
  void CheckStarts(const LoadedChunk& chunk) {
    const int64_t count = chunk.header.block_count();
    std::vector<std::pair<uint32_t, int64_t>> starts;
    starts.reserve(static_cast<size_t>(count));
    ByteReader reader(chunk.bytes.substr(kChunkHeaderBytes));
    for (int64_t block = 0; block < count; ++block) {
      starts.emplace_back(reader.Little<uint32_t>(), block);
    }
    std::sort(starts.begin(), starts.end());
    for (size_t i = 1; i < starts.size(); ++i) {
      if (starts[i].first != starts[i - 1].first) continue;
      Report(chunk, starts[i].second,
             Mismatch(StatusCode::kCorrupt, "start", std::to_string(starts[i].first),
                      "another than that of block " + std::to_string(starts[i - 1].second)));
    }
  }

  void CountDecoded(const LoadedChunk& chunk, int64_t blocks) {
    findings_.CountDecoded(chunk.header.stored ? "stored" : CodecName(chunk.header.codec), blocks,
                           chunk.has_checks);
  }

  Status DecodeWhole(const LoadedChunk& chunk) {
    Buffer elements(static_cast<size_t>(chunk.header.uncompressed_bytes));
    Status status = chunk.DecodeChunk(index_.codec(), elements.data());
    loader_.NoteChunk(chunk);
    if (status.ok()) CountDecoded(chunk, chunk.header.block_count());
    return status;
  }

  // Each block alone only to learn which one it is.
  void DecodeMany(const LoadedChunk& chunk) {
    if (DecodeWhole(chunk).ok()) return;
    if (DecodeBlocks(chunk, 0, layout_.blocks_per_chunk)) {
      Report(chunk, std::nullopt,
             Mismatch(StatusCode::kCorrupt, "compressed data", "blocks that can be decoded",
                      "a chunk that can"));
    }
  }

  bool DecodeBlocks(const LoadedChunk& chunk, int64_t first, int64_t stop) {
    if (chunk.header.stored) {
      CountDecoded(chunk, stop - first);
      return true;
    }
    std::byte* const elements = ThreadScratch<FrameCheck>(static_cast<size_t>(layout_.block_bytes));
    int64_t sound = 0;
    for (int64_t block = first; block < stop; ++block) {
      const Status status = chunk.DecodeBlock(index_.codec(), block, elements);
      loader_.NoteBlock(chunk, block);
      if (status.ok()) {
        ++sound;
      } else {
        Report(chunk, block, status);
      }
    }
    CountDecoded(chunk, sound);
    return sound == stop - first;
  }

  const FrameIndex& index_;
  const B2ndLayout& layout_;
  const ByteFile& file_;
  const ChunkLoader loader_;
  const int64_t parts_;
  Findings findings_;
  std::vector<int64_t> chunks_;  // to look at
};

// An array in an attribute (a mask); other values are not looked at, unless it must be one.
Status CheckNested(std::string packed, bool must_be_array) {
  Result<std::string> frame = UnpackNested(std::move(packed));
  if (!must_be_array && (!frame.ok() || !HasFrameMagic(*frame))) return {};
  if (!frame.ok()) return frame.status();
  const StringFile file("array", std::move(*frame), Access::kRead);
  Result<std::shared_ptr<const FrameIndex>> index = FrameIndex::Open(file);
  if (!index.ok()) return index.status();
  Result<FrameDamage> damage = DecodeFrame(**index, file, 1, 1, {});
  if (!damage.ok()) return damage.status();
  if (damage->places == 0) return {};
  const ChunkDamage& first = damage->listed[0];
  return first.what.At("chunk " + std::to_string(first.chunk));
}

Status CheckAttribute(const FrameIndex& index, const ByteFile& file, size_t number,
                      bool must_be_array, int64_t& budget_bytes) {
  Result<std::string> packed = index.attributes().Content(file, number);
  if (packed.ok()) packed = DecodeAttribute(index.codec(), *packed, budget_bytes, true);
  if (!packed.ok()) return packed.status();
  budget_bytes -= static_cast<int64_t>(packed->size());
  return CheckNested(std::move(*packed), must_be_array);
}

}  // namespace

Result<FrameDamage> DecodeFrame(const FrameIndex& index, const ByteFile& file, int max_threads,
                                size_t max_listed, const ProgressFn& progress) {
  return FrameCheck(index, file, max_listed, progress).Run(max_threads);
}

Result<std::vector<Status>> DecodeAttributes(const FrameIndex& index, const ByteFile& file,
                                             std::string_view array_name) {
  std::vector<Status> damage;
  // The index has none where names cannot be read.
  const FrameSummary& summary = index.summary();
  const auto trailer_offset = static_cast<uint64_t>(summary.frame_bytes) - summary.trailer_bytes;
  Result<FrameAttributes> names =
      FrameAttributes::Load(file, trailer_offset, summary.trailer_bytes, true);
  if (!names.ok()) damage.push_back(names.status());
  if (index.fingerprint()) {
    std::string trailer;
    Status status = ReadBytes(file, trailer_offset, summary.trailer_bytes, trailer);
    if (!status.ok()) return status;
    status =
        CheckSum("checksum of the attributes", SumTrailer(trailer), index.fingerprint()->trailer);
    if (!status.ok()) damage.push_back(status);
  }
  int64_t budget_bytes = 4 * kMaxAttributeBytes;
  const std::vector<AttributeInfo>& list = index.attributes().list();
  for (size_t i = 0; i < list.size(); ++i) {
    const bool must_be_array = list[i].name == array_name;
    Status status = CheckAttribute(index, file, i, must_be_array, budget_bytes);
    if (!status.ok()) damage.push_back(status.At("attribute '" + Excerpt(list[i].name) + "'"));
  }
  return damage;
}

}  // namespace ndarray
