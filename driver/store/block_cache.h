// Decoded blocks that may be wanted again, kept for all files of this process within one bound.
//
// Blocks that a window covers in part come here, so that its neighbours need not decode them again;
// what a window covers whole does not. The least recently used blocks go first. All methods may be
// called from any number of threads at once; a block that somebody holds stays alive after it has
// been dropped. Sizes are in bytes.
#ifndef GDAL_NDARRAY_STORE_BLOCK_CACHE_H_
#define GDAL_NDARRAY_STORE_BLOCK_CACHE_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <unordered_map>

namespace ndarray {

// Bytes without a value until they are written: a vector would clear them first.
class Buffer {
 public:
  explicit Buffer(size_t size_bytes) : data_(new std::byte[size_bytes]), size_bytes_(size_bytes) {}

  std::byte* data() { return data_.get(); }
  const std::byte* data() const { return data_.get(); }
  size_t size_bytes() const { return size_bytes_; }

 private:
  std::unique_ptr<std::byte[]> data_;
  size_t size_bytes_;
};

class BlockCache {
 public:
  using Block = std::shared_ptr<const Buffer>;

  // What one file made of the cache.
  struct Counters {
    std::atomic<int64_t> hits{0};
    std::atomic<int64_t> misses{0};
    std::atomic<int64_t> held_bytes{0};  // now
  };

  struct Key {
    uint64_t file;  // from NewFile
    int64_t chunk;
    int64_t block;
    friend bool operator==(const Key& a, const Key& b) {
      return a.file == b.file && a.chunk == b.chunk && a.block == b.block;
    }
  };

  static constexpr int64_t kDefaultMaxBytes = int64_t{64} << 20;

  // The one of this process.
  static BlockCache& Process();

  explicit BlockCache(int64_t max_bytes = kDefaultMaxBytes) : max_bytes_(max_bytes) {}

  // A number that no other file has or had.
  uint64_t NewFile() { return next_file_.fetch_add(1); }
  void DropFile(uint64_t file);

  // Whether blocks of this size are kept at all: one alone must not push out all others.
  bool Admits(size_t size_bytes) const {
    return static_cast<int64_t>(size_bytes) <= max_bytes_.load(std::memory_order_relaxed) / 4;
  }

  // nullptr for a block that is not here.
  Block Find(const Key& key, Counters& counters);

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
  static constexpr size_t kShards = 16;

  Shard& ShardOf(const Key& key) { return shards_[Hash()(key) % kShards]; }
  void Remove(Shard& shard, std::list<Entry>::iterator entry);
  void Shrink();

  std::array<Shard, kShards> shards_;
  std::atomic<int64_t> max_bytes_;
  std::atomic<int64_t> held_bytes_{0};
  std::atomic<int64_t> tick_{0};
  std::atomic<uint64_t> next_file_{1};
};

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_BLOCK_CACHE_H_
