// Decoded blocks that may be wanted again, kept for all files of this process within one bound.
//
// Blocks that a window has a part of may be kept, so that its neighbours need not decode them
// again; blocks that it has whole only while windows come back to such blocks (panning, redrawing).
// The least recently used blocks go first.
//
// Keeping a block is not free: it is decoded into memory that is in no processor cache. Random
// windows of a large image never come back to a block, so rules say which are worth it. Each of
// them brings something on a workload that tests/README.md names; benchmarks switch them off.
//
// All methods may be called from any number of threads at once; a block that somebody holds stays
// alive after it has been dropped. Sizes are in bytes.
#ifndef GDAL_NDARRAY_STORE_FRAME_BLOCK_CACHE_H_
#define GDAL_NDARRAY_STORE_FRAME_BLOCK_CACHE_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "driver/store/buffer.h"

namespace ndarray {

class BlockCache {
 public:
  using Block = std::shared_ptr<const Buffer>;

  // What one file made of the cache.
  struct Counters {
    std::atomic<int64_t> hits{0};
    std::atomic<int64_t> misses{0};
    std::atomic<int64_t> held_bytes{0};  // now
    // The share of blocks that were asked for before, of kMaxReturns; the recent past counts most.
    // One for blocks that windows have a part of, one for those that they have whole.
    std::atomic<int32_t> returns{0};
    std::atomic<int32_t> whole_returns{0};
  };

  struct Key {
    uint64_t file;  // from NewFile
    int64_t chunk;
    int64_t block;
    friend bool operator==(const Key& a, const Key& b) {
      return a.file == b.file && a.chunk == b.chunk && a.block == b.block;
    }
  };

  // Instead of a block's number: what else is kept of a chunk.
  static constexpr int64_t kWholeChunk = -1;
  static constexpr int64_t kDirectory = -2;

  static constexpr int64_t kDefaultMaxBytes = int64_t{64} << 20;

  enum Rule : uint32_t {
    // Blocks that a window has a part of are kept:
    kReturns = 1,   // if blocks of the file have been asked for again lately, kept or not
    kMuchLeft = 2,  // if the window leaves much of them: others will want that
    kSlabs = 4,     // if they cross the array where windows do not, as BlockReader knows
    kEach = 8,      // always; for benchmarks
    // Blocks that a window has whole are looked up and kept, too, as long as such blocks of the
    // file come back before half of the cache would have been filled with them.
    kWhole = 16,
  };
  static constexpr uint32_t kDefaultRules = kReturns | kMuchLeft | kSlabs | kWhole;

  // The one of this process.
  static BlockCache& Process();

  explicit BlockCache(int64_t max_bytes = kDefaultMaxBytes) : max_bytes_(max_bytes) {}

  // A number that no other file has or had.
  uint64_t NewFile() { return next_file_.fetch_add(1); }
  void DropFile(uint64_t file);

  // Whether there is room for blocks of this size at all.
  bool Admits(size_t size_bytes) const {
    const auto max_bytes = static_cast<uint64_t>(max_bytes_.load(std::memory_order_relaxed));
    return max_bytes >= kEntryBytes && size_bytes <= max_bytes - kEntryBytes;
  }

  bool Follows(Rule rule) const { return (rules_.load(std::memory_order_relaxed) & rule) != 0; }
  // For benchmarks.
  void SetRules(uint32_t rules) { rules_.store(rules, std::memory_order_relaxed); }

  // nullptr for a block that is not here.
  Block Find(const Key& key, Counters& counters);

  // Whether a block that was not found should be kept once it is decoded, given the bytes of it
  // that the window takes, which are not all.
  bool WantsPart(const Counters& counters, int64_t used_bytes, int64_t block_bytes) const {
    constexpr int64_t kMuchBytes = 96 << 10;
    return (Follows(kMuchLeft) && block_bytes - used_bytes >= kMuchBytes) ||
           (Follows(kReturns) &&
            counters.returns.load(std::memory_order_relaxed) > kMaxReturns / 3) ||
           Follows(kEach);
  }

  // Whether a block that the window has whole should be looked up, and kept where it is not found.
  // Costs no lock. `decoded_bytes`: of all blocks of the file that were decoded so far.
  bool WantsWhole(const Key& key, Counters& counters, int64_t decoded_bytes);

  // Keeps the block, unless one of that key has come meanwhile. Drops others to stay in bounds.
  void Insert(const Key& key, Block block, const std::shared_ptr<Counters>& counters);

  void SetMaxBytes(int64_t max_bytes);
  int64_t max_bytes() const { return max_bytes_; }
  int64_t held_bytes() const { return held_bytes_; }

 private:
  struct Entry {
    Key key;
    Block block;
    std::shared_ptr<Counters> counters;
    int64_t tick;  // of its last use
  };
  struct Hash {
    size_t operator()(const Key& key) const;
  };
  // Least recently used last.
  struct alignas(64) Shard {
    std::mutex mutex;
    std::list<Entry> entries;
    std::unordered_map<Key, std::list<Entry>::iterator, Hash> index;
    std::atomic<int64_t> oldest_tick{INT64_MAX};
  };
  static constexpr int64_t kEntryBytes = 256;  // what the cache itself needs for a block, about
  static constexpr size_t kShards = 16;
  static constexpr int32_t kMaxReturns = 1 << 16;
  static constexpr size_t kRemembered = 8192;

  Shard& ShardOf(const Key& key) { return shards_[Hash()(key) % kShards]; }
  static int64_t Cost(const Block& block);
  void Remove(Shard& shard, std::list<Entry>::iterator entry);
  void Shrink();

  static void NoteReturn(std::atomic<int32_t>& returns, bool returned);

  std::array<Shard, kShards> shards_;
  // Hashes of blocks that were asked for and not here, each at the index that it gives.
  std::array<std::atomic<uint64_t>, kRemembered> remembered_ = {};
  // The same for blocks that windows had whole: half of the hash, and when that was.
  std::array<std::atomic<uint64_t>, kRemembered> remembered_whole_ = {};
  std::atomic<uint32_t> rules_{kDefaultRules};
  std::atomic<int64_t> max_bytes_;
  std::atomic<int64_t> held_bytes_{0};
  std::atomic<int64_t> tick_{0};
  std::atomic<uint64_t> next_file_{1};
};

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_FRAME_BLOCK_CACHE_H_
