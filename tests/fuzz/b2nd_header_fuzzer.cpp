// Any bytes as the part of a .b2nd file that they begin like: header, trailer, chunk, or a value in
// msgpack.
#include <nlohmann/json.hpp>

#include "driver/store/blosc2/b2nd_layout.h"
#include "driver/store/blosc2/blosc_chunk.h"
#include "driver/store/blosc2/chunk_checks.h"
#include "driver/store/blosc2/chunk_filters.h"
#include "driver/store/blosc2/frame_header.h"
#include "driver/store/blosc2/frame_trailer.h"
#include "driver/store/msgpack.h"
#include "tests/fuzz/fuzz_support.h"
#include "tests/fuzz/repaired_checks.h"

namespace ndarray::fuzz {
namespace {

void CheckLayout(std::string_view content) {
  const Result<B2ndLayout> layout = ParseB2ndMetalayer(content);
  CheckResult(layout);
  if (!layout.ok()) return;
  Check(layout->shape.size() >= 1 && layout->shape.size() <= kMaxB2ndAxes);
  Check(layout->chunk_count >= 1 && layout->blocks_per_chunk >= 1);
  Check(layout->block_bytes >= 1 && layout->chunk_bytes >= layout->block_bytes);
  Check(layout->chunk_bytes <= INT32_MAX);
}

void RunHeader(std::string_view bytes) {
  const Result<FrameHeader> header = ParseFrameHeader(bytes);
  CheckResult(header);
  if (!header.ok()) return;
  for (const Metalayer& layer : header->metalayers) CheckLayout(layer.content);
}

void RunTrailer(std::string_view bytes) {
  CheckResult(FrameTrailerBytes(bytes));
  CheckResult(FrameTrailerNamesBytes(bytes));
  CheckResult(ParseFrameTrailer(bytes));
}

void RunChunk(std::string_view bytes) {
  const Result<BloscChunk> chunk = ParseChunkHeader(bytes, bytes.size());
  CheckResult(chunk);
  if (!chunk.ok()) return;
  Check(chunk->directory_bytes() <= static_cast<int64_t>(bytes.size()));
  CheckResult(CheckDirectory(*chunk, bytes));
  std::string forged(bytes);
  RepairChunk(forged, 0);
  const Result<bool> has_checks = CheckDirectory(*chunk, forged);
  Check(has_checks.ok());
  if (!*has_checks || chunk->kind != ChunkKind::kBlocks) return;
  const Status status = CheckBlocks(
      *chunk, std::string_view(forged).substr(0, static_cast<size_t>(chunk->compressed_bytes)));
  if (!status.ok()) CheckFailure(status);
}

// What else the first byte may begin: others refuse it at once.
void Run(std::string_view bytes) {
  const unsigned first = bytes.empty() ? 0 : static_cast<unsigned char>(bytes[0]);
  if (first == 0x9e) return RunHeader(bytes);
  if (first < 0x08) return RunChunk(bytes);
  if (first == 0x94) RunTrailer(bytes);
  if (first == 0x97) CheckLayout(bytes);
  if (first == 0x92) ParseAutoFilter(bytes, 4);
  int64_t max_values = kMaxMsgpackValues;
  const Result<nlohmann::json> value = ParseMsgpack(bytes, max_values);
  CheckResult(value);
  if (value.ok()) Presentable(*value);
}

}  // namespace
}  // namespace ndarray::fuzz

NDARRAY_FUZZ_TARGET(ndarray::fuzz::Run)
