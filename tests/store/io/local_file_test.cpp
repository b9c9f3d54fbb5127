#include "driver/store/io/local_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/child_process.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_folder.h"

namespace ndarray {
namespace {

using testing::FailsWith;
using testing::IsOk;
using testing::RunInChild;
using testing::TempFolder;
using testing::WriteFile;

class LocalFileTest : public ::testing::Test {
 protected:
  std::string Path(std::string_view name = "file") const { return folder_.Path(name); }

  static std::shared_ptr<ByteFile> Open(const std::string& path) {
    auto file = OpenLocalFile(path);
    EXPECT_THAT(file, IsOk());
    return file.ok() ? std::move(*file) : nullptr;
  }

  static std::shared_ptr<WritableFile> OpenToUpdate(const std::string& path) {
    auto file = OpenLocalFileForUpdate(path);
    EXPECT_THAT(file, IsOk());
    return file.ok() ? std::move(*file) : nullptr;
  }

  static const std::byte* Map(const ByteFile& file) { return *file.View(0, file.size_bytes()); }

  static std::string MappedText(const ByteFile& file) {
    return {reinterpret_cast<const char*>(Map(file)), file.size_bytes()};
  }

  void MakeFifo(const std::string& name) const { ASSERT_EQ(mkfifo(Path(name).c_str(), 0600), 0); }

