#include <pthread.h>

#include <vector>

#include "driver/store/fork_guard.h"

namespace ndarray {
namespace {

struct Guards {
  std::mutex mutex;
  std::vector<std::mutex*> guarded;
};

Guards& Process() {
  static auto* const guards = new Guards;  // outlives every user
  return *guards;
}

void BeforeFork() {
  Process().mutex.lock();
  for (std::mutex* const mutex : Process().guarded) mutex->lock();
}

void AfterFork() {
  for (std::mutex* const mutex : Process().guarded) mutex->unlock();
  Process().mutex.unlock();
}

}  // namespace

void GuardAcrossForks(std::mutex& mutex) {
  static const bool registered = pthread_atfork(BeforeFork, AfterFork, AfterFork) == 0;
  static_cast<void>(registered);
  const std::lock_guard<std::mutex> lock(Process().mutex);
  Process().guarded.push_back(&mutex);
}

}  // namespace ndarray
