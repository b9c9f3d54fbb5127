// .npy files that are wrong in one way each, and the one message of each.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>

#include "driver/store/npy/npy_array.h"
#include "tests/support/malformed/malformed_file.h"
#include "tests/support/memory_file.h"

namespace ndarray {
namespace {

class MalformedNpy : public ::testing::TestWithParam<testing::MalformedFile> {};

TEST_P(MalformedNpy, HasOneMessage) {
  const auto& [name, bytes, finder, message] = GetParam();
  const auto file = std::make_shared<testing::MemoryFile>(bytes);
  for (const Status& status : {ReadNpyHeader(*file).status(), OpenNpyArray(file, 1).status(),
                               OpenNpyForUpdate(file, 1).status()}) {
    if (status.ok()) continue;  // a header may be right where the elements are not all there
    std::string_view text = status.message();
    for (const std::string_view start : {"memory.npy: ", "damaged (copy it again): "}) {
      if (text.substr(0, start.size()) == start) text.remove_prefix(start.size());
    }
    EXPECT_EQ(text.substr(0, message.size()), message) << status.message();
    EXPECT_TRUE(status.code() == StatusCode::kCorrupt ||
                status.code() == StatusCode::kNotSupported);
  }
  EXPECT_FALSE(message.empty());
  EXPECT_FALSE(OpenNpyArray(file, 1).ok());
  EXPECT_FALSE(OpenNpyForUpdate(file, 1).ok());
}

INSTANTIATE_TEST_SUITE_P(Files, MalformedNpy, ::testing::ValuesIn(testing::MalformedNpyFiles()),
                         [](const auto& file) { return file.param.name; });

}  // namespace
}  // namespace ndarray
