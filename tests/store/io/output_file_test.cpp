#include "driver/store/io/output_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>

#include "tests/support/child_process.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_folder.h"

namespace ndarray {
namespace {

using testing::FailsWith;
using testing::IsOk;
using testing::kChildDied;
using testing::ReadFile;
using testing::StartChild;
using testing::TempFolder;
using testing::WaitForChild;
using testing::WriteFile;

class OutputFileTest : public ::testing::Test {
 protected:
  std::string Path(std::string_view name = "out.npy") const { return folder_.Path(name); }
  std::string Partial() const { return Path(".out.npy.partial"); }

  // Starts a file and writes "new"; the file, or no file and a failed test.
  static std::unique_ptr<OutputFile> Start(const std::string& path) {
    auto file = CreateLocalFile(path);
    EXPECT_THAT(file, IsOk());
    if (!file.ok()) return nullptr;
    EXPECT_THAT((*file)->WriteAt(0, "new", 3), IsOk());
    return std::move(*file);
  }

  static void StartAndCommit(const std::string& path) {
    const auto file = Start(path);
    ASSERT_NE(file, nullptr);
    EXPECT_EQ(file->path(), path);
    EXPECT_THAT(file->Commit(), IsOk());
  }

  int FilesInFolder() const {
    int files = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
      static_cast<void>(entry);
      ++files;
    }
    return files;
  }

  static mode_t ModeOf(const std::string& path) {
    struct stat about {};
    EXPECT_EQ(stat(path.c_str(), &about), 0);
    return about.st_mode & 07777;
  }

