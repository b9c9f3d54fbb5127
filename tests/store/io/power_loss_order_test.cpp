// The order in which local files are synced and renamed, and what is left if one of these fails.
// The system's functions are replaced in this program by ones that take notes, and that fail on
// demand.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "driver/store/io/local_file.h"
#include "driver/store/io/output_file.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_folder.h"

namespace {

bool taking_notes = false;
std::vector<std::string> notes;
std::string failing;  // the note that fails

// 0, or -1 and an error where it is to fail.
int Note(const std::string& note) {
  if (!taking_notes) return 0;
  notes.push_back(note);
  if (note != failing) return 0;
  errno = EIO;
  return -1;
}

std::string NameOf(int descriptor) {
  return std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(descriptor)).filename();
}

long long SizeOf(int descriptor) {
  struct stat about {};
  return fstat(descriptor, &about) == 0 ? static_cast<long long>(about.st_size) : -1;
}

}  // namespace

extern "C" {

int fsync(int descriptor) {
  struct stat about {};
  const bool is_folder = fstat(descriptor, &about) == 0 && S_ISDIR(about.st_mode);
  const std::string what =
      is_folder ? "folder" : NameOf(descriptor) + " of " + std::to_string(SizeOf(descriptor));
  if (Note("sync " + what) != 0) return -1;
  return static_cast<int>(syscall(SYS_fsync, descriptor));
}

int fdatasync(int descriptor) {
  if (Note("sync " + NameOf(descriptor) + " of " + std::to_string(SizeOf(descriptor))) != 0) {
    return -1;
  }
  return static_cast<int>(syscall(SYS_fdatasync, descriptor));
}

int rename(const char* from, const char* to) noexcept {
  if (Note("rename to " + std::string(std::filesystem::path(to).filename())) != 0) return -1;
  return static_cast<int>(syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0));
}

}  // extern "C"

namespace ndarray {
namespace {

using ::testing::ElementsAre;
using testing::FailsWith;
using testing::IsOk;
using testing::ReadFile;
using testing::TempFolder;
using testing::WriteFile;

class PowerLossOrderTest : public ::testing::Test {
 protected:
  PowerLossOrderTest() {
    WriteFile(Path(), "old");
    notes.clear();
    failing.clear();
    taking_notes = true;
  }
  ~PowerLossOrderTest() override { taking_notes = false; }

  std::string Path() const { return folder_.Path("file"); }

  Status Replace() const {
    const auto file = CreateLocalFile(Path());
    if (!file.ok()) return file.status();
    Status status = (*file)->WriteAt(0, "new content", 11);
    return status.ok() ? (*file)->Commit() : status;
  }

  bool IsAlone() const {
    const std::filesystem::directory_iterator files(folder_.path());
    return std::distance(begin(files), end(files)) == 1;
  }

  const TempFolder folder_;
};

TEST_F(PowerLossOrderTest, ContentIsSyncedBeforeItTakesTheNameAndTheNameAfterwards) {
  ASSERT_THAT(Replace(), IsOk());
  EXPECT_THAT(notes, ElementsAre("sync .file.partial of 11", "rename to file", "sync folder"));
}

TEST_F(PowerLossOrderTest, CompletedContentIsNotSyncedAgain) {
  const auto file = CreateLocalFile(Path());
  ASSERT_THAT(file, IsOk());
  ASSERT_THAT((*file)->WriteAt(0, "new content", 11), IsOk());
  ASSERT_THAT((*file)->Complete(), IsOk());
  EXPECT_THAT(notes, ElementsAre("sync .file.partial of 11"));
  EXPECT_EQ(ReadFile(Path()), "old");
  ASSERT_THAT((*file)->Commit(), IsOk());
  EXPECT_THAT(notes, ElementsAre("sync .file.partial of 11", "rename to file", "sync folder"));
}

TEST_F(PowerLossOrderTest, ContentThatCannotBeSyncedIsNotGivenTheName) {
  failing = "sync .file.partial of 11";
  EXPECT_THAT(Replace(), FailsWith(StatusCode::kIo, Path() + ": cannot sync"));
  EXPECT_THAT(notes, ElementsAre(failing));
  EXPECT_EQ(ReadFile(Path()), "old");
  EXPECT_TRUE(IsAlone());
}

TEST_F(PowerLossOrderTest, RenameThatFailsLeavesTheOldFile) {
  failing = "rename to file";
  EXPECT_THAT(Replace(), FailsWith(StatusCode::kIo, Path() + ": cannot replace"));
  EXPECT_EQ(ReadFile(Path()), "old");
  EXPECT_TRUE(IsAlone());
}

// Some file systems have no such thing.
TEST_F(PowerLossOrderTest, FolderThatCannotBeSyncedIsNoError) {
  failing = "sync folder";
  EXPECT_THAT(Replace(), IsOk());
  EXPECT_EQ(ReadFile(Path()), "new content");
}

TEST_F(PowerLossOrderTest, SyncOfAFileThatIsUpdatedReachesTheSystem) {
  const auto file = OpenLocalFileForUpdate(Path());
  ASSERT_THAT(file, IsOk());
  ASSERT_THAT((*file)->WriteAt(3, "er", 2), IsOk());
  ASSERT_THAT((*file)->Sync(), IsOk());
  EXPECT_THAT(notes, ElementsAre("sync file of 5"));
  failing = "sync file of 5";
  EXPECT_THAT((*file)->Sync(), FailsWith(StatusCode::kIo, Path() + ": cannot sync"));
}

}  // namespace
}  // namespace ndarray
