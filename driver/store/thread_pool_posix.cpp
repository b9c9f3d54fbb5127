#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <chrono>
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

// Waking a sleeping thread takes longer than decoding a block, above all on a virtual machine. Who
// reads window after window has the next one ready within this time.
constexpr std::chrono::microseconds kSpinTime{60};

void Pause() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Waits for a short time without sleeping. Returns early once ready() holds.
template <typename Ready>
void Spin(const Ready& ready) {
  constexpr int kPausesPerLook = 32;
  const auto deadline = std::chrono::steady_clock::now() + kSpinTime;
  while (!ready() && std::chrono::steady_clock::now() < deadline) {
    for (int i = 0; i < kPausesPerLook && !ready(); ++i) Pause();
  }
}

// One ParallelFor call. Helpers hold it by shared_ptr: one may wake after the caller has left.
//
// Each thread has a run of neighbouring tasks of its own, and takes from the others' runs when it
// is through. So the same thread works on the same part of a window each time, and what it writes
// to is in the caches of its processor, not of another.
class Job {
 public:
  Job(int64_t count, int threads, const std::function<void(int64_t)>& task)
      : count_(count),
        task_(task),
        run_count_(std::min(threads, kMaxRuns)),
        runs_(std::make_unique<Run[]>(static_cast<size_t>(run_count_))) {
    for (int i = 0; i < run_count_; ++i) {
      runs_[static_cast<size_t>(i)].next = count * i / run_count_;
      runs_[static_cast<size_t>(i)].stop = count * (i + 1) / run_count_;
    }
  }

  // Run tasks until none is left to claim.
  void WorkAsCaller() { Work(0); }
  void WorkAsHelper() { Work(helpers_.fetch_add(1, std::memory_order_relaxed) + 1); }

  void Wait() {
    const auto done = [this] { return finished_.load(std::memory_order_acquire) == count_; };
    Spin(done);
    if (done()) return;
    std::unique_lock<std::mutex> lock(mutex_);
    all_finished_.wait(lock, done);
  }

 private:
  void Work(int first) {
    int64_t done = 0;
    for (int i = 0; i < run_count_; ++i) {
      Run& run = runs_[static_cast<size_t>((first + i) % run_count_)];
      for (int64_t task; (task = run.next.fetch_add(1, std::memory_order_relaxed)) < run.stop;
           ++done) {
        task_(task);
      }
    }
    if (done == 0) return;
    if (finished_.fetch_add(done, std::memory_order_acq_rel) + done == count_) {
      const std::lock_guard<std::mutex> lock(mutex_);
      all_finished_.notify_one();
    }
  }

  static constexpr int kMaxRuns = 64;  // more threads share them

  struct alignas(64) Run {
    std::atomic<int64_t> next{0};
    int64_t stop = 0;
  };

  const int64_t count_;
  const std::function<void(int64_t)>& task_;  // not touched once all tasks are claimed
  const int run_count_;
  const std::unique_ptr<Run[]> runs_;
  std::atomic<int> helpers_{0};
  std::atomic<int64_t> finished_{0};
  std::mutex mutex_;
  std::condition_variable all_finished_;
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
      waiting_.store(invitations_.size(), std::memory_order_release);
      return true;
    } catch (const std::bad_alloc&) {
      return false;
    }
  }

  void Serve() {
    while (true) {
      std::shared_ptr<Job> job;
      Spin([this] { return waiting_.load(std::memory_order_acquire) > 0; });
      {
        std::unique_lock<std::mutex> lock(mutex_);
        invited_.wait(lock, [this] { return !invitations_.empty(); });
        job = std::move(invitations_.front());
        invitations_.pop_front();
        waiting_.store(invitations_.size(), std::memory_order_release);
      }
      job->WorkAsHelper();
    }
  }

  std::mutex mutex_;
  std::condition_variable invited_;
  std::deque<std::shared_ptr<Job>> invitations_;
  std::atomic<size_t> waiting_{0};  // their number, to be seen without the lock
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
double ReadCgroupQuota() {
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

// The same, read at most once a second: that takes as long as opening a small file does.
double CgroupQuota() {
  using Clock = std::chrono::steady_clock;
  static std::atomic<Clock::rep> read_at{-1};
  static std::atomic<double> quota{HUGE_VAL};
  const Clock::rep now = Clock::now().time_since_epoch().count();
  const Clock::rep last = read_at.load(std::memory_order_acquire);
  if (last < 0 || now - last > Clock::duration(std::chrono::seconds(1)).count()) {
    quota.store(ReadCgroupQuota(), std::memory_order_relaxed);
    read_at.store(now, std::memory_order_release);
  }
  return quota.load(std::memory_order_relaxed);
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
  const auto job = std::make_shared<Job>(count, helpers + 1, task);
  ProcessPool().Invite(job, helpers);
  job->WorkAsCaller();
  job->Wait();
}

Status TryParallelFor(int64_t count, int max_threads, const std::function<Status(int64_t)>& task) {
  std::atomic<bool> failed{false};
  std::mutex mutex;
  Status failure;
  std::exception_ptr exception;
  ParallelFor(count, max_threads, [&](int64_t i) {
    if (failed.load(std::memory_order_relaxed)) return;
    Status status;
    std::exception_ptr thrown;
    try {
      status = task(i);
      if (status.ok()) return;
    } catch (...) {
      thrown = std::current_exception();
    }
    const std::lock_guard<std::mutex> lock(mutex);
    if (failed.exchange(true)) return;
    failure = status;
    exception = thrown;
  });
  if (exception) std::rethrow_exception(exception);
  return failure;
}

}  // namespace ndarray