  const TempFolder folder_;
};

TEST_F(OutputFileTest, LeavesNothingWithoutCommit) {
  Start(Path()).reset();
  EXPECT_EQ(FilesInFolder(), 0);
}

TEST_F(OutputFileTest, KeepsTheOldFileWithoutCommit) {
  WriteFile(Path(), "old");
  auto file = Start(Path());
  EXPECT_EQ(ReadFile(Path()), "old");
  file.reset();
  EXPECT_EQ(ReadFile(Path()), "old");
  EXPECT_EQ(FilesInFolder(), 1);
}

TEST_F(OutputFileTest, MakesAFile) {
  StartAndCommit(Path());
  EXPECT_EQ(ReadFile(Path()), "new");
  EXPECT_EQ(FilesInFolder(), 1);
}

TEST_F(OutputFileTest, ReplacesTheOldFileOnCommit) {
  WriteFile(Path(), "the old content");
  StartAndCommit(Path());
  EXPECT_EQ(ReadFile(Path()), "new");
  EXPECT_EQ(FilesInFolder(), 1);
}

TEST_F(OutputFileTest, LeavesAnOpenOldFileReadable) {
  WriteFile(Path(), "old");
  const int reader = open(Path().c_str(), O_RDONLY);
  StartAndCommit(Path());
  char content[4] = {};
  EXPECT_EQ(read(reader, content, 3), 3);
  EXPECT_STREQ(content, "old");
  close(reader);
}

TEST_F(OutputFileTest, WritesToARelativePath) {
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(folder_.path());
  StartAndCommit("out.npy");
  std::filesystem::current_path(before);
  EXPECT_EQ(ReadFile(Path()), "new");
}

TEST_F(OutputFileTest, ReadsZerosWhereNothingWasWritten) {
  const auto file = Start(Path());
  ASSERT_THAT(file->Resize(1000000), IsOk());
  ASSERT_THAT(file->Reserve(1000000), IsOk());
  ASSERT_THAT(file->WriteAt(999999, "x", 1), IsOk());
  ASSERT_THAT(file->Commit(), IsOk());
  EXPECT_EQ(ReadFile(Path()), "new" + std::string(999996, '\0') + "x");
}

TEST_F(OutputFileTest, KeepsPermissionsOfTheReplacedFile) {
  WriteFile(Path(), "old");
  for (const mode_t mode : {0600u, 0644u, 0664u, 0755u}) {
    ASSERT_EQ(chmod(Path().c_str(), mode), 0);
    StartAndCommit(Path());
    EXPECT_EQ(ModeOf(Path()), mode);
  }
}

TEST_F(OutputFileTest, FollowsLinks) {
  std::filesystem::create_directory(Path("data"));
  WriteFile(Path("data/real.npy"), "old");
  std::filesystem::create_symlink("data/real.npy", Path("inner"));
  std::filesystem::create_symlink(Path("inner"), Path());
  StartAndCommit(Path());
  EXPECT_TRUE(std::filesystem::is_symlink(Path()));
  EXPECT_FALSE(std::filesystem::is_symlink(Path("data/real.npy")));
  EXPECT_EQ(ReadFile(Path("data/real.npy")), "new");
}

TEST_F(OutputFileTest, FollowsALinkToAFileThatIsNotThereYet) {
  std::filesystem::create_directory(Path("data"));
  std::filesystem::create_symlink("data/real.npy", Path());
  StartAndCommit(Path());
  EXPECT_TRUE(std::filesystem::is_symlink(Path()));
  EXPECT_EQ(ReadFile(Path("data/real.npy")), "new");
}

TEST_F(OutputFileTest, FailsForALinkToItself) {
  std::filesystem::create_symlink("out.npy", Path());
  EXPECT_THAT(CreateLocalFile(Path()), FailsWith(StatusCode::kIo, Path() + ": cannot create"));
  EXPECT_TRUE(std::filesystem::is_symlink(Path()));
}

TEST_F(OutputFileTest, RefusesASecondWriterWhileTheFirstLives) {
  auto first = Start(Path());
  EXPECT_THAT(CreateLocalFile(Path()), FailsWith(StatusCode::kIo, "another process is writing"));
  EXPECT_EQ(ReadFile(Partial()), "new") << "the refused writer touched it";
  EXPECT_THAT(CreateLocalFile(Path("other.npy")), IsOk());
  ASSERT_THAT(first->Commit(), IsOk());
  EXPECT_THAT(CreateLocalFile(Path()), IsOk()) << "after the commit, before the end of the first";
  first.reset();
  EXPECT_EQ(ReadFile(Path()), "new");
}

TEST_F(OutputFileTest, OverwritesWhatAKilledProcessLeft) {
  WriteFile(Path(), "old");
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  const pid_t child = StartChild([&] {
    const auto file = CreateLocalFile(Path());
    const std::string much(100000, 'x');
    if (!file.ok() || !(*file)->WriteAt(0, much.data(), much.size()).ok()) return 1;
    if (write(ready[1], "!", 1) != 1) return 1;
    while (true) pause();
  });
  char mark;
  ASSERT_EQ(read(ready[0], &mark, 1), 1);
  EXPECT_THAT(CreateLocalFile(Path()), FailsWith(StatusCode::kIo, "another process is writing"));
  kill(child, SIGKILL);
  EXPECT_EQ(WaitForChild(child), kChildDied);
  close(ready[0]);
  close(ready[1]);

  EXPECT_EQ(ReadFile(Path()), "old");
  EXPECT_EQ(ReadFile(Partial()).size(), 100000u);
  StartAndCommit(Path());
  EXPECT_EQ(ReadFile(Path()), "new");
  EXPECT_EQ(FilesInFolder(), 1);
}

TEST_F(OutputFileTest, NamesThePathWhereNoFileCanBeMade) {
  WriteFile(Path("file"), "a file, not a folder");
  EXPECT_THAT(CreateLocalFile(Path("missing/out.npy")),
              FailsWith(StatusCode::kNotFound, Path("missing/out.npy") + ": cannot create"));
  EXPECT_THAT(CreateLocalFile(Path("file/out.npy")),
              FailsWith(StatusCode::kIo, Path("file/out.npy") + ": cannot create"));
  EXPECT_THAT(CreateLocalFile(""), FailsWith(StatusCode::kInvalidArgument, "path"));
}

TEST_F(OutputFileTest, RefusesToReplaceWhatIsNoFile) {
  EXPECT_THAT(CreateLocalFile(folder_.path()),
              FailsWith(StatusCode::kNotSupported, folder_.path() + ": file type"));
  ASSERT_EQ(mkfifo(Path("fifo").c_str(), 0600), 0);
  EXPECT_THAT(CreateLocalFile(Path("fifo")), FailsWith(StatusCode::kNotSupported, "file type"));
  EXPECT_THAT(CreateLocalFile("/dev/null"), FailsWith(StatusCode::kNotSupported, "file type"));
}

// In a folder that others may write to, a link of that name could lead to any file of ours.
TEST_F(OutputFileTest, DoesNotWriteThroughALinkInPlaceOfThePartialFile) {
  WriteFile(Path("precious"), "precious");
  std::filesystem::create_symlink("precious", Partial());
  EXPECT_THAT(CreateLocalFile(Path()), FailsWith(StatusCode::kIo, Path() + ": cannot create"));
  EXPECT_EQ(ReadFile(Path("precious")), "precious");
}

TEST_F(OutputFileTest, FailsOnceWhereTheFolderVanishes) {
  std::filesystem::create_directory(Path("folder"));
  auto file = Start(Path("folder/out.npy"));
  std::filesystem::remove_all(Path("folder"));
  EXPECT_THAT(file->Commit(), FailsWith(StatusCode::kNotFound, "cannot replace"));
  file.reset();
  EXPECT_EQ(FilesInFolder(), 0);
}

TEST_F(OutputFileTest, LeavesNothingWhereTheNameBecameAFolder) {
  auto file = Start(Path());
  std::filesystem::create_directory(Path());
  EXPECT_THAT(file->Commit(), FailsWith(StatusCode::kIo, Path() + ": cannot replace"));
  file.reset();
  EXPECT_EQ(FilesInFolder(), 1);
}

TEST_F(OutputFileTest, NamesASizeThatIsTooLarge) {
  const auto file = Start(Path());
  EXPECT_THAT(file->Resize(UINT64_MAX),
              FailsWith(StatusCode::kIo, "a file of 18446744073709551615 bytes"));
  EXPECT_THAT(file->Resize(INT64_MAX), FailsWith(StatusCode::kIo, Path()));
  EXPECT_THAT(file->Reserve(uint64_t{1} << 60), FailsWith(StatusCode::kIo, "reserve"));
}

}  // namespace
}  // namespace ndarray
