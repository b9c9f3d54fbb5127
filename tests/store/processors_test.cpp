// How often the system is asked for the processors of this process: the function that opens files
// is replaced in this program by one that counts.

#include <dlfcn.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdio>
#include <cstring>

#include "driver/store/thread_pool.h"

namespace {

std::atomic<int> cgroup_files{0};

FILE* CountAndOpen(const char* function, const char* path, const char* mode) {
  if (std::strstr(path, "/cgroup/") != nullptr) ++cgroup_files;
  using Open = FILE* (*)(const char*, const char*);
  return reinterpret_cast<Open>(dlsym(RTLD_NEXT, function))(path, mode);
}

}  // namespace

// So that the C++ library finds them.
#define SEEN_BY_LIBRARIES __attribute__((visibility("default")))

extern "C" {

SEEN_BY_LIBRARIES FILE* fopen(const char* path, const char* mode) {
  return CountAndOpen("fopen", path, mode);
}
SEEN_BY_LIBRARIES FILE* fopen64(const char* path, const char* mode) {
  return CountAndOpen("fopen64", path, mode);
}

}  // extern "C"

namespace ndarray {
namespace {

// Opening a file asks for them, and should not take as long as opening four.
TEST(AvailableProcessors, DoesNotReadTheQuotaEachTime) {
  const int processors = AvailableProcessors();
  EXPECT_GT(cgroup_files, 0) << "the count sees nothing";
  cgroup_files = 0;
  constexpr int kCalls = 1000;
  for (int i = 0; i < kCalls; ++i) EXPECT_EQ(AvailableProcessors(), processors);
  EXPECT_LT(cgroup_files, kCalls) << "at most once a second, and it opens up to three files";
}

}  // namespace
}  // namespace ndarray
