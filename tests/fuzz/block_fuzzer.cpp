// Blocks decoded here are compared with those that c-blosc2 decodes: the same bytes, or both
// refuse. The input is a chunk; or, where it begins with 0x80 and more, a description of one:
// codec, filters, sizes, and what its streams are, compressed or not, with some bytes changed
// afterwards.
#include <blosc2.h>

#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "driver/store/blosc2/block_decoder.h"
#include "driver/store/blosc2/blosc_chunk.h"
#include "driver/store/blosc2/blosc_codec.h"
#include "tests/fuzz/fuzz_support.h"

namespace ndarray::fuzz {
namespace {

constexpr int64_t kMaxBlocks = 64;  // decoded of one chunk
constexpr int32_t kFileElementBytes = 4;
constexpr int64_t kMaxChunkBytes = int64_t{1} << 20;  // blocks are decoded in full
constexpr int kMaxElementsBytes = 4096;               // of described chunks

using Bytes = std::vector<std::byte>;

// Runs of bytes of a block, one after another or further apart.
BlockRuns RandomRuns(Random& random, size_t block_bytes) {
  const auto size = static_cast<int64_t>(block_bytes);
  const int64_t unit = std::min(1 + Below(random, 4), size);
  const int64_t step = unit * (1 + Below(random, size / unit));
  const int64_t count = 1 + Below(random, size / step);
  const int64_t start = Below(random, size - (count * step - unit) + 1) / unit * unit;
  BlockRuns runs;
  runs.start = static_cast<size_t>(std::min(start, size - count * step));
  runs.run_bytes = static_cast<size_t>(unit * (1 + Below(random, step / unit)));
  runs.axes_size = 1;
  runs.axes[0] = {static_cast<size_t>(count), static_cast<size_t>(step),
                  static_cast<std::ptrdiff_t>(runs.run_bytes)};
  return runs;
}

// Whether c-blosc2 says what all bytes of its blocks are: what BYTEDELTA leaves behind the last
// plane is whatever was in its memory.
bool IsDefined(const BlockFormat& format, size_t block_bytes) {
  for (size_t i = 0; i < format.steps_size; ++i) {
    const FilterStep& step = format.steps[i];
    if (step.kind == FilterStep::Kind::kUndelta && block_bytes % step.width != 0) return false;
  }
  return true;
}

void RunBlock(std::string_view bytes, const BlockFormat& format, int64_t block,
              const Status& reference, const std::byte* wanted, Random& random) {
  const size_t size = format.BlockBytes(block);
  Bytes whole(size);
  const Status status = DecodeWholeBlock(format, bytes, block, whole.data());
  if (!status.ok()) CheckFailure(status);
  // In the other direction: LZ4 of another version may take what this one does not.
  if (status.ok() && reference.ok() && IsDefined(format, size)) {
    Check(std::equal(whole.begin(), whole.end(), wanted));
  }
  BlockRuns runs = RandomRuns(random, size);
  Bytes found(runs.run_bytes * runs.axes[0].count);
  runs.to = found.data();
  const Status of_runs = DecodeRuns(format, bytes, block, &runs, 1);
  Check(of_runs.ok() || !status.ok());
  if (!status.ok()) return;
  for (size_t run = 0; run < runs.axes[0].count; ++run) {
    const auto from = static_cast<std::ptrdiff_t>(runs.start + run * runs.axes[0].block_step);
    const auto to = static_cast<std::ptrdiff_t>(run * runs.run_bytes);
    Check(std::equal(whole.begin() + from,
                     whole.begin() + from + static_cast<std::ptrdiff_t>(runs.run_bytes),
                     found.begin() + to));
  }
}

void RunChunk(std::string_view bytes, bool sound) {
  const Result<BloscChunk> chunk = ParseChunkHeader(bytes, bytes.size());
  CheckResult(chunk);
  Check(chunk.ok() || !sound);
  if (!chunk.ok()) return;
  const auto format = FindBlockFormat(*chunk, kFileElementBytes);
  if (!format || chunk->uncompressed_bytes > kMaxChunkBytes) return;
  bytes = bytes.substr(0, static_cast<size_t>(chunk->compressed_bytes));
  static const auto codec = std::move(*BloscCodec::Make(kFileElementBytes, ""));
  Bytes wanted(static_cast<size_t>(chunk->uncompressed_bytes));
  const Status reference = codec->DecodeChunk(bytes, *chunk, wanted.data());
  Check(reference.ok() || !sound);
  Random random = RandomOf(bytes);
  const int64_t blocks = std::min(chunk->block_count(), kMaxBlocks);
  for (int64_t block = 0; block < blocks; ++block) {
    RunBlock(bytes, *format, block, reference, wanted.data() + block * chunk->block_bytes, random);
  }
}

struct FreeContext {
  void operator()(blosc2_context* context) const { blosc2_free_ctx(context); }
};

// A chunk as c-blosc2 compresses it; empty where it does not take the parameters.
std::string Compressed(Choices& choices) {
  static const bool initialized = (blosc2_init(), true);
  static_cast<void>(initialized);
  constexpr uint8_t kCodecs[] = {BLOSC_LZ4, BLOSC_ZSTD, BLOSC_LZ4HC, BLOSC_BLOSCLZ, BLOSC_ZLIB};
  constexpr uint8_t kFilters[] = {0, 0, BLOSC_SHUFFLE, BLOSC_BITSHUFFLE, 35, BLOSC_DELTA};
  blosc2_cparams parameters = BLOSC2_CPARAMS_DEFAULTS;
  parameters.compcode = kCodecs[choices.Below(std::size(kCodecs))];
  parameters.clevel = static_cast<uint8_t>(choices.Below(10));
  parameters.typesize = 1 + static_cast<int32_t>(choices.Below(17));
  parameters.nthreads = 1;
  parameters.splitmode = choices.Below(2) == 0 ? BLOSC_ALWAYS_SPLIT : BLOSC_NEVER_SPLIT;
  for (int i = 0; i < BLOSC2_MAX_FILTERS; ++i) {
    parameters.filters[i] = i < 2 ? 0 : kFilters[choices.Below(std::size(kFilters))];
    parameters.filters_meta[i] = static_cast<uint8_t>(choices.Below(20));
  }
  const auto elements = 1 + choices.Below(kMaxElementsBytes / parameters.typesize);
  const auto blocks = 1 + choices.Below(8);
  parameters.blocksize =
      static_cast<int32_t>((elements + blocks - 1) / blocks) * parameters.typesize;
  blosc2_schunk schunk{};  // filters ask it for the size of elements
  schunk.typesize = parameters.typesize;
  parameters.schunk = &schunk;
  // What is left of the input, over and over: so it compresses.
  std::string content(static_cast<size_t>(elements * parameters.typesize), '\0');
  const std::string_view pattern = choices.rest();
  for (size_t i = 0; i < content.size() && !pattern.empty(); ++i) {
    content[i] = pattern[i % pattern.size()];
  }
  const std::unique_ptr<blosc2_context, FreeContext> context(blosc2_create_cctx(parameters));
  std::string chunk(content.size() + BLOSC2_MAX_OVERHEAD, '\0');
  const int size =
      context == nullptr
          ? -1
          : blosc2_compress_ctx(context.get(), content.data(), static_cast<int32_t>(content.size()),
                                chunk.data(), static_cast<int32_t>(chunk.size()));
  chunk.resize(static_cast<size_t>(std::max(size, 0)));
  return chunk;
}

void Run(std::string_view bytes) {
  if (bytes.empty() || static_cast<unsigned char>(bytes[0]) < 0x80) return RunChunk(bytes, false);
  Choices choices(bytes.substr(1));
  const int64_t changes = static_cast<unsigned char>(bytes[0]) & 7;
  std::vector<std::pair<int64_t, char>> changed;
  for (int64_t i = 0; i < changes; ++i) {
    const int64_t at = choices.Below(65536);
    changed.emplace_back(at, static_cast<char>(choices.Below(256)));
  }
  std::string chunk = Compressed(choices);
  if (chunk.empty()) return;
  for (const auto& [at, byte] : changed) chunk[static_cast<size_t>(at) % chunk.size()] = byte;
  const std::unique_ptr<char[]> exact(new char[chunk.size()]);
  std::memcpy(exact.get(), chunk.data(), chunk.size());
  RunChunk({exact.get(), chunk.size()}, changes == 0);
}

}  // namespace
}  // namespace ndarray::fuzz

NDARRAY_FUZZ_TARGET(ndarray::fuzz::Run)
