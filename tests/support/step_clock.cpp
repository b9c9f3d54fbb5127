// Preloaded into a program under test (LD_PRELOAD): its clock goes on by one step, STEP_CLOCK_US
// microseconds, each time it is asked, and not otherwise. What a program does in a given time by
// its clock is then the same on any machine.

#include <time.h>

#include <atomic>
#include <cstdlib>

extern "C" int clock_gettime(clockid_t, timespec* now) noexcept {
  static const char* const text = std::getenv("STEP_CLOCK_US");
  static const long step_us = text != nullptr ? std::atol(text) : 1000;
  static std::atomic<long> asked{1000};
  const long time_us = ++asked * step_us;
  now->tv_sec = time_us / 1000000;
  now->tv_nsec = time_us % 1000000 * 1000;
  return 0;
}
