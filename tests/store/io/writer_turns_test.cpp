// Writers of one file: who waits for whom, and how waiting ends.

#include "driver/store/io/writer_turns.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/child_process.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_folder.h"

namespace ndarray {
namespace {

using std::chrono::milliseconds;
using testing::FailsWith;
using testing::IsOk;
using testing::ReadFile;
using testing::RunInChild;
using testing::StartChild;
using testing::TempFolder;
using testing::WriteFile;

constexpr milliseconds kAtOnce(0);
constexpr milliseconds kLong(60000);

// What a child has to say, and what it waits for.
class Signal {
 public:
  Signal() { EXPECT_EQ(pipe(ends_), 0); }
  ~Signal() {
    close(ends_[0]);
    close(ends_[1]);
  }
  void Give() const { EXPECT_EQ(write(ends_[1], "x", 1), 1); }
  void Wait() const {
    char byte;
    EXPECT_EQ(read(ends_[0], &byte, 1), 1);
  }

 private:
  int ends_[2];
};

class WriterTurnsTest : public ::testing::Test {
 protected:
  WriterTurnsTest() { WriteFile(path_, "content"); }

  SharedFile Open(Joining joining = Joining::kNow, milliseconds timeout = kAtOnce) const {
    auto file = OpenSharedFile(path_, joining, timeout);
    EXPECT_THAT(file, IsOk());
    return file.ok() ? std::move(*file) : SharedFile{};
  }

  // A process that does `what` with the file, says so, and stays until it is killed.
  template <typename What>
  pid_t StartHolder(const What& what) const {
    const Signal ready;
    const pid_t child = StartChild([&] {
      const SharedFile file = Open();
      what(*file.turns);
      ready.Give();
      while (true) pause();
      return 0;
    });
    ready.Wait();
    return child;
  }

  static void Kill(pid_t child) {
    kill(child, SIGKILL);
    int status = 0;
    waitpid(child, &status, 0);
  }

