#include "driver/store/frame/block_cache.h"

#include <algorithm>
#include <utility>

#include "driver/store/fork_guard.h"

namespace ndarray {
namespace {

void NoteOldest(std::atomic<int64_t>& oldest, int64_t tick) {
  oldest.store(tick, std::memory_order_relaxed);
}

}  // namespace

BlockCache& BlockCache::Process() {
  static BlockCache& cache = [&]() -> BlockCache& {
    auto* const made = new BlockCache;  // outlives every user
    for (Shard& shard : made->shards_) GuardAcrossForks(shard.mutex);
    return *made;
  }();
  return cache;
}

// Mixes each number in on its own: files, chunks and blocks all count from zero.
size_t BlockCache::Hash::operator()(const Key& key) const {
  uint64_t hash = 0;
  for (const uint64_t number :
       {key.file, static_cast<uint64_t>(key.chunk), static_cast<uint64_t>(key.block)}) {
    hash = (hash + number + 1) * 0x9E3779B97F4A7C15u;
    hash ^= hash >> 32;
  }
  return hash;
}

int64_t BlockCache::Cost(const Block& block) {
  return static_cast<int64_t>(block->size_bytes()) + kEntryBytes;
}

// REQUIRES: the shard's lock
void BlockCache::Remove(Shard& shard, std::list<Entry>::iterator entry) {
  const int64_t cost = Cost(entry->block);
  held_bytes_.fetch_sub(cost, std::memory_order_relaxed);
  entry->counters->held_bytes.fetch_sub(cost, std::memory_order_relaxed);
  shard.index.erase(entry->key);
  shard.entries.erase(entry);
  NoteOldest(shard.oldest_tick, shard.entries.empty() ? INT64_MAX : shard.entries.back().tick);
}

BlockCache::Block BlockCache::Find(const Key& key, Counters& counters) {
  Shard& shard = ShardOf(key);
  {
    const std::lock_guard<std::mutex> lock(shard.mutex);
    const auto found = shard.index.find(key);
    if (found != shard.index.end()) {
      shard.entries.splice(shard.entries.begin(), shard.entries, found->second);
      found->second->tick = tick_.fetch_add(1, std::memory_order_relaxed);
      NoteOldest(shard.oldest_tick, shard.entries.back().tick);
      counters.hits.fetch_add(1, std::memory_order_relaxed);
      NoteReturn(counters.returns, true);
      return found->second->block;
    }
  }
  counters.misses.fetch_add(1, std::memory_order_relaxed);
  const uint64_t hash = Hash()(key);
  NoteReturn(counters.returns,
             remembered_[hash % kRemembered].exchange(hash, std::memory_order_relaxed) == hash);
  return nullptr;
}

// What has been decoded since a block was last asked for is about what would have been kept since,
// had it been kept. An image that is swept again and again, and is larger than half of the cache,
// does not come back in time.
bool BlockCache::WantsWhole(const Key& key, Counters& counters, int64_t decoded_bytes) {
  constexpr int kTickBits = 16;  // 64 KB; the count of these may wrap
  if (!Follows(kWhole)) return false;
  const uint64_t hash = Hash()(key);
  const auto now = static_cast<uint32_t>(decoded_bytes >> kTickBits);
  const uint64_t note = (hash & ~uint64_t{UINT32_MAX}) | now;
  const uint64_t last =
      remembered_whole_[hash % kRemembered].exchange(note, std::memory_order_relaxed);
  const int64_t since_bytes = static_cast<int64_t>(now - static_cast<uint32_t>(last)) << kTickBits;
  const int64_t soon_bytes = max_bytes_.load(std::memory_order_relaxed) / 2;
  NoteReturn(counters.whole_returns, (note ^ last) >> 32 == 0 && since_bytes < soon_bytes);
  return counters.whole_returns.load(std::memory_order_relaxed) > kMaxReturns / 3;
}

// Two threads may lose each other's note; an estimate stays one.
void BlockCache::NoteReturn(std::atomic<int32_t>& returns, bool returned) {
  constexpr int32_t kMemory = 32;  // blocks
  const int32_t before = returns.load(std::memory_order_relaxed);
  const int32_t target = returned ? kMaxReturns : 0;
  returns.store(before + (target - before) / kMemory, std::memory_order_relaxed);
}

void BlockCache::Insert(const Key& key, Block block, const std::shared_ptr<Counters>& counters) {
  const int64_t cost = Cost(block);
  Shard& shard = ShardOf(key);
  {
    const std::lock_guard<std::mutex> lock(shard.mutex);
    if (shard.index.count(key) != 0) return;
    std::list<Entry> fresh;
    fresh.push_front(
        {key, std::move(block), counters, tick_.fetch_add(1, std::memory_order_relaxed)});
    shard.index.emplace(key, fresh.begin());
    shard.entries.splice(shard.entries.begin(), fresh);
    NoteOldest(shard.oldest_tick, shard.entries.back().tick);
    counters->held_bytes.fetch_add(cost, std::memory_order_relaxed);
    held_bytes_.fetch_add(cost, std::memory_order_relaxed);
  }
  Shrink();
}

// Blocks of all shards form one order by their ticks; the shard with the oldest one gives it up.
void BlockCache::Shrink() {
  while (held_bytes_.load(std::memory_order_relaxed) > max_bytes_.load(std::memory_order_relaxed)) {
    Shard& shard =
        *std::min_element(shards_.begin(), shards_.end(), [](const Shard& a, const Shard& b) {
          return a.oldest_tick.load(std::memory_order_relaxed) <
                 b.oldest_tick.load(std::memory_order_relaxed);
        });
    Block dropped;  // freed after the lock
    const std::lock_guard<std::mutex> lock(shard.mutex);
    if (shard.entries.empty()) return;  // others are dropping, too
    dropped = shard.entries.back().block;
    Remove(shard, std::prev(shard.entries.end()));
  }
}

void BlockCache::DropFile(uint64_t file) {
  for (Shard& shard : shards_) {
    const std::lock_guard<std::mutex> lock(shard.mutex);
    for (auto entry = shard.entries.begin(); entry != shard.entries.end();) {
      const auto next = std::next(entry);
      if (entry->key.file == file) Remove(shard, entry);
      entry = next;
    }
  }
}

void BlockCache::SetMaxBytes(int64_t max_bytes) {
  max_bytes_.store(std::max<int64_t>(max_bytes, 0), std::memory_order_relaxed);
  Shrink();
}

}  // namespace ndarray
