#include "driver/raster/threads.h"

#include <cpl_conv.h>
#include <gtest/gtest.h>

#include "driver/store/thread_pool.h"
#include "tests/support/child_process.h"

namespace ndarray {
namespace {

// Both options are as this test sets them, whatever the environment has.
class DefaultThreadsTest : public ::testing::Test {
 protected:
  static void Set(const char* gdal, const char* omp) {
    CPLSetThreadLocalConfigOption("GDAL_NUM_THREADS", gdal);
    CPLSetThreadLocalConfigOption("OMP_NUM_THREADS", omp);
  }

  void SetUp() override {
    if (CPLGetConfigOption("GDAL_NUM_THREADS", nullptr) != nullptr) {
      GTEST_SKIP() << "GDAL_NUM_THREADS is set";
    }
  }

  void TearDown() override { Set(nullptr, nullptr); }
};

TEST_F(DefaultThreadsTest, OmpNumThreadsBoundsThem) {
  Set(nullptr, "1");
  EXPECT_EQ(DefaultThreads(), 1);
  Set(nullptr, "1,4");
  EXPECT_EQ(DefaultThreads(), 1);
  for (const char* const no_bound : {"1000000", "0", "-1", "many", ""}) {
    Set(nullptr, no_bound);
    EXPECT_EQ(DefaultThreads(), AvailableProcessors()) << no_bound;
  }
}

TEST_F(DefaultThreadsTest, WhatIsSetForGdalCounts) {
  Set("3", "1");
  EXPECT_EQ(DefaultThreads(), 3);
  Set("ALL_CPUS", "1");
  EXPECT_EQ(DefaultThreads(), AvailableProcessors());
  Set(nullptr, "1");
  EXPECT_EQ(*ThreadsFromOption("3"), 3);
  EXPECT_EQ(*ThreadsFromOption("ALL_CPUS"), AvailableProcessors());
}

TEST_F(DefaultThreadsTest, ForkedChildrenHaveOneUnlessToldOtherwise) {
  const auto child = [] {
    if (DefaultThreads() != 1 || *ThreadsFromOption("ALL_CPUS") != AvailableProcessors()) return 1;
    Set("3", nullptr);
    return DefaultThreads() == 3 ? 0 : 2;
  };
  EXPECT_EQ(testing::RunInChild(child), 0);
  EXPECT_FALSE(IsForkedChild());
}

}  // namespace
}  // namespace ndarray