  const TempFolder folder_;
  const std::string path_ = folder_.Path("file");
};

TEST_F(WriterTurnsTest, TheFileIsWrittenWithoutAMap) {
  const SharedFile file = Open();
  EXPECT_FALSE(file.file->is_mapped());
  ASSERT_THAT(file.file->WriteAt(7, "s", 1), IsOk());
  EXPECT_EQ(file.file->State()->size_bytes, 8u);
  EXPECT_EQ(ReadFile(path_), "contents");
}

TEST_F(WriterTurnsTest, ManyJoinAndOneHasATurn) {
  const SharedFile first = Open();
  const SharedFile second = Open();
  ASSERT_THAT(first.turns->Begin(), IsOk());
  EXPECT_THAT(second.turns->Begin(),
              FailsWith(StatusCode::kIo,
                        path_ + ": another dataset of this process is updating this file; waited "
                                "0 s (NDARRAY_LOCK_TIMEOUT)"));
  first.turns->End();
  EXPECT_THAT(second.turns->Begin(), IsOk());
  first.turns->End();  // which it has not
  EXPECT_THAT(first.turns->Begin(), FailsWith(StatusCode::kIo, "is updating this file"));
}

TEST_F(WriterTurnsTest, AnErrorNamesTheProcessThatWasWaitedFor) {
  const pid_t holder = StartHolder([](WriterTurns& turns) { EXPECT_THAT(turns.Begin(), IsOk()); });
  const auto file = OpenSharedFile(path_, Joining::kNow, milliseconds(20));
  ASSERT_THAT(file, IsOk());
  EXPECT_THAT(file->turns->Begin(),
              FailsWith(StatusCode::kIo, "process " + std::to_string(holder) +
                                             " is updating this file; waited 0.020 s"));
  Kill(holder);
}

TEST_F(WriterTurnsTest, AKilledProcessHoldsNothing) {
  const pid_t holder = StartHolder([](WriterTurns& turns) { EXPECT_THAT(turns.Begin(), IsOk()); });
  Kill(holder);
  EXPECT_THAT(Open().turns->Begin(), IsOk());
  EXPECT_THAT(OpenSharedFile(path_, Joining::kAlone, kAtOnce), IsOk());
}

TEST_F(WriterTurnsTest, WhoWantsTheFileAloneWaitsForAllWritersAndKeepsThemOut) {
  const pid_t holder = StartHolder([](WriterTurns&) {});
  {
    const SharedFile own = Open();
    EXPECT_THAT(OpenSharedFile(path_, Joining::kAlone, kAtOnce),
                FailsWith(StatusCode::kIo, "processes "));
  }
  EXPECT_THAT(OpenSharedFile(path_, Joining::kAlone, kAtOnce),
              FailsWith(StatusCode::kIo, "process " + std::to_string(holder)));
  Kill(holder);
  const SharedFile late = Open(Joining::kLater);
  const SharedFile alone = Open(Joining::kAlone);
  EXPECT_THAT(OpenSharedFile(path_, Joining::kNow, kAtOnce),
              FailsWith(StatusCode::kIo, "another dataset of this process"));
  EXPECT_THAT(late.turns->Join(), FailsWith(StatusCode::kIo, "is updating this file"));
}

// Who waits to have the file alone, as the system shows it.
bool IsAnyoneWaitingAlone(const std::string& path) {
  const int file = open(path.c_str(), O_RDWR | O_CLOEXEC);
  struct flock lock = {};
  lock.l_type = F_RDLCK;
  lock.l_whence = SEEK_SET;
  lock.l_start = (int64_t{1} << 62) + 2;
  lock.l_len = 1;
  EXPECT_EQ(fcntl(file, F_OFD_GETLK, &lock), 0);
  close(file);
  return lock.l_type == F_WRLCK;
}

// compact, while writers come and go without a pause.
TEST_F(WriterTurnsTest, WhoWaitsToHaveTheFileAloneIsLetGoFirst) {
  SharedFile first = Open();
  std::atomic<bool> had{false};
  std::thread alone([&] {
    const SharedFile file = Open(Joining::kAlone, kLong);
    had = true;
  });
  while (!IsAnyoneWaitingAlone(path_)) std::this_thread::yield();
  const auto start = std::chrono::steady_clock::now();
  std::thread late([&] {
    const SharedFile file = Open(Joining::kNow, kLong);
    // Not for ever: it may be waited for by the one that it waits for.
    EXPECT_TRUE(had || std::chrono::steady_clock::now() - start >= milliseconds(2000));
  });
  std::this_thread::sleep_for(milliseconds(5));
  first.turns.reset();
  alone.join();
  late.join();
}

TEST_F(WriterTurnsTest, WhoWaitsToHaveTheFileAloneKeepsNobodyOutForEver) {
  const SharedFile first = Open();
  std::thread alone([&] {
    EXPECT_THAT(OpenSharedFile(path_, Joining::kAlone, milliseconds(300)),
                FailsWith(StatusCode::kIo, "is updating this file; waited 0.300 s"));
  });
  while (!IsAnyoneWaitingAlone(path_)) std::this_thread::yield();
  const SharedFile second = Open(Joining::kNow, milliseconds(10));
  EXPECT_THAT(second.turns->Begin(), IsOk());
  alone.join();
  EXPECT_FALSE(IsAnyoneWaitingAlone(path_));
}

TEST_F(WriterTurnsTest, AKilledProcessThatWaitedToHaveTheFileAloneKeepsNobodyOut) {
  const SharedFile first = Open();
  const pid_t child =
      StartChild([&] { return OpenSharedFile(path_, Joining::kAlone, kLong).ok() ? 0 : 1; });
  while (!IsAnyoneWaitingAlone(path_)) std::this_thread::yield();
  Kill(child);
  EXPECT_FALSE(IsAnyoneWaitingAlone(path_));
}

// Its frame ends where that writer has left it.
TEST_F(WriterTurnsTest, TheSizeIsThatOfAfterTheWait) {
  SharedFile first = Open();
  std::thread alone([&] {
    const SharedFile file = Open(Joining::kAlone, kLong);
    EXPECT_EQ(file.file->size_bytes(), 10u);
  });
  while (!IsAnyoneWaitingAlone(path_)) std::this_thread::yield();
  EXPECT_THAT(first.file->WriteAt(7, "and", 3), IsOk());
  first.turns.reset();
  alone.join();
}

TEST_F(WriterTurnsTest, WhoNeverJoinsHasNoTurns) {
  const SharedFile file = Open(Joining::kNever);
  EXPECT_EQ(file.turns, nullptr);
  EXPECT_THAT(file.file->WriteAt(7, "s", 1), IsOk());
}

TEST_F(WriterTurnsTest, KnowsWhetherItIsAlone) {
  const SharedFile first = Open();
  ASSERT_THAT(first.turns->Begin(), IsOk());
  EXPECT_TRUE(first.turns->IsAlone());
  const SharedFile second = Open();
  EXPECT_FALSE(first.turns->IsAlone());
  EXPECT_THAT(OpenSharedFile(path_, Joining::kAlone, kAtOnce), FailsWith(StatusCode::kIo, ""));
}

TEST_F(WriterTurnsTest, WaitsAsLongAsATurnTakes) {
  const SharedFile first = Open();
  const SharedFile second = Open(Joining::kNow, kLong);
  ASSERT_THAT(first.turns->Begin(), IsOk());
  std::atomic<bool> ended{false};
  std::thread other([&] {
    EXPECT_THAT(second.turns->Begin(), IsOk());
    EXPECT_TRUE(ended);
  });
  std::this_thread::sleep_for(milliseconds(5));
  ended = true;
  first.turns->End();
  other.join();
}

TEST_F(WriterTurnsTest, ThreadsTakeTurns) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      const SharedFile file = Open(Joining::kNow, kLong);
      for (int turn = 0; turn < 25; ++turn) {
        ASSERT_THAT(file.turns->Begin(), IsOk());
        char count[4] = {};
        ASSERT_THAT(file.file->Read({{0, 2, count}}), IsOk());
        ++count[0];
        ASSERT_THAT(file.file->WriteAt(0, count, 2), IsOk());
        file.turns->End();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(ReadFile(path_)[0], static_cast<char>('c' + 100));
}

TEST_F(WriterTurnsTest, SeesThatAnotherFileHasTheName) {
  const SharedFile file = Open();
  EXPECT_THAT(file.turns->CheckName(), IsOk());
  WriteFile(folder_.Path("other"), "other");
  std::filesystem::rename(folder_.Path("other"), path_);
  EXPECT_THAT(file.turns->CheckName(),
              FailsWith(StatusCode::kIo, path_ + ": another process or dataset has replaced"));
  EXPECT_THAT(OpenWriterTurns(path_, *file.file->traits().id, kAtOnce),
              FailsWith(StatusCode::kIo, "has replaced"));
  EXPECT_THAT(OpenSharedFile(path_, Joining::kAlone, kAtOnce), IsOk());
  std::filesystem::remove(path_);
  EXPECT_THAT(file.turns->CheckName(), FailsWith(StatusCode::kIo, "or removed this file"));
}

// The child has its parent's open file, and so its locks.
TEST_F(WriterTurnsTest, AChildOfAForkHasLocksOfItsOwn) {
  const SharedFile file = Open();
  ASSERT_THAT(file.turns->Begin(), IsOk());
  EXPECT_EQ(RunInChild([&] { return file.turns->Begin().ok() ? 1 : 0; }), 0);
  file.turns->End();
  EXPECT_EQ(RunInChild([&] {
              if (!file.turns->Begin().ok()) return 1;
              if (file.turns->IsAlone()) return 2;  // its parent has joined, too
              file.turns->End();
              return 0;
            }),
            0);
  ASSERT_THAT(file.turns->Begin(), IsOk());
  EXPECT_TRUE(file.turns->IsAlone());
}

// Workers of a pool, say, that outlive who started them.
TEST_F(WriterTurnsTest, AKilledProcessHoldsNoTurnThroughItsChildren) {
  const Signal done;
  const pid_t holder = StartHolder([&](WriterTurns& turns) {
    StartChild([&] {
      done.Wait();
      return 0;
    });
    EXPECT_THAT(turns.Begin(), IsOk());
  });
  const SharedFile file = Open();
  EXPECT_THAT(file.turns->Begin(), FailsWith(StatusCode::kIo, "is updating this file"));
  Kill(holder);
  EXPECT_THAT(file.turns->Begin(), IsOk());
  EXPECT_FALSE(file.turns->IsAlone()) << "the child may go on with what its parent has appended";
  done.Give();
}

TEST_F(WriterTurnsTest, AFileThatHasLostItsNameHasTurns) {
  const SharedFile file = Open();
  std::filesystem::remove(path_);
  EXPECT_THAT(file.turns->Begin(), IsOk());
}

TEST_F(WriterTurnsTest, ReportsWhatCannotBeOpened) {
  EXPECT_THAT(OpenSharedFile(folder_.Path("missing"), Joining::kNow, kAtOnce),
              FailsWith(StatusCode::kNotFound, "missing"));
  EXPECT_THAT(OpenSharedFile(folder_.path(), Joining::kNow, kAtOnce),
              FailsWith(StatusCode::kNotSupported, "file type: found a folder"));
}

}  // namespace
}  // namespace ndarray
