#include "driver/store/blosc2/chunk_filters.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "driver/store/blosc2/codecs.h"

namespace ndarray {
namespace {

constexpr int64_t kPieceBytes = 4096;
constexpr int64_t kMaxLooks = 256;  // at pieces, unless more are wanted
constexpr std::string_view kAuto(
    "\x92\xa4"
    "AUTO\xcc",
    7);

// So that `i` times the step, modulo the count, visits all in an order that is soon everywhere.
int64_t SpreadingStep(int64_t count) {
  int64_t step = std::max<int64_t>(count * 5 / 8, 1);
  while (std::gcd(step, count) != 1) ++step;
  return step;
}

}  // namespace

std::string PipelineText(const FilterPipeline& pipeline) {
  std::string text;
  for (size_t i = 0; i < kMaxFilters; ++i) {
    if (pipeline.filters[i] == filter_id::kNone) continue;
    if (!text.empty()) text += ",";
    text += FilterName(pipeline.filters[i]);
    if (pipeline.metas[i] != 0) text += "(" + std::to_string(pipeline.metas[i]) + ")";
  }
  return text.empty() ? "NONE" : text;
}

Status CheckCanWrite(int compressor, const FilterPipeline& pipeline) {
  const auto& filters = pipeline.filters;
  Status status = CheckCanWrite(compressor, filters.data(), filters.size());
  if (!status.ok()) return status;
  const auto deltas = std::count(filters.begin(), filters.end(), filter_id::kDelta);
  const auto none = std::count(filters.begin(), filters.end(), filter_id::kNone);
  const auto others = static_cast<int64_t>(kMaxFilters) - none - deltas;
  if (deltas == 0 || (deltas == 1 && others <= 1)) return {};
  return Mismatch(StatusCode::kNotSupported, "filters to write with", PipelineText(pipeline),
                  "DELTA once, and at most one other: c-blosc2 cannot undo what it makes of more");
}

// Filters fill the last slots.
FilterPipeline PipelineOf(uint8_t filter, uint8_t group_bytes) {
  FilterPipeline pipeline;
  const auto set = [&](size_t slot, uint8_t id, uint8_t meta) {
    pipeline.filters[slot] = id;
    pipeline.metas[slot] = meta;
  };
  // SHUFFLE changes nothing in groups of one byte, but takes longer to undo than ZSTD to decode.
  const auto shuffle_into = [&](size_t slot) {
    if (group_bytes > 1) set(slot, filter_id::kShuffle, group_bytes);
  };
  constexpr size_t kLast = kMaxFilters - 1;
  if (filter == filter_id::kByteDelta) {
    shuffle_into(kLast - 1);
    set(kLast, filter_id::kByteDelta, group_bytes);
  } else if (filter == filter_id::kShuffle) {
    shuffle_into(kLast);
  } else {
    set(kLast, filter, 0);
  }
  return pipeline;
}

std::vector<FilterCandidate> FiltersToTry(int compressor, uint8_t group_bytes) {
  std::vector<FilterCandidate> candidates;
  const CodecRow* const codec = FindWritableCodec(compressor);
  if (codec == nullptr) return candidates;
  for (const TrialFilter& trial : codec->filters) {
    if (trial.byte_weight == 0) break;
    const FilterPipeline pipeline = PipelineOf(trial.filter, group_bytes);
    const auto same = [&](const FilterCandidate& other) { return other.pipeline == pipeline; };
    if (std::any_of(candidates.begin(), candidates.end(), same)) continue;
    candidates.push_back({pipeline, group_bytes == 1 ? trial.byte_weight : trial.weight});
  }
  return candidates;
}

int64_t SampleBytes(int64_t chunk_bytes, int64_t block_bytes, int64_t group_bytes,
                    int64_t candidates) {
  // A damaged file may say that a pixel is longer than a block.
  if (candidates < 2 || block_bytes > chunk_bytes || group_bytes > block_bytes) return 0;
  const int64_t budget_bytes = chunk_bytes / kSampleShare / candidates;
  const int64_t unit_bytes = budget_bytes >= block_bytes ? block_bytes : group_bytes;
  const int64_t size_bytes = budget_bytes / unit_bytes * unit_bytes;
  return size_bytes >= kMinSampleBytes ? size_bytes : 0;
}

bool TakeSample(const std::byte* chunk, int64_t chunk_bytes, int64_t block_bytes,
                int64_t group_bytes, std::byte* sample, int64_t size_bytes) {
  const int64_t wanted_bytes = std::min(block_bytes, std::max(kPieceBytes, group_bytes));
  const int64_t piece_bytes = std::max(wanted_bytes / group_bytes, int64_t{1}) * group_bytes;
  const int64_t blocks = chunk_bytes / block_bytes;
  const int64_t slots = block_bytes / piece_bytes;
  const int64_t block_step = SpreadingStep(blocks);
  const int64_t slot_step = SpreadingStep(slots);
  const int64_t wanted = size_bytes / piece_bytes + 1;
  const int64_t looks = std::max(2 * wanted, std::min(blocks, kMaxLooks));
  std::vector<const std::byte*> pieces;
  for (int64_t i = 0; i < looks; ++i) {
    const int64_t block = i * block_step % blocks;
    const int64_t slot = (i * slot_step + i / blocks) % slots;
    const std::byte* const piece = chunk + block * block_bytes + slot * piece_bytes;
    const auto rest_bytes = static_cast<size_t>(piece_bytes - group_bytes);
    if (std::memcmp(piece, piece + group_bytes, rest_bytes) != 0) pieces.push_back(piece);
  }
  // A chunk that is quick to compress, for the most part, has a small sample.
  const auto found = static_cast<int64_t>(pieces.size());
  const int64_t fill_bytes = std::max(size_bytes * found / looks, size_bytes / 2);
  int64_t filled_bytes = 0;
  for (const std::byte* const piece : pieces) {
    const int64_t taken_bytes = std::min(piece_bytes, fill_bytes - filled_bytes);
    std::memcpy(sample + filled_bytes, piece, static_cast<size_t>(taken_bytes));
    filled_bytes += taken_bytes;
  }
  std::memset(sample + filled_bytes, 0, static_cast<size_t>(size_bytes - filled_bytes));
  return found > 0;
}

std::string FormatAutoFilter(uint8_t group_bytes) {
  return std::string(kAuto) + static_cast<char>(group_bytes);
}

uint8_t ParseAutoFilter(std::string_view content, int64_t element_bytes) {
  if (content.size() != kAuto.size() + 1 || content.substr(0, kAuto.size()) != kAuto) return 0;
  const auto group_bytes = static_cast<uint8_t>(content.back());
  // The longest elements are single bytes to c-blosc2.
  const int64_t step = element_bytes > UINT8_MAX ? 1 : element_bytes;
  return group_bytes % step == 0 ? group_bytes : 0;
}

}  // namespace ndarray
