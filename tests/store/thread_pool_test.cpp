#include "driver/store/thread_pool.h"

#include <gtest/gtest.h>
#include <malloc.h>
#include <sched.h>
#include <sys/resource.h>

#include <atomic>
#include <chrono>
#include <set>
#include <thread>
#include <vector>

#include "tests/support/child_process.h"

namespace ndarray {
namespace {

using testing::RunInChild;

// Whether ParallelFor calls each index once.
bool CallsEachIndexOnce(int64_t count, int max_threads) {
  std::vector<std::atomic<int>> calls(static_cast<size_t>(count));
  ParallelFor(count, max_threads, [&](int64_t i) { ++calls[static_cast<size_t>(i)]; });
  for (const std::atomic<int>& n : calls) {
    if (n != 1) return false;
  }
  return true;
}

// Gives up after minutes, for a pool that hangs.
template <typename Condition>
void WaitUntil(const Condition& holds) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(5);
  while (!holds() && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

// Until a helper comes: those that had to share a processor with others rest for up to a second.
void WaitForHelper() {
  WaitUntil([] {
    const auto caller = std::this_thread::get_id();
    std::atomic<bool> helped{false};
    ParallelFor(2, 2, [&](int64_t) {
      if (std::this_thread::get_id() != caller) helped = true;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    });
    return helped.load();
  });
}

TEST(ThreadPool, CallsEachIndexOnce) {
  for (const int64_t count : {0, 1, 2, 3, 7, 100, 20000}) {
    for (const int threads : {-1, 0, 1, 2, 3, 8, 40}) {
      EXPECT_TRUE(CallsEachIndexOnce(count, threads)) << count << " with " << threads;
    }
  }
}

TEST(ThreadPool, CallsNothingForNoTasks) {
  ParallelFor(0, 4, [](int64_t) { ADD_FAILURE(); });
  ParallelFor(-5, 4, [](int64_t) { ADD_FAILURE(); });
}

TEST(ThreadPool, WorksInTheCallersThreadWhereOneIsAllowed) {
  const auto caller = std::this_thread::get_id();
  ParallelFor(50, 1, [&](int64_t) { EXPECT_EQ(std::this_thread::get_id(), caller); });
}

TEST(ThreadPool, UsesNoMoreThreadsThanAllowed) {
  WaitForHelper();
  std::atomic<int> running{0};
  std::atomic<int> most{0};
  ParallelFor(300, 3, [&](int64_t) {
    const int now = ++running;
    int seen = most;
    while (seen < now && !most.compare_exchange_weak(seen, now)) {
    }
    // Nobody goes on before somebody has come to help, whenever that is.
    WaitUntil([&] { return most >= 2; });
    --running;
  });
  EXPECT_LE(most, 3);
  EXPECT_GE(most, 2) << "nobody helped";
}

// Each thread has a run of tasks of its own; of those there is a bound.
TEST(ThreadPool, CallsEachIndexOnceWithMoreThreadsThanRuns) {
  for (const int64_t count : {65, 200, 1000}) {
    EXPECT_TRUE(CallsEachIndexOnce(count, 200)) << count;
  }
}

TEST(ThreadPool, TakesTasksFromThreadsThatAreBusy) {
  constexpr int kTasks = 100;
  std::atomic<int> others{0};
  bool all_done_meanwhile = false;
  WaitForHelper();
  ParallelFor(kTasks, 4, [&](int64_t i) {
    if (i != 0) {
      ++others;
      return;
    }
    WaitUntil([&] { return others == kTasks - 1; });
    all_done_meanwhile = others == kTasks - 1;
  });
  EXPECT_TRUE(all_done_meanwhile) << "tasks waited behind a long one";
}

// Threads wait a moment for the next call before they sleep: calls come while they do either.
TEST(ThreadPool, ServesCallsAtAnyInterval) {
  for (const int pause_us : {0, 10, 40, 60, 80, 200, 2000}) {
    for (int i = 0; i < 20; ++i) {
      ASSERT_TRUE(CallsEachIndexOnce(16, 4)) << pause_us;
      std::this_thread::sleep_for(std::chrono::microseconds(pause_us));
    }
  }
}

TEST(ThreadPool, CallsFromWithinTasks) {
  std::atomic<int> calls{0};
  ParallelFor(8, 4, [&](int64_t) {
    ParallelFor(8, 4, [&](int64_t) { ParallelFor(8, 4, [&](int64_t) { ++calls; }); });
  });
  EXPECT_EQ(calls, 8 * 8 * 8);
}

TEST(ThreadPool, ServesManyCallersAtOnce) {
  std::atomic<int> wrong{0};
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 8; ++caller) {
    callers.emplace_back([&] {
      for (int i = 0; i < 200; ++i) {
        if (!CallsEachIndexOnce(1 + i % 13, 4)) ++wrong;
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(wrong, 0);
}

// A helper that waits for a network lets others call meanwhile, as often as they like.
TEST(ThreadPool, KeepsNothingOfCallsThatNoHelperCameTo) {
  EXPECT_EQ(RunInChild([] {
              std::atomic<int> running{0};
              std::atomic<bool> released{false};
              std::thread waiting([&] {
                ParallelFor(2, 2, [&](int64_t) {
                  ++running;
                  WaitUntil([&] { return released.load(); });
                });
              });
              WaitUntil([&] { return running == 2; });
              const auto held_bytes = [] { return mallinfo2().uordblks; };
              const size_t before_bytes = held_bytes();
              for (int i = 0; i < 20000; ++i) ParallelFor(2, 2, [](int64_t) {});
              const size_t after_bytes = held_bytes();
              released = true;
              waiting.join();
              return after_bytes < before_bytes + (size_t{1} << 20) ? 0 : 1;
            }),
            0);
}

TEST(ThreadPool, WorksAloneWhereNoThreadCanBeStarted) {
  EXPECT_EQ(RunInChild([] {
              // No thread has this much room for its stack.
              pthread_attr_t attributes;
              pthread_attr_init(&attributes);
              pthread_attr_setstacksize(&attributes, size_t{1} << 46);
              if (pthread_setattr_default_np(&attributes) != 0) return 3;
              const auto caller = std::this_thread::get_id();
              std::atomic<int> calls{0};
              std::atomic<int> elsewhere{0};
              for (int i = 0; i < 1000; ++i) {
                ParallelFor(10, 4, [&](int64_t) {
                  ++calls;
                  if (std::this_thread::get_id() != caller) ++elsewhere;
                });
              }
              return calls == 10000 && elsewhere == 0 ? 0 : 1;
            }),
            0);
}

TEST(ThreadPool, CountsTheProcessorsOfTheAffinityMask) {
  const int all = AvailableProcessors();
  EXPECT_GE(all, 1);
  EXPECT_EQ(RunInChild([] {
              cpu_set_t mask;
              sched_getaffinity(0, sizeof(mask), &mask);
              int first = 0;
              while (!CPU_ISSET(first, &mask)) ++first;
              CPU_ZERO(&mask);
              CPU_SET(first, &mask);
              if (sched_setaffinity(0, sizeof(mask), &mask) != 0) return 3;
              return AvailableProcessors() == 1 ? 0 : 1;
            }),
            0);
  EXPECT_EQ(AvailableProcessors(), all);
}

}  // namespace
}  // namespace ndarray
