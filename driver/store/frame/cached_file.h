// How a file is being read: which of its blocks the block cache has and should get, whether it is
// in memory, and counters. All who read a file through one index share it.
//
// Everything but Forget may be called from any number of threads at once. Sizes are in bytes.
#ifndef GDAL_NDARRAY_STORE_FRAME_CACHED_FILE_H_
#define GDAL_NDARRAY_STORE_FRAME_CACHED_FILE_H_

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <utility>

#include "driver/store/frame/block_cache.h"
#include "driver/store/io/cold_reads.h"

namespace ndarray {

class CachedFile {
 public:
  CachedFile() : number_(BlockCache::Process().NewFile()) {}
  ~CachedFile() { BlockCache::Process().DropFile(number_); }
  CachedFile(const CachedFile&) = delete;
  CachedFile& operator=(const CachedFile&) = delete;

  // A block of a chunk, by their numbers (or one of BlockCache's constants); nullptr where it is
  // not in the cache.
  BlockCache::Block Find(int64_t chunk, int64_t block) {
    return BlockCache::Process().Find({number_, chunk, block}, *counters_);
  }
  void Insert(int64_t chunk, int64_t block, BlockCache::Block decoded) {
    BlockCache::Process().Insert({number_, chunk, block}, std::move(decoded), counters_);
  }

  // As the cache's methods of these names.
  bool WantsPart(int64_t used_bytes, int64_t block_bytes) const {
    return BlockCache::Process().WantsPart(*counters_, used_bytes, block_bytes);
  }
  bool WantsWhole(int64_t chunk, int64_t block, int64_t block_bytes) {
    return BlockCache::Process().WantsWhole(
        {number_, chunk, block}, *counters_,
        decoded_blocks_.load(std::memory_order_relaxed) * block_bytes);
  }

  // Has the cache drop all blocks of the file: it has changed. Needs exclusion.
  void Forget() {
    BlockCache::Process().DropFile(number_);
    number_ = BlockCache::Process().NewFile();
    if (checks_ != nullptr) CountChunks(chunk_count_);
  }

  // What is known of the checksums of a chunk's directory, which are compared once.
  enum class Checks : uint8_t { kUnknown, kNone, kRight };
  Checks checks(int64_t chunk) const {
    return checks_ == nullptr
               ? Checks::kUnknown
               : static_cast<Checks>(__atomic_load_n(checks_.get() + chunk, __ATOMIC_RELAXED));
  }
  void NoteChecks(int64_t chunk, Checks checks) {
    if (checks_ == nullptr) return;
    __atomic_store_n(checks_.get() + chunk, static_cast<uint8_t>(checks), __ATOMIC_RELAXED);
  }

  // Makes room to note them. Needs exclusion. Memory that nobody touches costs nothing, and without
  // any they are compared each time.
  void CountChunks(int64_t count) {
    chunk_count_ = count;
    checks_.reset(static_cast<uint8_t*>(std::calloc(static_cast<size_t>(count), 1)));
  }

  uint64_t number() const { return number_; }  // in the cache
  const BlockCache::Counters& counters() const { return *counters_; }
  ColdReads& cold_reads() { return cold_reads_; }

  // Blocks decoded so far: how often work was done twice.
  const std::atomic<int64_t>& decoded_blocks() const { return decoded_blocks_; }
  void NoteDecoded(int64_t blocks) { decoded_blocks_.fetch_add(blocks, std::memory_order_relaxed); }

  // Bytes whose filters were undone to memory in between, from where they were copied, since they
  // could not go straight to where they were wanted. (What codecs decode is in one piece: without
  // filters it is always copied from there.)
  const std::atomic<int64_t>& scratch_bytes() const { return scratch_bytes_; }
  void NoteScratch(int64_t bytes) { scratch_bytes_.fetch_add(bytes, std::memory_order_relaxed); }

 private:
  struct Free {
    void operator()(uint8_t* memory) const { std::free(memory); }
  };

  uint64_t number_;
  int64_t chunk_count_ = 0;
  std::unique_ptr<uint8_t[], Free> checks_;  // a Checks for each chunk
  const std::shared_ptr<BlockCache::Counters> counters_ = std::make_shared<BlockCache::Counters>();
  ColdReads cold_reads_;
  std::atomic<int64_t> decoded_blocks_{0};
  std::atomic<int64_t> scratch_bytes_{0};
};

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_FRAME_CACHED_FILE_H_
