// Processes that fork while their threads are in the block cache. Left out of sanitizer builds, as
// thread_pool_fork_test.cpp says.

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "driver/store/frame/block_cache.h"
#include "tests/support/child_process.h"

namespace ndarray {
namespace {

// Asks every shard, and puts in what is not there.
int UseCache(uint64_t file) {
  BlockCache& cache = BlockCache::Process();
  const auto counters = std::make_shared<BlockCache::Counters>();
  for (int64_t block = 0; block < 200; ++block) {
    const BlockCache::Key key{file, 0, block};
    if (cache.Find(key, *counters) == nullptr) {
      cache.Insert(key, std::make_shared<Buffer>(1000), counters);
    }
  }
  return 0;
}

TEST(BlockCacheFork, WorksInAForkedChildWhileOthersUseIt) {
  std::atomic<bool> stop{false};
  std::vector<std::thread> users;
  const uint64_t file = BlockCache::Process().NewFile();
  for (int user = 0; user < 3; ++user) {
    users.emplace_back([&] {
      while (!stop) {
        UseCache(file);
        BlockCache::Process().DropFile(file);
      }
    });
  }
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(testing::RunInChild([=] { return UseCache(file); }), 0);
  }
  stop = true;
  for (std::thread& user : users) user.join();
  BlockCache::Process().DropFile(file);
}

}  // namespace
}  // namespace ndarray
