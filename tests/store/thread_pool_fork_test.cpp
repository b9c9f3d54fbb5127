// Processes that fork while their threads are at work. Left out of sanitizer builds: neither ASan's
// allocator nor TSan's thread table survives such a fork, whatever the program does.

#include <gtest/gtest.h>
#include <sched.h>

#include <atomic>
#include <thread>
#include <vector>

#include "driver/store/thread_pool.h"
#include "tests/support/child_process.h"

namespace ndarray {
namespace {

using testing::RunInChild;

// Whether ParallelFor calls as often as it is asked to.
bool CallsAll(int64_t count, int max_threads) {
  std::atomic<int64_t> calls{0};
  ParallelFor(count, max_threads, [&](int64_t) { ++calls; });
  return calls == count;
}

// As PyTorch and multiprocessing do: the child has the memory of the parent, not its threads.
TEST(ThreadPoolFork, WorksInAForkedChildWhileOthersUseIt) {
  std::atomic<bool> stop{false};
  std::vector<std::thread> users;
  for (int user = 0; user < 3; ++user) {
    users.emplace_back([&] {
      while (!stop) CallsAll(20, 4);
    });
  }
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(RunInChild([] { return CallsAll(1000, 4) ? 0 : 1; }), 0);
  }
  stop = true;
  for (std::thread& user : users) user.join();
  EXPECT_TRUE(CallsAll(1000, 4)) << "the parent's pool after the forks";
}

TEST(ThreadPoolFork, WorksInAChildOfAChild) {
  EXPECT_TRUE(CallsAll(100, 4));
  EXPECT_EQ(RunInChild([] {
              if (!CallsAll(100, 4)) return 1;
              return RunInChild([] { return CallsAll(100, 4) ? 0 : 2; });
            }),
            0);
}

// Helpers then take their callers' time, and rest after each call. In a child, whose pool is its
// own.
TEST(ThreadPoolFork, WorksOnOneProcessor) {
  EXPECT_EQ(RunInChild([] {
              cpu_set_t one;
              CPU_ZERO(&one);
              CPU_SET(sched_getcpu(), &one);
              if (sched_setaffinity(0, sizeof(one), &one) != 0) return 3;
              for (int i = 0; i < 200; ++i) {
                if (!CallsAll(1 + i, 3)) return 1;
              }
              return 0;
            }),
            0);
}

}  // namespace
}  // namespace ndarray
