#include "driver/store/archive/zip_directory.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "driver/store/archive/crc32.h"
#include "driver/store/io/sub_file.h"
#include "tests/support/memory_file.h"
#include "tests/support/zip_bytes.h"

namespace ndarray {
namespace {

using testing::AsZip64;
using testing::Little;
using testing::MemoryFile;
using testing::ZipBytes;

std::string Content(const std::shared_ptr<MemoryFile>& file, const ZipDirectory& directory,
                    const std::string& name) {
  const ZipMember* const member = directory.Find(name);
  if (member == nullptr) return "no member";
  const Result<uint64_t> offset = ZipMemberOffset(*file, *member);
  if (!offset.ok()) return offset.status().message();
  const auto part = SubFile::Open(name, file, *offset, member->packed_bytes);
  std::string bytes;
  if (!part.ok()) return part.status().message();
  const Status status = ReadBytes(**part, 0, (*part)->size_bytes(), bytes);
  return status.ok() ? bytes : status.message();
}

TEST(ZipDirectory, FindsMembersWhereTheyLie) {
  const std::string extra = "\x99\x99\x03" + std::string("\0abc", 4);
  const ZipBytes zip({{"b/one", "first", 0, {}, extra, extra, 0}, {"a", "", 0, {}, "", "", 0}},
                     "a comment with PK\x05\x06 in it");
  const auto file = std::make_shared<MemoryFile>(zip.bytes);
  const Result<ZipDirectory> directory = ZipDirectory::Read(*file);
  ASSERT_TRUE(directory.ok()) << directory.status().message();
  ASSERT_EQ(directory->members().size(), 2u);
  EXPECT_EQ(directory->members()[0].name, "b/one");
  EXPECT_EQ(directory->members()[0].crc32, 0x12345678u);
  EXPECT_EQ(Content(file, *directory, "b/one"), "first");
  EXPECT_EQ(Content(file, *directory, "a"), "");
  EXPECT_EQ(directory->Find("b"), nullptr);
}

TEST(ZipDirectory, ReadsZip64) {
  // Sizes and offset of the first member, as archives of more than 4 GiB have them.
  const std::string in_64 =
      Little(1, 2) + Little(24, 2) + Little(5, 8) + Little(5, 8) + Little(0, 8);
  ZipBytes zip({{"one", "first", 0, {}, "", in_64, 0}, {"two", "second", 0, {}, "", "", 0}});
  zip.bytes.replace(zip.entries[0] + 20, 8, std::string(8, '\xff'));
  zip.bytes.replace(zip.entries[0] + 42, 4, std::string(4, '\xff'));
  for (const std::string& bytes : {zip.bytes, AsZip64(zip)}) {
    const auto file = std::make_shared<MemoryFile>(bytes);
    const Result<ZipDirectory> directory = ZipDirectory::Read(*file);
    ASSERT_TRUE(directory.ok()) << directory.status().message();
    EXPECT_EQ(Content(file, *directory, "one"), "first");
    EXPECT_EQ(Content(file, *directory, "two"), "second");
  }
}

TEST(ZipDirectory, CostsTwoReadsHoweverLargeTheArchiveIs) {
  const std::string much(size_t{1} << 20, 'x');
  std::vector<testing::ZipEntry> entries;
  for (int i = 0; i < 3000; ++i) {
    entries.push_back({"a_rather_long_name_" + std::to_string(i), "x", 0, {}, "", "", 0});
  }
  entries.push_back({"much", much, 0, {}, "", "", 0});
  const MemoryFile file(ZipBytes(entries).bytes);
  const Result<ZipDirectory> directory = ZipDirectory::Read(file);
  ASSERT_TRUE(directory.ok()) << directory.status().message();
  EXPECT_EQ(directory->members().size(), entries.size());
  EXPECT_EQ(file.calls(), 2u);
  EXPECT_LT(file.bytes_read(), 400'000u);
}

TEST(ZipDirectory, OfFewMembersCostsOneRead) {
  const MemoryFile file(ZipBytes({{"a", std::string(200'000, 'x')}}).bytes);
  ASSERT_TRUE(ZipDirectory::Read(file).ok());
  EXPECT_EQ(file.calls(), 1u);
}

TEST(ZipDirectory, OpensArchiveBehindOtherBytes) {
  const ZipBytes zip(std::vector<testing::ZipEntry>{{"one", "first"}, {"two", "second"}},
                     "a comment");
  const std::string before(100'000, 'x');
  for (const std::string& bytes : {zip.bytes, AsZip64(zip)}) {
    const auto file = std::make_shared<MemoryFile>(before + bytes);
    const Result<ZipDirectory> directory = ZipDirectory::Read(*file);
    ASSERT_TRUE(directory.ok()) << directory.status().message();
    EXPECT_EQ(Content(file, *directory, "one"), "first");
    EXPECT_EQ(Content(file, *directory, "two"), "second");
    EXPECT_EQ(directory->bytes_before(), before.size());
    EXPECT_TRUE(EndsWithZip(*file));
  }
}

// As tools leave them that put a program before an archive and then count it.
TEST(ZipDirectory, OpensArchiveWhoseOffsetsCountTheBytesBefore) {
  ZipBytes zip(std::vector<testing::ZipEntry>{{"one", "first"}});
  const std::string before(1000, 'x');
  std::string bytes = before + zip.bytes;
  bytes.replace(before.size() + zip.entries[0] + 42, 4, Little(before.size() + zip.locals[0], 4));
  bytes.replace(before.size() + zip.end + 16, 4, Little(before.size() + zip.entries[0], 4));
  const auto file = std::make_shared<MemoryFile>(bytes);
  const Result<ZipDirectory> directory = ZipDirectory::Read(*file);
  ASSERT_TRUE(directory.ok()) << directory.status().message();
  EXPECT_EQ(Content(file, *directory, "one"), "first");
}

TEST(ZipDirectory, OpensArchiveBeforeOtherBytes) {
  const ZipBytes zip(std::vector<testing::ZipEntry>{{"one", "first"}}, "comment");
  for (const std::string& after : {std::string(1, 'x'), std::string(65'000, '\0')}) {
    const auto file = std::make_shared<MemoryFile>(zip.bytes + after);
    const Result<ZipDirectory> directory = ZipDirectory::Read(*file);
    ASSERT_TRUE(directory.ok()) << directory.status().message();
    EXPECT_EQ(Content(file, *directory, "one"), "first");
    EXPECT_EQ(directory->bytes_after(), after.size() + 7);
  }
  EXPECT_FALSE(EndsWithZip(MemoryFile(zip.bytes + std::string(66'000, 'x'))));
}

TEST(ZipDirectory, LastMemberOfAnyNameCounts) {
  const std::vector<testing::ZipEntry> entries = {
      {"a", "old"}, {"b", "other"}, {"a", "newer"}, {"", "none"}, {"a", "newest"}};
  const ZipBytes zip(entries);
  const auto file = std::make_shared<MemoryFile>(zip.bytes);
  const Result<ZipDirectory> directory = ZipDirectory::Read(*file);
  ASSERT_TRUE(directory.ok()) << directory.status().message();
  EXPECT_EQ(Content(file, *directory, "a"), "newest");
  EXPECT_EQ(Content(file, *directory, "b"), "other");
  EXPECT_EQ(Content(file, *directory, ""), "none");
  std::string found;
  for (const ZipMember& member : directory->members()) {
    found += directory->IsFound(member) ? 'x' : '-';
  }
  EXPECT_EQ(found, "-x-xx");
  EXPECT_EQ(directory->Find("A"), nullptr);
  EXPECT_EQ(directory->Find("c"), nullptr);
}

// Names and contents of all members, compared with their sums; empty where anything is refused.
std::map<std::string, std::string> Checked(const std::string& bytes) {
  const auto file = std::make_shared<MemoryFile>(bytes);
  const Result<ZipDirectory> directory = ZipDirectory::Read(*file);
  if (!directory.ok()) return {};
  std::map<std::string, std::string> members;
  for (const ZipMember& member : directory->members()) {
    const std::string content = Content(file, *directory, member.name);
    if (member.is_encrypted || member.method != zip_method::kStored ||
        Crc32(content.data(), content.size()) != member.crc32) {
      return {};
    }
    members[member.name] = content;
  }
  return members;
}

TEST(ZipDirectory, EveryFlippedBitIsFoundOrHarmless) {
  ZipBytes zip(std::vector<testing::ZipEntry>{{"one.npy", "first"}, {"two.npy", "the second one"}});
  const std::vector<std::string> contents = {"first", "the second one"};
  for (size_t i = 0; i < contents.size(); ++i) {
    const std::string sum = Little(Crc32(contents[i].data(), contents[i].size()), 4);
    zip.bytes.replace(zip.entries[i] + 16, 4, sum);
    zip.bytes.replace(zip.locals[i] + 14, 4, sum);
  }
  for (const std::string& good : {zip.bytes, AsZip64(zip)}) {
    const auto expected = Checked(good);
    ASSERT_EQ(expected.size(), 2u);
    for (size_t at = 0; at < good.size(); ++at) {
      for (int bit = 0; bit < 8; ++bit) {
        std::string bad = good;
        bad[at] = static_cast<char>(bad[at] ^ 1 << bit);
        const auto found = Checked(bad);
        EXPECT_TRUE(found.empty() || found == expected) << "byte " << at << ", bit " << bit;
      }
    }
  }
}

TEST(SubFile, NeverReadsBehindItsEnd) {
  const auto file = std::make_shared<MemoryFile>("0123456789");
  const auto part = SubFile::Open("part", file, 2, 5);
  ASSERT_TRUE(part.ok());
  std::string bytes;
  EXPECT_TRUE(ReadBytes(**part, 1, 4, bytes).ok());
  EXPECT_EQ(bytes, "3456");
  EXPECT_FALSE(ReadBytes(**part, 1, 5, bytes).ok());
  EXPECT_FALSE(ReadBytes(**part, UINT64_MAX, 1, bytes).ok());
  EXPECT_FALSE(SubFile::Open("part", file, 2, 9).ok());
  EXPECT_FALSE(SubFile::Open("part", file, UINT64_MAX, 1).ok());
  EXPECT_EQ((*part)->traits().start_bytes, 2u);
  EXPECT_EQ((*part)->traits().whole_path, file->path());
}

}  // namespace
}  // namespace ndarray
