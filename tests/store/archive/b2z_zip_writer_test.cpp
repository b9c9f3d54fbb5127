// ZIP archives byte by byte, against a reader of a few lines and zlib's checksum of all bytes at
// once.

#include <gtest/gtest.h>
#include <zlib.h>

#include <map>
#include <string>

#include "driver/store/archive/zip_writer.h"
#include "driver/store/io/string_file.h"
#include "tests/support/status_matchers.h"

namespace ndarray {
namespace {

using testing::FailsWith;
using testing::IsOk;

uint64_t Number(const std::string& bytes, size_t at, int count) {
  uint64_t value = 0;
  for (int i = count - 1; i >= 0; --i) {
    value = value << 8 | static_cast<uint8_t>(bytes.at(at + static_cast<size_t>(i)));
  }
  return value;
}

// The members by their names, out of the directory, compared with their local headers.
std::map<std::string, std::string> MembersOf(const std::string& zip) {
  std::map<std::string, std::string> members;
  const size_t end = zip.rfind("PK\x05\x06");
  EXPECT_EQ(end + 22, zip.size());
  size_t at = Number(zip, end + 16, 4);
  EXPECT_EQ(at + Number(zip, end + 12, 4), end);
  uint64_t expected_offset = 0;
  for (uint64_t i = 0; i < Number(zip, end + 10, 2); ++i) {
    EXPECT_EQ(zip.substr(at, 4), std::string("PK\x01\x02"));
    const size_t size = Number(zip, at + 24, 4);
    const size_t name_bytes = Number(zip, at + 28, 2);
    const size_t local = Number(zip, at + 42, 4);
    EXPECT_EQ(local, expected_offset);
    EXPECT_EQ(zip.substr(local, 4), std::string("PK\x03\x04"));
    EXPECT_EQ(zip.substr(local + 10, 20), zip.substr(at + 12, 20)) << "date, CRC, sizes, lengths";
    const std::string name = zip.substr(at + 46, name_bytes);
    EXPECT_EQ(zip.substr(local + 30, name_bytes), name);
    const size_t extra = Number(zip, local + 28, 2);
    std::string content = zip.substr(local + 30 + name_bytes + extra, size);
    EXPECT_EQ(Number(zip, at + 16, 4),
              crc32_z(0, reinterpret_cast<const Bytef*>(content.data()), content.size()));
    expected_offset = local + 30 + name_bytes + extra + size;
    members[name] = std::move(content);
    at += 46 + name_bytes + Number(zip, at + 30, 2);
  }
  return members;
}

std::string Noise(size_t size) {
  std::string bytes(size, '\0');
  uint32_t state = 1;
  for (char& byte : bytes) byte = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
  return bytes;
}

class ZipWriterTest : public ::testing::Test {
 protected:
  StringOutput file_{"archive.b2z", size_t{64} << 20};
  ZipWriter zip_{file_};
};

TEST_F(ZipWriterTest, HoldsWhatWasAdded) {
  const std::string large = Noise(300'001);
  ASSERT_THAT(zip_.Add("one", "content"), IsOk());
  ASSERT_THAT(zip_.Add("folder/empty", ""), IsOk());
  ASSERT_THAT(zip_.AddRange("range", StringFile("noise", large, Access::kRead), 1, 300'000),
              IsOk());
  ASSERT_THAT(zip_.Finish(), IsOk());
  const auto members = MembersOf(file_.TakeBytes());
  EXPECT_EQ(members.size(), 3U);
  EXPECT_EQ(members.at("one"), "content");
  EXPECT_EQ(members.at("folder/empty"), "");
  EXPECT_EQ(members.at("range"), large.substr(1));
}

TEST_F(ZipWriterTest, SumsHeaderThatIsWrittenAgainLast) {
  const std::string body = Noise(1'000'000);
  const Result<OutputFile*> member = zip_.StartMember("frame", 2'000'000);
  ASSERT_THAT(member, IsOk());
  ASSERT_THAT((*member)->WriteAt(0, "header?", 7), IsOk());
  ASSERT_THAT((*member)->WriteAt(7, body.data(), 999'000), IsOk());
  ASSERT_THAT((*member)->WriteAt(999'007, body.data() + 999'000, 1'000), IsOk());
  ASSERT_THAT((*member)->WriteAt(0, "HEADER!", 7), IsOk());
  ASSERT_THAT(zip_.FinishMember(), IsOk());
  ASSERT_THAT(zip_.Add("next", "x"), IsOk());
  ASSERT_THAT(zip_.Finish(), IsOk());
  const auto members = MembersOf(file_.TakeBytes());
  EXPECT_EQ(members.at("frame"), "HEADER!" + body);
  EXPECT_EQ(members.at("next"), "x");
}

TEST_F(ZipWriterTest, RefusesWritesThatNeitherFollowNorRepeatTheFirst) {
  const Result<OutputFile*> member = zip_.StartMember("frame", 100);
  ASSERT_THAT(member, IsOk());
  ASSERT_THAT((*member)->WriteAt(0, "header", 6), IsOk());
  for (const uint64_t offset : {0, 5, 7}) {
    EXPECT_THAT((*member)->WriteAt(offset, "head", 4),
                FailsWith(StatusCode::kInvalidArgument, "bytes of a member"));
  }
  EXPECT_THAT((*member)->WriteAt(6, std::string(95, 'x').data(), 95),
              FailsWith(StatusCode::kInvalidArgument, "100 at most"));
}

TEST_F(ZipWriterTest, SameMembersGiveSameBytes) {
  StringOutput other("other.b2z", 1 << 20);
  ZipWriter twin(other);
  for (ZipWriter* const zip : {&zip_, &twin}) {
    ASSERT_THAT(zip->Add("a", "content"), IsOk());
    ASSERT_THAT(zip->Finish(), IsOk());
  }
  EXPECT_EQ(file_.TakeBytes(), other.TakeBytes());
}

TEST_F(ZipWriterTest, MemberThatMayBecomeLargeHasZip64Sizes) {
  const Result<OutputFile*> member = zip_.StartMember("frame", uint64_t{1} << 32);
  ASSERT_THAT(member, IsOk());
  ASSERT_THAT((*member)->WriteAt(0, "content", 7), IsOk());
  ASSERT_THAT(zip_.FinishMember(), IsOk());
  ASSERT_THAT(zip_.Finish(), IsOk());
  const std::string zip = file_.TakeBytes();
  EXPECT_EQ(Number(zip, 18, 4), 0xffffffff);
  EXPECT_EQ(Number(zip, 28, 2), 20U);
  EXPECT_EQ(Number(zip, 35, 2), 1U) << "the field's number";
  EXPECT_EQ(Number(zip, 39, 8), 7U);
  EXPECT_EQ(Number(zip, 47, 8), 7U);
  EXPECT_EQ(zip.substr(55, 7), "content");
  const size_t entry = zip.find("PK\x01\x02");
  EXPECT_EQ(entry, 62U);
  EXPECT_EQ(Number(zip, entry + 24, 4), 7U) << "it needs none in the directory";
  EXPECT_EQ(Number(zip, entry + 30, 2), 0U);
}

// What is longer than the file's length is not kept.
class LongOutput final : public OutputFile {
 public:
  LongOutput() : OutputFile("long.b2z") {}
  Status Resize(uint64_t) override { return {}; }
  Status Reserve(uint64_t) override { return {}; }
  Status Commit() override { return {}; }
  Status WriteAt(uint64_t offset_bytes, const void* from, size_t size_bytes) override {
    if (size_bytes > 1000) return {};
    writes[offset_bytes].assign(static_cast<const char*>(from), size_bytes);
    return {};
  }
  std::map<uint64_t, std::string> writes;
};

TEST(ZipWriterLongTest, PutsSizesAndOffsetsBeyond4GibInZip64Fields) {
  LongOutput file;
  ZipWriter zip(file);
  const std::string piece(size_t{32} << 20, '\0');
  const uint64_t size = uint64_t{130} * piece.size();  // 4.06 GiB
  const Result<OutputFile*> member = zip.StartMember("large", size);
  ASSERT_THAT(member, IsOk());
  for (uint64_t at = 0; at < size; at += piece.size()) {
    ASSERT_THAT((*member)->WriteAt(at, piece.data(), piece.size()), IsOk());
  }
  ASSERT_THAT(zip.FinishMember(), IsOk());
  ASSERT_THAT(zip.Add("small", "x"), IsOk());
  ASSERT_THAT(zip.Finish(), IsOk());
  const uint64_t small_at = 30 + 5 + 20 + size;
  EXPECT_EQ(Number(file.writes.at(0), 39, 8), size);
  ASSERT_EQ(file.writes.count(small_at), 1U);
  const auto& [directory_at, directory] = *file.writes.rbegin();
  EXPECT_EQ(directory_at, small_at + 30 + 5 + 1);
  // Of the first member both sizes, of the second the offset.
  EXPECT_EQ(Number(directory, 24, 4), 0xffffffff);
  EXPECT_EQ(Number(directory, 46 + 5 + 4, 8), size);
  EXPECT_EQ(Number(directory, 46 + 5 + 12, 8), size);
  const size_t second = 46 + 5 + 20;
  EXPECT_EQ(Number(directory, second + 24, 4), 1U);
  EXPECT_EQ(Number(directory, second + 42, 4), 0xffffffff);
  EXPECT_EQ(Number(directory, second + 46 + 5, 2), 1U);
  EXPECT_EQ(Number(directory, second + 46 + 5 + 4, 8), small_at);
  const size_t end64 = second + 46 + 5 + 12;
  EXPECT_EQ(directory.substr(end64, 4), std::string("PK\x06\x06"));
  EXPECT_EQ(Number(directory, end64 + 32, 8), 2U);
  EXPECT_EQ(Number(directory, end64 + 40, 8), end64);
  EXPECT_EQ(Number(directory, end64 + 48, 8), directory_at);
  EXPECT_EQ(directory.substr(end64 + 56, 4), std::string("PK\x06\x07"));
  EXPECT_EQ(Number(directory, end64 + 64, 8), directory_at + end64);
  EXPECT_EQ(directory.substr(end64 + 76, 4), std::string("PK\x05\x06"));
  EXPECT_EQ(Number(directory, end64 + 76 + 16, 4), 0xffffffff);
}

}  // namespace
}  // namespace ndarray
