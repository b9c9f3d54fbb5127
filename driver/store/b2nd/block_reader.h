// Reads windows of a .b2nd file: the engine of B2ndArray::Read.
//
// The chunks that the windows touch are taken in batches; of each batch every block is one task
// for the process-wide threads, the calling one included. A task undoes the filters of its block
// straight into the caller's memory, only of the rows that the window has; so are those of single
// bands of pixels, and of pixels that go to a plane for each band, if pixels were shuffled whole.
// Where that cannot be (other byte orders, fields of records, other tiny runs, blocks that c-blosc2
// decodes), it decodes into memory of its thread that stays in the processor's cache, and copies
// the window's part: single elements take several times as long to be copied as filters to be
// undone. What the process-wide block cache has is copied from there.
#ifndef GDAL_NDARRAY_STORE_B2ND_BLOCK_READER_H_
#define GDAL_NDARRAY_STORE_B2ND_BLOCK_READER_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "driver/store/array.h"
#include "driver/store/frame/block_cache.h"
#include "driver/store/frame/chunk_loader.h"
#include "driver/store/frame/frame_index.h"
#include "driver/store/io/byte_file.h"
#include "driver/store/status.h"

namespace ndarray {

class BlockReader {
 public:
  // All, and what the targets are a view of, must outlive the reader. REQUIRES: as Array::Read, at
  // least one target
  BlockReader(const FrameIndex& index, const ByteFile& file, const ReadTargets& targets,
              int max_threads);

  Status Run();

 private:
  // Instead of a block's number.
  static constexpr int64_t kWholeChunk = BlockCache::kWholeChunk;
  static constexpr int64_t kFill = -100;  // is never looked up

  // What the block cache has of a block.
  struct Lookup {
    BlockCache::Block cached;  // nullptr: nothing
    bool wanted = false;       // it is not there, and should be kept
  };

  struct Task {
    size_t chunk;                  // of chunks_
    int64_t block;                 // its number within the chunk, or one of the constants
    std::optional<Lookup> lookup;  // where it was made before the task began
  };

  void AddChunk(const AxisVector& position, int64_t& blocks);
  void AddTasks(size_t chunk, int64_t& tasks_bytes);
  Status RunBatch(int64_t bytes);
  Status RunTasks(int64_t first, int64_t stop, int64_t tasks_bytes) const;
  // For tasks whose blocks are not in memory (cold_blocks.cpp).
  bool IsCold(int64_t bytes) const;
  Status RunCold(int64_t tasks_bytes) const;
  Status LoadBlocks();
  int Threads(int64_t tasks_bytes) const;

  Status RunTask(const Task& task) const;
  Status Fill(const LoadedChunk& chunk) const;
  Status ReadWhole(const LoadedChunk& chunk, const Task& task) const;
  Status ReadBlock(const LoadedChunk& chunk, const Task& task) const;
  Status Decode(const LoadedChunk& chunk, int64_t block, std::byte* to) const;
  // Decodes rows of the block straight into the targets' memory, or says that they do not lie there
  // so that this pays.
  bool DecodeStraight(const LoadedChunk& chunk, int64_t block, const Box& box,
                      Status& status) const;
  bool FindRuns(const ReadTarget& target, const Box& box, BlockRuns& runs) const;

  AxisVector PositionOf(const LoadedChunk& chunk) const;
  // A failure with the block's number and place.
  Status AtBlock(const Status& status, const LoadedChunk& chunk, int64_t block) const;
  // The bytes of a box that the targets take together.
  int64_t UsedBytes(const Box& box) const;
  // Whether the block goes from one side of the array to the other where the windows do not: rows
  // for windows, all bands for one. Their neighbours need the very same blocks.
  bool IsSlab(const Box& block) const;
  Lookup LookUp(const LoadedChunk& chunk, int64_t number, const Box& block) const;
  Lookup LookUpWhole(const LoadedChunk& chunk) const;
  // Where a block lies as in the file in the caller's memory, else nullptr.
  std::byte* InPlace(const Box& block) const;
  void Copy(const std::byte* block, const Box& box) const;

  const FrameIndex& index_;
  CachedFile& cached_file_;
  const B2ndLayout& layout_;
  const ByteFile& file_;
  const ReadTargets targets_;
  const int max_threads_;
  const Box bounds_;  // of all targets
  const ChunkLoader loader_;
  const bool caches_blocks_;
  const bool caches_chunks_;

  // The current batch.
  std::vector<LoadedChunk> chunks_;
  std::vector<Task> tasks_;
};

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_B2ND_BLOCK_READER_H_
