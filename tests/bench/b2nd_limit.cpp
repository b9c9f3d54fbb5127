// What no reader of .b2nd files can beat: decoding the blocks of windows, and nothing else. A
// library for tests/bench/b2nd_windows.py, so that it takes turns with the readers.

#include <chrono>
#include <memory>
#include <vector>

#include "driver/store/blosc2/b2nd_layout.h"
#include "driver/store/frame/chunk_loader.h"
#include "driver/store/frame/frame_index.h"
#include "driver/store/io/local_file.h"
#include "driver/store/thread_pool.h"

namespace ndarray {
namespace {

struct Block {
  const LoadedChunk* chunk;
  int64_t number;
};

std::byte* Scratch(size_t size_bytes) {
  thread_local Buffer scratch(0);
  if (scratch.size_bytes() < size_bytes) scratch = Buffer(size_bytes);
  return scratch.data();
}

// The blocks of each window of a two-dimensional array, in lists of a window each.
std::vector<std::vector<Block>> BlocksOfWindows(const FrameIndex& index,
                                                const std::vector<LoadedChunk>& chunks,
                                                const int64_t* corners, int windows, int64_t side) {
  const B2ndLayout& layout = index.layout();
  std::vector<std::vector<Block>> lists;
  for (int i = 0; i < windows; ++i) {
    const int64_t x = corners[2 * i];
    const int64_t y = corners[2 * i + 1];
    const Box box{{y, x}, {y + side, x + side}};
    const Box places = ChunksOf(layout, box);
    std::vector<Block> list;
    for (int64_t v = places.start[0]; v < places.stop[0]; ++v) {
      for (int64_t u = places.start[1]; u < places.stop[1]; ++u) {
        const AxisVector place{v, u};
        const LoadedChunk& chunk = chunks[static_cast<size_t>(GridIndex(layout.chunk_grid, place))];
        const Box blocks = BlocksOf(layout, place, box);
        for (int64_t q = blocks.start[0]; q < blocks.stop[0]; ++q) {
          for (int64_t p = blocks.start[1]; p < blocks.stop[1]; ++p) {
            list.push_back({&chunk, GridIndex(layout.block_grid, {q, p})});
          }
        }
      }
    }
    lists.push_back(std::move(list));
  }
  return lists;
}

}  // namespace

// Seconds for all windows of side x side at corners (x, y), or a negative number.
extern "C" __attribute__((visibility("default"))) double decode_windows(const char* path,
                                                                        const int64_t* corners,
                                                                        int windows, int64_t side,
                                                                        int threads) {
  auto file = OpenLocalFile(path);
  if (!file.ok()) return -1;
  auto index = FrameIndex::Open(**file);
  if (!index.ok() || (*index)->layout().shape.size() != 2) return -2;
  const ChunkLoader loader(**index, **file);
  std::vector<LoadedChunk> chunks(static_cast<size_t>((*index)->layout().chunk_count));
  for (size_t i = 0; i < chunks.size(); ++i) chunks[i].chunk_index = static_cast<int64_t>(i);
  if (!loader.LoadHeaders(chunks).ok()) return -3;
  const auto lists = BlocksOfWindows(**index, chunks, corners, windows, side);

  const auto block_bytes = static_cast<size_t>((*index)->layout().block_bytes);
  const auto start = std::chrono::steady_clock::now();
  for (const std::vector<Block>& list : lists) {
    const auto bytes = static_cast<int64_t>(list.size() * block_bytes);
    const auto useful = static_cast<int>(std::min<int64_t>(threads, bytes / (48 << 10)));
    ParallelFor(static_cast<int64_t>(list.size()), useful, [&](int64_t i) {
      const Block& block = list[static_cast<size_t>(i)];
      static_cast<void>(
          block.chunk->DecodeBlock((*index)->codec(), block.number, Scratch(block_bytes)));
    });
  }
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace ndarray
