// Reads one window of a .b2nd file: the engine of B2ndArray::Read.
//
// The chunks that the window touches are taken in batches; of each batch every block is one task
// for the process-wide threads, the calling one included. A task decodes its block straight into
// the caller's memory where it lies there as in the file, else into memory of its thread that stays
// in the processor's cache, and copies the window's part. Blocks of which the window has only a
// part go through the process-wide block cache.
#ifndef GDAL_NDARRAY_STORE_BLOCK_READER_H_
#define GDAL_NDARRAY_STORE_BLOCK_READER_H_

#include <atomic>
#include <cstdint>
#include <exception>
#include <mutex>
#include <vector>

#include "driver/store/array.h"
#include "driver/store/block_cache.h"
#include "driver/store/byte_file.h"
#include "driver/store/chunk_loader.h"
#include "driver/store/frame_index.h"
#include "driver/store/status.h"

namespace ndarray {

class BlockReader {
 public:
  // All must outlive the reader. REQUIRES: as Array::Read
  BlockReader(const FrameIndex& index, const ByteFile& file, const Field& field, const Box& box,
              const StridedView& to, int max_threads);

  Status Run();

 private:
  struct Task {
    size_t chunk;              // of chunks_
    int64_t block;             // its number within the chunk, or one of the constants in the .cpp
    BlockCache::Block cached;  // where it was looked up before the task began
  };

  int64_t AddChunk(const AxisVector& place);
  void AddTasks(size_t chunk, int64_t& tasks_bytes);
  Status RunBatch();
  Status LoadBlocks();
  int Threads(int64_t tasks_bytes) const;

  Status RunTask(const Task& task) const;
  Status Fill(const LoadedChunk& chunk) const;
  Status ReadWhole(const LoadedChunk& chunk, const Task& task) const;
  Status ReadBlock(const LoadedChunk& chunk, const Task& task) const;
  Status Decode(const LoadedChunk& chunk, int64_t block, std::byte* to) const;

  AxisVector PlaceOf(const LoadedChunk& chunk) const;
  // The window's part of a block's elements.
  Box PartOf(const Box& block) const;
  bool IsPartial(const Box& block, const Box& part) const;
  bool IsCacheable(const LoadedChunk& chunk, const Box& block) const;
  bool IsWanted(const LoadedChunk& chunk, const Box& block) const;
  BlockCache::Block FindCached(const LoadedChunk& chunk, const Task& task) const;
  std::byte* Destination(const Box& part) const;
  bool LiesAsInFile(const Box& block, const Box& part) const;
  void Copy(const std::byte* block, const Box& block_box, const Box& part) const;

  const FrameIndex& index_;
  const B2ndLayout& layout_;
  const ByteFile& file_;
  const Field& field_;
  const Box& box_;
  const StridedView& to_;
  const int max_threads_;
  const ChunkLoader loader_;
  const bool caches_blocks_;
  const bool caches_chunks_;

  // The current batch.
  std::vector<LoadedChunk> chunks_;
  std::vector<Task> tasks_;
};

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_BLOCK_READER_H_
