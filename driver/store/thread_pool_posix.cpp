#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <condition_variable>
#include <deque>
#include <exception>
#include <fstream>
#include <memory>
#include <mutex>
#include <new>
#include <sstream>
#include <string>
#include <thread>

#include "driver/store/thread_pool.h"

namespace ndarray {
namespace {

// One ParallelFor call. Helpers hold it by shared_ptr: one may wake after the caller has left.
struct Job {
  Job(int64_t count_in, const std::function<void(int64_t)>& task_in)
      : count(count_in), task(task_in) {}

  // Runs tasks until none is left to claim.
  void Work() {
    int64_t done = 0;
    for (int64_t i; (i = next.fetch_add(1, std::memory_order_relaxed)) < count; ++done) task(i);
    if (done == 0) return;
    if (finished.fetch_add(done, std::memory_order_acq_rel) + done == count) {
      const std::lock_guard<std::mutex> lock(mutex);
      all_finished.notify_one();
    }
  }

  void Wait() {
    std::unique_lock<std::mutex> lock(mutex);
    all_finished.wait(lock, [this] { return finished.load(std::memory_order_acquire) == count; });
  }

  const int64_t count;
  const std::function<void(int64_t)>& task;  // not touched once all tasks are claimed
  std::atomic<int64_t> next{0};
  std::atomic<int64_t> finished{0};
  std::mutex mutex;
  std::condition_variable all_finished;
};

class Pool {
 public:
  // Asks for helpers; fewer may come, and they may come late. Throws nothing: a helper may already
  // be at work on what the caller's stack holds.
  void Invite(const std::shared_ptr<Job>& job, int helpers) noexcept {
    int invited = 0;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      while (workers_ < helpers && StartWorker()) ++workers_;
      // No more than there are workers: nobody would ever take the others from the queue.
      while (invited < std::min(helpers, workers_) && Enqueue(job)) ++invited;
    }
    for (int i = 0; i < invited; ++i) invited_.notify_one();
  }

  void LockForFork() { mutex_.lock(); }
  void UnlockAfterFork() { mutex_.unlock(); }

 private:
  bool StartWorker() {
    try {
      std::thread([this] { Serve(); }).detach();
      return true;
    } catch (const std::exception&) {
      return false;  // no more threads or memory to be had: the caller works with those there are
    }
  }

  bool Enqueue(const std::shared_ptr<Job>& job) {
    try {
      invitations_.push_back(job);
      return true;
    } catch (const std::bad_alloc&) {
      return false;
    }
  }

  void Serve() {
    while (true) {
      std::shared_ptr<Job> job;
      {
        std::unique_lock<std::mutex> lock(mutex_);
        invited_.wait(lock, [this] { return !invitations_.empty(); });
        job = std::move(invitations_.front());
        invitations_.pop_front();
      }
      job->Work();
    }
  }

  std::mutex mutex_;
  std::condition_variable invited_;
  std::deque<std::shared_ptr<Job>> invitations_;
  int workers_ = 0;
};

// Never destroyed: workers sleep in it until the process ends. A forked child cannot use its
// parent's pool (the workers do not exist there), so it leaves that one alone and makes its own.
std::atomic<Pool*> g_pool{nullptr};

void BeforeFork() { g_pool.load()->LockForFork(); }
void AfterForkInParent() { g_pool.load()->UnlockAfterFork(); }
void AfterForkInChild() { g_pool.store(new Pool); }

Pool& ProcessPool() {
  static const bool made = [] {
    g_pool.store(new Pool);
    pthread_atfork(BeforeFork, AfterForkInParent, AfterForkInChild);
    return true;
  }();
  static_cast<void>(made);
  return *g_pool.load();
}

// The CPU quota of the cgroup this process sees as its root, in processors; absent: infinity.
double CgroupQuota() {
  const auto first_line = [](const char* path) {
    std::string line;
    std::getline(std::ifstream(path), line);
    return line;
  };
  double quota_us = 0;
  double period_us = 0;
  std::istringstream v2(first_line("/sys/fs/cgroup/cpu.max"));
  if (!(v2 >> quota_us >> period_us)) {  // also where the quota is "max"
    std::istringstream(first_line("/sys/fs/cgroup/cpu/cpu.cfs_quota_us")) >> quota_us;
    std::istringstream(first_line("/sys/fs/cgroup/cpu/cpu.cfs_period_us")) >> period_us;
  }
  return quota_us > 0 && period_us > 0 ? quota_us / period_us : HUGE_VAL;
}

}  // namespace

int AvailableProcessors() {
  int processors = static_cast<int>(std::thread::hardware_concurrency());
  cpu_set_t affinity;
  if (sched_getaffinity(0, sizeof(affinity), &affinity) == 0) processors = CPU_COUNT(&affinity);
  const double quota = std::ceil(CgroupQuota());
  if (quota < processors) processors = static_cast<int>(quota);
  return std::max(processors, 1);
}

void ParallelFor(int64_t count, int max_threads, const std::function<void(int64_t)>& task) {
  const auto helpers = static_cast<int>(std::min<int64_t>(count, max_threads)) - 1;
  if (helpers <= 0) {
    for (int64_t i = 0; i < count; ++i) task(i);
    return;
  }
  const auto job = std::make_shared<Job>(count, task);
  ProcessPool().Invite(job, helpers);
  job->Work();
  job->Wait();
}

}  // namespace ndarray
