#include "driver/raster/gdal_error.h"

#include <gtest/gtest.h>

#include "driver/store/progress.h"

namespace ndarray {
namespace {

class ReportTest : public ::testing::Test {
 protected:
  ReportTest() {
    CPLErrorReset();
    CPLPushErrorHandler(CPLQuietErrorHandler);
  }
  ~ReportTest() override { CPLPopErrorHandler(); }
};

TEST_F(ReportTest, CancelledWorkIsTheUsersInterrupt) {
  EXPECT_EQ(Report(Cancelled().At("a.npy")), CE_Failure);
  EXPECT_EQ(CPLGetLastErrorNo(), CPLE_UserInterrupt);
  EXPECT_STREQ(CPLGetLastErrorMsg(), "a.npy: interrupted");
}

TEST_F(ReportTest, WhatGdalHasReportedIsNotReportedAgain) {
  EXPECT_EQ(Report(GdalStatus(CE_Failure).At("a.npy")), CE_Failure);
  EXPECT_EQ(CPLGetLastErrorType(), CE_None);
  EXPECT_EQ(Report(GdalStatus(CE_None)), CE_None);
}

}  // namespace
}  // namespace ndarray
