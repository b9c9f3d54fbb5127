#include "driver/store/frame/block_cache.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <memory>
#include <thread>
#include <vector>

#include "tests/support/strided_buffer.h"

namespace ndarray {
namespace {

using Key = BlockCache::Key;

// More than a block of that size takes with what the cache itself needs for it.
constexpr int64_t kBlockBytes = 1 << 12;
constexpr int64_t kWithOverhead = kBlockBytes + 512;

BlockCache::Block MakeBlock(int64_t number, size_t size_bytes = kBlockBytes) {
  const auto block = std::make_shared<Buffer>(size_bytes);
  std::memset(block->data(), static_cast<int>(number), size_bytes);
  return block;
}

class BlockCacheTest : public ::testing::Test {
 protected:
  void Insert(BlockCache& cache, const Key& key) const {
    cache.Insert(key, MakeBlock(key.block), counters_);
  }
  bool Has(BlockCache& cache, const Key& key) const {
    return cache.Find(key, *counters_) != nullptr;
  }

  const std::shared_ptr<BlockCache::Counters> counters_ = std::make_shared<BlockCache::Counters>();
};

TEST_F(BlockCacheTest, FindsWhatWasInserted) {
  BlockCache cache;
  const BlockCache::Block block = MakeBlock(7);
  cache.Insert({1, 2, 3}, block, counters_);
  EXPECT_EQ(cache.Find({1, 2, 3}, *counters_), block);
  for (const Key& other : {Key{2, 2, 3}, Key{1, 3, 3}, Key{1, 2, 4}, Key{3, 2, 1}, Key{1, 2, -3}}) {
    EXPECT_FALSE(Has(cache, other));
  }
  EXPECT_EQ(counters_->hits, 1);
  EXPECT_EQ(counters_->misses, 5);
}

TEST_F(BlockCacheTest, KeepsTheFirstOfTwoBlocks) {
  BlockCache cache;
  const BlockCache::Block first = MakeBlock(1);
  cache.Insert({1, 2, 3}, first, counters_);
  const int64_t held = cache.held_bytes();
  cache.Insert({1, 2, 3}, MakeBlock(2), counters_);
  EXPECT_EQ(cache.Find({1, 2, 3}, *counters_), first);
  EXPECT_EQ(cache.held_bytes(), held);
}

TEST_F(BlockCacheTest, StaysWithinItsBound) {
  BlockCache cache(10 * kWithOverhead);
  for (int64_t block = 0; block < 1000; ++block) {
    Insert(cache, {1, block / 10, block});
    ASSERT_LE(cache.held_bytes(), cache.max_bytes());
  }
  EXPECT_GE(cache.held_bytes(), 9 * kBlockBytes);
  EXPECT_EQ(counters_->held_bytes, cache.held_bytes());
}

// Which shard a block is in must not matter: one order for all.
TEST_F(BlockCacheTest, DropsTheLeastRecentlyUsedOfAllShards) {
  BlockCache cache(20 * kWithOverhead);
  for (int64_t block = 0; block < 20; ++block) Insert(cache, {1, 0, block});
  for (int64_t block = 0; block < 20; block += 2) EXPECT_TRUE(Has(cache, {1, 0, block}));
  for (int64_t block = 100; block < 108; ++block) Insert(cache, {1, 0, block});
  for (int64_t block = 0; block < 20; block += 2) EXPECT_TRUE(Has(cache, {1, 0, block})) << block;
  for (int64_t block = 100; block < 108; ++block) EXPECT_TRUE(Has(cache, {1, 0, block})) << block;
  // Those that nobody asked for since went first, oldest first.
  bool gone = true;
  for (int64_t block = 1; block < 20; block += 2) {
    const bool has = Has(cache, {1, 0, block});
    EXPECT_TRUE(gone || has) << block << " went before an older one";
    gone = gone && !has;
  }
}

TEST_F(BlockCacheTest, ShrinksWhenItsBoundDoes) {
  BlockCache cache(100 * kWithOverhead);
  for (int64_t block = 0; block < 100; ++block) Insert(cache, {1, 0, block});
  cache.SetMaxBytes(5 * kWithOverhead);
  EXPECT_LE(cache.held_bytes(), 5 * kWithOverhead);
  EXPECT_TRUE(Has(cache, {1, 0, 99}));
  EXPECT_FALSE(Has(cache, {1, 0, 0}));
  cache.SetMaxBytes(0);
  EXPECT_EQ(cache.held_bytes(), 0);
  cache.SetMaxBytes(-5);
  EXPECT_EQ(cache.max_bytes(), 0);
  Insert(cache, {1, 0, 1});
  EXPECT_EQ(cache.held_bytes(), 0);
}

TEST_F(BlockCacheTest, AdmitsWhatThereIsRoomFor) {
  BlockCache cache(kWithOverhead);
  EXPECT_TRUE(cache.Admits(kBlockBytes));
  EXPECT_FALSE(cache.Admits(kWithOverhead));
  EXPECT_FALSE(cache.Admits(SIZE_MAX / 2));
  Insert(cache, {1, 0, 0});
  EXPECT_TRUE(Has(cache, {1, 0, 0}));
  cache.SetMaxBytes(0);
  EXPECT_FALSE(cache.Admits(0));
  EXPECT_FALSE(cache.Admits(1));
}

TEST_F(BlockCacheTest, KeepsBlocksAliveForThoseWhoHoldThem) {
  BlockCache cache(2 * kWithOverhead);
  Insert(cache, {1, 0, 42});
  const BlockCache::Block held = cache.Find({1, 0, 42}, *counters_);
  for (int64_t block = 0; block < 10; ++block) Insert(cache, {1, 1, block});
  EXPECT_FALSE(Has(cache, {1, 0, 42}));
  EXPECT_EQ(held->data()[kBlockBytes - 1], std::byte{42});
}

TEST_F(BlockCacheTest, DropsOneFile) {
  BlockCache cache;
  const uint64_t first = cache.NewFile();
  const uint64_t second = cache.NewFile();
  EXPECT_NE(first, second);
  const auto others = std::make_shared<BlockCache::Counters>();
  for (int64_t block = 0; block < 50; ++block) {
    Insert(cache, {first, 0, block});
    cache.Insert({second, 0, block}, MakeBlock(block), others);
  }
  cache.DropFile(first);
  EXPECT_EQ(counters_->held_bytes, 0);
  EXPECT_EQ(cache.held_bytes(), others->held_bytes);
  for (int64_t block = 0; block < 50; ++block) {
    EXPECT_FALSE(Has(cache, {first, 0, block}));
    EXPECT_TRUE(Has(cache, {second, 0, block}));
  }
  cache.DropFile(first);
  cache.DropFile(12345);
}

// Random windows of a large image: each block once.
TEST_F(BlockCacheTest, WantsNoBlocksOfAFileThatNobodyComesBackTo) {
  BlockCache cache;
  for (int64_t block = 0; block < 3000; ++block) EXPECT_FALSE(Has(cache, {1, block, 0}));
  EXPECT_FALSE(cache.WantsPart(*counters_, 1000, 32 << 10));
  // Unless the window leaves much of the block: others will want that.
  EXPECT_TRUE(cache.WantsPart(*counters_, 1000, 1 << 20));
  EXPECT_FALSE(cache.WantsPart(*counters_, (1 << 20) - 1000, 1 << 20));
}

TEST_F(BlockCacheTest, WantsBlocksSoonAfterTheyAreAskedForAgain) {
  BlockCache cache;
  for (int64_t line = 0; line < 2; ++line) {
    for (int64_t block = 0; block < 20; ++block) Has(cache, {1, 0, block});
  }
  EXPECT_TRUE(cache.WantsPart(*counters_, 1000, 32 << 10));
}

TEST_F(BlockCacheTest, WantsBlocksThatAreAskedForAgain) {
  BlockCache cache;
  for (int round = 0; round < 20; ++round) {
    for (int64_t block = 0; block < 100; ++block) Has(cache, {1, 0, block});
  }
  EXPECT_TRUE(cache.WantsPart(*counters_, 1000, 32 << 10)) << "though none was ever kept";
  // And forgets.
  for (int64_t block = 0; block < 3000; ++block) Has(cache, {1, 1, block});
  EXPECT_FALSE(cache.WantsPart(*counters_, 1000, 32 << 10));
}

TEST_F(BlockCacheTest, WantsBlocksWhileOthersAreFound) {
  BlockCache cache;
  for (int64_t block = 0; block < 100; ++block) Insert(cache, {1, 0, block});
  for (int round = 0; round < 20; ++round) {
    for (int64_t block = 0; block < 100; ++block) EXPECT_TRUE(Has(cache, {1, 0, block}));
  }
  EXPECT_TRUE(cache.WantsPart(*counters_, 1000, 32 << 10));
}

// Windows that have blocks whole, one after another; the share of these blocks that the last turn
// wanted. Nothing is kept here, so that each is decoded.
double ShareOfWholeBlocksWanted(BlockCache& cache, int64_t blocks, int turns) {
  BlockCache::Counters counters;
  int64_t decoded_bytes = 0;
  int64_t wanted = 0;
  for (int turn = 0; turn < turns; ++turn) {
    wanted = 0;
    for (int64_t block = 0; block < blocks; ++block) {
      if (cache.WantsWhole({7, 0, block}, counters, decoded_bytes)) ++wanted;
      decoded_bytes += 1 << 16;
    }
  }
  return static_cast<double>(wanted) / static_cast<double>(blocks);
}

TEST_F(BlockCacheTest, WantsWholeBlocksOnceTheyComeBack) {
  BlockCache cache(int64_t{1000} << 16);
  EXPECT_EQ(ShareOfWholeBlocksWanted(cache, 400, 1), 0);
  EXPECT_GT(ShareOfWholeBlocksWanted(cache, 400, 2), 0.95);
}

// Much of it would be gone when the next turn asks for it, and so would what others want.
TEST_F(BlockCacheTest, WantsNoWholeBlocksOfASweepThatTakesMoreThanHalfOfIt) {
  BlockCache cache(int64_t{700} << 16);
  EXPECT_EQ(ShareOfWholeBlocksWanted(cache, 400, 5), 0);
}

TEST_F(BlockCacheTest, WholeBlocksAreNotCountedWithParts) {
  BlockCache cache;
  for (int round = 0; round < 20; ++round) {
    for (int64_t block = 0; block < 100; ++block) cache.WantsWhole({1, 0, block}, *counters_, 0);
  }
  EXPECT_FALSE(cache.WantsPart(*counters_, 1000, 32 << 10));
  EXPECT_EQ(counters_->misses, 0);
}

TEST_F(BlockCacheTest, JudgesEachFileByItself) {
  BlockCache cache;
  BlockCache::Counters others;
  for (int round = 0; round < 20; ++round) {
    for (int64_t block = 0; block < 100; ++block) cache.Find({2, 0, block}, others);
  }
  EXPECT_TRUE(cache.WantsPart(others, 1000, 32 << 10));
  EXPECT_FALSE(cache.WantsPart(*counters_, 1000, 32 << 10));
}

TEST_F(BlockCacheTest, ServesManyThreadsAtOnce) {
  constexpr int kThreads = 8;
  BlockCache cache(40 * kWithOverhead);
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      testing::Random random(static_cast<uint32_t>(thread));
      const auto counters = std::make_shared<BlockCache::Counters>();
      const auto file = static_cast<uint64_t>(1 + thread % 3);
      for (int i = 0; i < 3000; ++i) {
        const Key key{file, 0, testing::RandomInt(random, 0, 99)};
        if (const BlockCache::Block block = cache.Find(key, *counters)) {
          if (block->data()[17] != static_cast<std::byte>(key.block)) ++wrong;
        } else {
          cache.Insert(key, MakeBlock(key.block), counters);
        }
        if (i % 500 == 499) cache.DropFile(file);
        if (i % 700 == 699) cache.SetMaxBytes((20 + 5 * (i % 5)) * kWithOverhead);
        cache.WantsPart(*counters, 1, kBlockBytes);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_LE(cache.held_bytes(), cache.max_bytes());
  for (uint64_t file = 1; file <= 3; ++file) cache.DropFile(file);
  EXPECT_EQ(cache.held_bytes(), 0);
}

}  // namespace
}  // namespace ndarray
