// Code under test in a forked process: what must survive fork(), a lowered limit or a kill.
#ifndef GDAL_NDARRAY_TESTS_SUPPORT_CHILD_PROCESS_H_
#define GDAL_NDARRAY_TESTS_SUPPORT_CHILD_PROCESS_H_

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <thread>

namespace ndarray::testing {

constexpr int kChildHung = -1;
constexpr int kChildDied = -2;

// Starts a child that ends with what `body` returns, without the destructors of this process.
inline pid_t StartChild(const std::function<int()>& body) {
  const pid_t child = fork();
  if (child == 0) _exit(body());
  return child;
}

// The child's exit status, kChildDied after a signal, kChildHung (and killed) after 5 minutes.
inline int WaitForChild(pid_t child) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(5);
  int status = 0;
  while (waitpid(child, &status, WNOHANG) == 0) {
    if (std::chrono::steady_clock::now() > deadline) {
      kill(child, SIGKILL);
      waitpid(child, &status, 0);
      return kChildHung;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : kChildDied;
}

inline int RunInChild(const std::function<int()>& body) { return WaitForChild(StartChild(body)); }

}  // namespace ndarray::testing

#endif  // GDAL_NDARRAY_TESTS_SUPPORT_CHILD_PROCESS_H_