  const TempFolder folder_;
};

TEST_F(LocalFileTest, ShowsTheFile) {
  WriteFile(Path(), "content");
  const auto file = Open(Path());
  EXPECT_EQ(file->path(), Path());
  EXPECT_EQ(file->size_bytes(), 7u);
  EXPECT_EQ(MappedText(*file), "content");
}

TEST_F(LocalFileTest, ReadsRanges) {
  WriteFile(Path(), "0123456789");
  const auto file = Open(Path());
  std::string a(3, ' ');
  std::string b(10, ' ');
  EXPECT_THAT(file->Read({{7, 3, a.data()}, {0, 10, b.data()}, {10, 0, nullptr}}), IsOk());
  EXPECT_EQ(a, "789");
  EXPECT_EQ(b, "0123456789");
  EXPECT_THAT(file->Read({}), IsOk());
}

TEST_F(LocalFileTest, NamesRangesBeyondTheEnd) {
  WriteFile(Path(), "0123456789");
  const auto file = Open(Path());
  std::string to(8, ' ');
  EXPECT_THAT(file->Read({{0, 4, to.data()}, {3, 8, to.data()}}),
              FailsWith(StatusCode::kCorrupt, "found 10 bytes, wanted at least 11 bytes"));
  EXPECT_THAT(file->Read({{1000, 1, to.data()}}), FailsWith(StatusCode::kCorrupt, Path()));
}

TEST_F(LocalFileTest, SharesOneMapBetweenReaders) {
  WriteFile(Path(), "content");
  auto first = Open(Path());
  const auto second = Open(Path());
  EXPECT_EQ(Map(*first), Map(*second));
  first.reset();
  EXPECT_EQ(MappedText(*second), "content");
  EXPECT_EQ(Map(*Open(Path())), Map(*second));
}

TEST_F(LocalFileTest, DoesNotShareWithTheFileThatTookTheName) {
  WriteFile(Path(), "old one");
  const auto old_file = Open(Path());
  WriteFile(Path("other"), "new one");
  std::filesystem::rename(Path("other"), Path());
  EXPECT_EQ(MappedText(*Open(Path())), "new one");
  EXPECT_EQ(MappedText(*old_file), "old one");
}

TEST_F(LocalFileTest, DoesNotShareWithAFileThatGrew) {
  WriteFile(Path(), "short");
  const auto before = Open(Path());
  WriteFile(Path(), "much longer");
  EXPECT_EQ(MappedText(*Open(Path())), "much longer");
  EXPECT_EQ(before->size_bytes(), 5u);
}

TEST_F(LocalFileTest, DoesNotShareWithWriters) {
  WriteFile(Path(), "content");
  const auto writer = OpenToUpdate(Path());
  EXPECT_NE(Open(Path()), writer);
  EXPECT_NE(OpenToUpdate(Path()), writer);
}

TEST_F(LocalFileTest, SharesBetweenThreads) {
  WriteFile(Path(), "content");
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (int k = 0; k < 200; ++k) {
        const auto file = OpenLocalFile(Path());
        ASSERT_THAT(file, IsOk());
        EXPECT_EQ(MappedText(**file), "content");
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST_F(LocalFileTest, ShowsReadersWhatIsWritten) {
  WriteFile(Path(), "0123456789");
  const auto writer = OpenToUpdate(Path());
  const auto reader = Open(Path());
  ASSERT_THAT(writer->WriteAt(3, "abc", 3), IsOk());
  EXPECT_EQ(MappedText(*reader), "012abc6789");
  EXPECT_EQ(MappedText(*writer), "012abc6789");
  EXPECT_THAT(writer->Flush(), IsOk());
}

TEST_F(LocalFileTest, NoticesThatTheFileShrank) {
  WriteFile(Path(), std::string(10000, 'x'));
  const auto file = Open(Path());
  EXPECT_THAT(file->View(1, 9999), IsOk());
  ASSERT_EQ(truncate(Path().c_str(), 5000), 0);
  EXPECT_THAT(file->View(0, 5000), IsOk());
  EXPECT_THAT(file->View(1, 5000),
              FailsWith(StatusCode::kCorrupt, Path() + ": file size: found 5000 bytes (it shrank"));
}

TEST_F(LocalFileTest, ShowsNothingBeyondItsMap) {
  WriteFile(Path(), "content");
  const auto file = Open(Path());
  WriteFile(Path(), "content that has grown");
  EXPECT_EQ(*file->View(7, 0), Map(*file) + 7);
  EXPECT_THAT(file->View(0, 8), FailsWith(StatusCode::kCorrupt, "found 7 bytes"));
  EXPECT_THAT(file->View(8, 0), FailsWith(StatusCode::kCorrupt, Path()));
  EXPECT_THAT(file->View(7, UINT64_MAX), FailsWith(StatusCode::kCorrupt, Path()));
}

TEST_F(LocalFileTest, KnowsItsFileByWhatItIs) {
  WriteFile(Path(), "content");
  WriteFile(Path("other"), "content");
  const auto file = Open(Path());
  const int other = open(Path("other").c_str(), O_RDONLY);
  std::filesystem::rename(Path(), Path("renamed"));
  const int same = open(Path("renamed").c_str(), O_RDONLY);
  ASSERT_TRUE(file->traits().id.has_value());
  EXPECT_TRUE(file->traits().id == FileIdOf(same));
  EXPECT_FALSE(file->traits().id == FileIdOf(other));
  EXPECT_FALSE(FileIdOf(-1).has_value());
  close(other);
  close(same);
}

TEST_F(LocalFileTest, OpensAnEmptyFile) {
  WriteFile(Path(), "");
  const auto file = Open(Path());
  EXPECT_EQ(file->size_bytes(), 0u);
  EXPECT_FALSE(file->is_mapped());
  char byte;
  EXPECT_THAT(file->Read({{0, 1, &byte}}), FailsWith(StatusCode::kCorrupt, "0 bytes"));
  file->Advise(0, 100);
}

TEST_F(LocalFileTest, TakesAdviceBeyondItsEnd) {
  WriteFile(Path(), "content");
  const auto file = Open(Path());
  for (const uint64_t offset : {uint64_t{0}, uint64_t{6}, uint64_t{7}, UINT64_MAX}) {
    for (const uint64_t size : {uint64_t{0}, uint64_t{1}, UINT64_MAX}) file->Advise(offset, size);
  }
  EXPECT_EQ(MappedText(*file), "content");
}

TEST_F(LocalFileTest, NamesWhatIsNotThere) {
  EXPECT_THAT(OpenLocalFile(Path("missing")),
              FailsWith(StatusCode::kNotFound, Path("missing") + ": cannot open"));
  WriteFile(Path(), "content");
  EXPECT_THAT(OpenLocalFile(Path("file/below")),
              FailsWith(StatusCode::kIo, Path("file/below") + ": cannot open"));
}

TEST_F(LocalFileTest, RefusesFolders) {
  EXPECT_THAT(OpenLocalFile(folder_.path()),
              FailsWith(StatusCode::kNotSupported, "file type: found a folder"));
  EXPECT_THAT(OpenLocalFileForUpdate(folder_.path()),
              FailsWith(StatusCode::kNotSupported, "file type: found a folder"));
}

// Opening a FIFO to read waits until somebody writes.
TEST_F(LocalFileTest, RefusesFifosAtOnce) {
  MakeFifo("fifo");
  EXPECT_EQ(RunInChild([&] {
              const Status read = OpenLocalFile(Path("fifo")).status();
              const Status update = OpenLocalFileForUpdate(Path("fifo")).status();
              return read.code() == StatusCode::kNotSupported &&
                             update.code() == StatusCode::kNotSupported
                         ? 0
                         : 1;
            }),
            0);
}

TEST_F(LocalFileTest, RefusesDevices) {
  EXPECT_THAT(OpenLocalFile("/dev/zero"),
              FailsWith(StatusCode::kNotSupported, "found a special file"));
}

void ExpectUnmapped(const ByteFile& file, const std::string& content) {
  EXPECT_FALSE(file.is_mapped());
  EXPECT_EQ(*file.View(0, content.size()), nullptr);
  EXPECT_EQ(file.size_bytes(), content.size());
  std::string to(content.size(), ' ');
  EXPECT_THAT(file.Read({{0, to.size(), to.data()}}), IsOk());
  EXPECT_EQ(to, content);
  file.Advise(0, UINT64_MAX);
  file.NoteRead(0, content.size());
}

TEST_F(LocalFileTest, ReadsLongerFilesThanMayBeMappedWithoutAMap) {
  WriteFile(Path(), "content");
  const auto open = [&](uint64_t max_mapped_bytes) {
    MapPolicy policy;
    policy.max_mapped_bytes = max_mapped_bytes;
    return *OpenLocalFile(Path(), policy);
  };
  EXPECT_TRUE(open(7)->is_mapped());
  const auto unmapped = open(6);
  ExpectUnmapped(*unmapped, "content");
  EXPECT_EQ(open(6), unmapped);
  EXPECT_TRUE(open(7)->is_mapped()) << "shared with who must not map it";
}

TEST_F(LocalFileTest, UpdatesWithoutAMap) {
  WriteFile(Path(), "content");
  const auto file = OpenLocalFileForUpdate(Path(), MapPolicy{0, {}});
  ASSERT_THAT(file, IsOk());
  ASSERT_THAT((*file)->WriteAt(3, "XYZ", 3), IsOk());
  ExpectUnmapped(**file, "conXYZt");
}

// A limit that any process of today exceeds already: no further map can be made.
TEST_F(LocalFileTest, ReadsWithoutAMapWhereThereCanBeNone) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "TSan needs address space for whatever this allocates, and ends the process";
#endif
  WriteFile(Path(), "content");
  ASSERT_EQ(truncate(Path().c_str(), off_t{1} << 43), 0);
  EXPECT_EQ(
      RunInChild([&] {
        const rlimit limit = {1 << 20, 1 << 20};
        if (setrlimit(RLIMIT_AS, &limit) != 0) return 3;
        const auto reader = OpenLocalFile(Path());
        const auto writer = OpenLocalFileForUpdate(Path());
        if (!reader.ok() || !writer.ok()) return 2;
        for (const ByteFile* const file : {reader->get(), static_cast<ByteFile*>(writer->get())}) {
          char text[8] = {};
          if (file->is_mapped()) return 2;
          if (!file->Read({{0, 7, text}}).ok()) return 1;
          if (std::strcmp(text, "content") != 0) return 1;
        }
        return 0;
      }),
      0);
}

uint64_t AddressSpaceInUse() {
  unsigned long long pages = 0;
  std::FILE* const file = std::fopen("/proc/self/statm", "r");
  const bool known = std::fscanf(file, "%llu", &pages) == 1;
  std::fclose(file);
  return known ? pages * static_cast<uint64_t>(sysconf(_SC_PAGESIZE)) : 0;
}

TEST_F(LocalFileTest, LeavesHalfOfALimitedAddressSpaceToOthers) {
  constexpr uint64_t kMegabyte = uint64_t{1} << 20;
  WriteFile(Path("small"), "");
  WriteFile(Path("large"), "");
  ASSERT_EQ(truncate(Path("small").c_str(), 256 * kMegabyte), 0);
  ASSERT_EQ(truncate(Path("large").c_str(), 768 * kMegabyte), 0);
  EXPECT_EQ(RunInChild([&] {
              const rlim_t most = AddressSpaceInUse() + 1024 * kMegabyte;
              const rlimit limit = {most, most};
              if (setrlimit(RLIMIT_AS, &limit) != 0) return 3;
              if ((*OpenLocalFile(Path("large")))->is_mapped()) return 2;
              return (*OpenLocalFile(Path("small")))->is_mapped() ? 0 : 1;
            }),
            0);
}

TEST_F(LocalFileTest, OpensAgainWhatHasItsNameNow) {
  WriteFile(Path(), "old one");
  const auto file = Open(Path());
  EXPECT_EQ(*file->OpenAgain(), file);
  WriteFile(Path("other"), "new and longer");
  std::filesystem::rename(Path("other"), Path());
  EXPECT_EQ(MappedText(**file->OpenAgain()), "new and longer");
  std::filesystem::remove(Path());
  EXPECT_THAT(file->OpenAgain(), FailsWith(StatusCode::kNotFound, Path()));
}

// What others write between them while they are stored stays.
TEST_F(LocalFileTest, StoresBytesWithoutTheirNeighbours) {
  for (const uint64_t max_mapped_bytes : {uint64_t{0}, UINT64_MAX}) {
    WriteFile(Path(), std::string(5000, '.') + "content" + std::string(5000, '.'));
    const auto file = OpenLocalFileForUpdate(Path(), MapPolicy{max_mapped_bytes, {}});
    ASSERT_THAT(file, IsOk());
    const auto other = OpenToUpdate(Path());
    for (const char letter : {'A', 'B'}) {
      const Status stored = (*file)->StoreInPlace(5000, 7, [&](std::byte* to) {
        EXPECT_THAT(other->WriteAt(5001, "xyz", 3), IsOk());
        to[0] = to[4] = static_cast<std::byte>(letter);
      });
      ASSERT_THAT(stored, IsOk());
      EXPECT_EQ(testing::ReadFile(Path()).substr(5000, 7),
                std::string(1, letter) + "xyz" + letter + "nt");
    }
    const auto fails = [](std::byte*) { FAIL() << "beyond the end"; };
    EXPECT_THAT((*file)->StoreInPlace(10000, 8, fails), FailsWith(StatusCode::kCorrupt, Path()));
    EXPECT_THAT((*file)->StoreInPlace(UINT64_MAX, 8, fails),
                FailsWith(StatusCode::kCorrupt, Path()));
  }
}

}  // namespace
}  // namespace ndarray
