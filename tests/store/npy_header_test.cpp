#include "driver/store/npy_header.h"

#include <gtest/gtest.h>

#include "tests/support/npy_files.h"
#include "tests/support/status_matchers.h"

namespace ndarray {
namespace {

using testing::FailsWith;
using testing::HeaderText;
using testing::IsOk;
using testing::NpyBytes;

TEST(NpyHeader, ReadsPlainArray) {
  const auto header = ParseNpyHeader(NpyBytes(1, HeaderText("'<u2'", "(3, 4)")));
  ASSERT_THAT(header, IsOk());
  EXPECT_EQ(header->shape, (AxisVector{3, 4}));
  EXPECT_EQ(header->element_bytes, 2);
}

TEST(NpyHeader, RejectsShapeWhoseProductOverflows) {
  EXPECT_THAT(ParseNpyHeader(NpyBytes(1, HeaderText("'<u2'", "(4294967296, 4294967296)"))),
              FailsWith(StatusCode::kCorrupt, "less than 2^63 bytes"));
}

}  // namespace
}  // namespace ndarray
