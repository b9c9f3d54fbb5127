#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

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

using Clock = std::chrono::steady_clock;

// A helper that loses its processor to another program, and with it a task that its caller waits
// for, costs that caller a time slice of that program. One that has its caller's own processor
// costs it that. The helper then rests for many times as long as was lost, and for twice as many
// times where it has worked for a shorter time than it had rested before: what is lost remains a
// small part of the time, however busy the other processors are.
class RestRule {
 public:
  Clock::duration After(Clock::duration lost) {
    const Clock::time_point now = Clock::now();
    times_ = now - rested_until_ < rest_ ? std::min(2 * times_, kMaxTimes) : kMinTimes;
    rest_ = std::min<Clock::duration>(times_ * lost, kMaxRest);
    rested_until_ = now + rest_;
    return rest_;
  }

 private:
  static constexpr int kMinTimes = 16;
  static constexpr int kMaxTimes = 1024;
  static constexpr std::chrono::seconds kMaxRest{1};

  int times_ = kMinTimes;
  Clock::duration rest_{0};
  Clock::time_point rested_until_;
};

// How often this thread has lost its processor to another one, and given it up to wait.
struct Switches {
  long forced = 0;
  long own = 0;
};

Switches SwitchesOfThread() {
  rusage usage{};
  getrusage(RUSAGE_THREAD, &usage);
  return {usage.ru_nivcsw, usage.ru_nvcsw};
}

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
  const auto deadline = Clock::now() + kSpinTime;
  while (!ready() && Clock::now() < deadline) {
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

  // Says how much of the caller's time it has cost. Tasks that wait by themselves, for a disk or a
  // network, are worth that.
  Clock::duration WorkAsHelper() {
    const Switches before = SwitchesOfThread();
    const Clock::time_point start = Clock::now();
    if (!Work(helpers_.fetch_add(1, std::memory_order_relaxed) + 1)) return {};
    const Switches now = SwitchesOfThread();
    if (now.own != before.own) return {};
    if (sched_getcpu() == processor_of_caller_) return Clock::now() - start;
    const Clock::time_point since = caller_sleeps_since_.load(std::memory_order_relaxed);
    const bool is_waited_for = since != Clock::time_point();
    return is_waited_for && now.forced != before.forced ? Clock::now() - since : Clock::duration();
  }

  void Wait() {
    const auto done = [this] { return finished_.load(std::memory_order_acquire) == count_; };
    Spin(done);
    if (done()) return;
    caller_sleeps_since_.store(Clock::now(), std::memory_order_relaxed);
    std::unique_lock<std::mutex> lock(mutex_);
    all_finished_.wait(lock, done);
  }

 private:
  // Whether there was anything left.
  bool Work(int first) {
    int64_t done = 0;
    for (int i = 0; i < run_count_; ++i) {
      Run& run = runs_[static_cast<size_t>((first + i) % run_count_)];
      for (int64_t task; (task = run.next.fetch_add(1, std::memory_order_relaxed)) < run.stop;
           ++done) {
        task_(task);
      }
    }
    if (done == 0) return false;
    if (finished_.fetch_add(done, std::memory_order_acq_rel) + done == count_) {
      const std::lock_guard<std::mutex> lock(mutex_);
      all_finished_.notify_one();
    }
    return true;
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
  const int processor_of_caller_ = sched_getcpu();
  std::atomic<int> helpers_{0};
  std::atomic<int64_t> finished_{0};
  std::atomic<Clock::time_point> caller_sleeps_since_{Clock::time_point()};
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
      // No more than there are workers: nobody would ever take the others from the queue. Nor does
      // anybody while all of them wait in tasks, however many calls there are meanwhile.
      while (invited < std::min(helpers, workers_ - resting_) &&
             invitations_.size() < kMaxInvitations && Enqueue(job)) {
        ++invited;
      }
    }
    // Not before the lock is free: who spins takes it at once, and would have to sleep for it.
    waiting_.fetch_add(invited, std::memory_order_release);
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
    RestRule rests;
    while (true) {
      const Clock::duration lost = NextJob()->WorkAsHelper();
      if (lost > Clock::duration()) Rest(rests.After(lost));
    }
  }

  std::shared_ptr<Job> NextJob() {
    Spin([this] { return waiting_.load(std::memory_order_acquire) > 0; });
    std::unique_lock<std::mutex> lock(mutex_);
    invited_.wait(lock, [this] { return !invitations_.empty(); });
    std::shared_ptr<Job> job = std::move(invitations_.front());
    invitations_.pop_front();
    waiting_.fetch_sub(1, std::memory_order_relaxed);
    return job;
  }

  void Rest(Clock::duration time) {
    AddResting(1);
    std::this_thread::sleep_for(time);
    AddResting(-1);
  }

  void AddResting(int count) {
    const std::lock_guard<std::mutex> lock(mutex_);
    resting_ += count;
  }

  static constexpr size_t kMaxInvitations = 1024;

  std::mutex mutex_;
  std::condition_variable invited_;
  std::deque<std::shared_ptr<Job>> invitations_;
  std::atomic<int> waiting_{0};  // their number, about, to be seen without the lock
  int workers_ = 0;
  int resting_ = 0;  // of the workers
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

const pid_t g_loaded_in = getpid();

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

bool IsForkedChild() { return getpid() != g_loaded_in; }

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
