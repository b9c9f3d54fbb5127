// Archives that are wrong in one way each, and the one message of each.
#include <gtest/gtest.h>

#include <string_view>

#include "driver/store/archive/zip_directory.h"
#include "tests/support/malformed/malformed_file.h"
#include "tests/support/memory_file.h"

namespace ndarray {
namespace {

Status FindAll(const ByteFile& file) {
  Result<ZipDirectory> directory = ZipDirectory::Read(file);
  if (!directory.ok()) return directory.status();
  for (const ZipMember& member : directory->members()) {
    Result<uint64_t> offset = ZipMemberOffset(file, member);
    if (!offset.ok()) return offset.status();
  }
  return {};
}

class MalformedZip : public ::testing::TestWithParam<testing::MalformedFile> {};

TEST_P(MalformedZip, HasOneMessage) {
  const auto& [name, bytes, finder, message] = GetParam();
  const Status status = FindAll(testing::MemoryFile(bytes));
  std::string_view text = status.message();
  for (const std::string_view start : {"memory.npy: ", "damaged (copy it again): "}) {
    if (text.substr(0, start.size()) == start) text.remove_prefix(start.size());
  }
  EXPECT_FALSE(message.empty());
  EXPECT_EQ(text.substr(0, message.size()), message) << status.message();
  EXPECT_TRUE(status.code() == StatusCode::kCorrupt || status.code() == StatusCode::kNotSupported);
}

INSTANTIATE_TEST_SUITE_P(Files, MalformedZip, ::testing::ValuesIn(testing::MalformedZipFiles()),
                         [](const auto& file) { return file.param.name; });

}  // namespace
}  // namespace ndarray
