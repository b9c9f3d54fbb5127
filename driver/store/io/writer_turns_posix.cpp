#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <thread>
#include <utility>

#include "driver/store/io/descriptor.h"
#include "driver/store/io/local_file.h"
#include "driver/store/io/lock_holders.h"
#include "driver/store/io/writer_turns.h"

namespace ndarray {
namespace {

using std::chrono::steady_clock;

// Behind the end of any file, for all who write .b2nd files with this driver, of whatever version.
constexpr int64_t kTurnByte = int64_t{1} << 62;
constexpr int64_t kJoinedByte = kTurnByte + 1;
constexpr int64_t kAloneByte = kTurnByte + 2;  // of who waits until nobody has joined

// For how long one who wants to join lets one go first who waits to have the file alone. That one
// may wait for a dataset of this very thread, so this is no more than a courtesy.
constexpr std::chrono::milliseconds kCourtesy(2000);

// A pause of one who waits is a part of what was waited before: so late it may be.
constexpr int kPartOfWait = 8;
constexpr std::chrono::microseconds kMinPause(50);
constexpr std::chrono::microseconds kMaxPause(10000);

std::string Seconds(std::chrono::milliseconds time) {
  std::string text = std::to_string(time.count() / 1000);
  const auto rest = time.count() % 1000;
  return rest == 0 ? text : text + "." + std::to_string(1000 + rest).substr(1);
}

Status Replaced(const std::string& path) {
  return Status(StatusCode::kIo, path +
                                     ": another process or dataset has replaced or removed this "
                                     "file since it was opened; open it again");
}

class LockedTurns final : public WriterTurns {
 public:
  LockedTurns(std::string path, FileId id, FileDescriptor descriptor,
              std::chrono::milliseconds timeout)
      : path_(std::move(path)),
        id_(id),
        timeout_(timeout),
        descriptor_(std::move(descriptor)),
        process_(getpid()) {}

  // Not by closing alone: a child made by fork() may have the same open file.
  ~LockedTurns() override {
    if (process_ != getpid()) return;
    End();
    if (joined_ != F_UNLCK) Set(descriptor_, F_UNLCK, kJoinedByte);
  }

  Status Join() override { return joined_ != F_UNLCK ? Status() : JoinAs(F_RDLCK); }
  Status JoinAlone() override { return JoinAs(F_WRLCK); }

  Status Begin() override {
    Status status = OwnLocks();
    if (!status.ok()) return status;
    Result<FileDescriptor> turn = OpenAnew();
    if (!turn.ok()) return turn.status();
    status = Wait(*turn, F_WRLCK, kTurnByte, Deadline());
    if (status.ok()) turn_ = std::move(*turn);
    return status;
  }

  void End() override {
    if (turn_.ok()) Set(turn_, F_UNLCK, kTurnByte);
    turn_ = FileDescriptor();
  }

  Status CheckName() const override {
    struct stat named;
    if (stat(path_.c_str(), &named) == 0 && named.st_ino == id_.inode &&
        named.st_dev == id_.device) {
      return {};
    }
    return Replaced(path_);
  }

  // Who joins in this very moment waits a moment longer.
  bool IsAlone() override {
    if (joined_ != F_RDLCK || Set(descriptor_, F_WRLCK, kJoinedByte) != 0) {
      return joined_ == F_WRLCK;
    }
    Set(descriptor_, F_RDLCK, kJoinedByte);
    return true;
  }

 private:
  static struct flock LockOf(short kind, int64_t byte) {
    struct flock lock = {};
    lock.l_type = kind;
    lock.l_whence = SEEK_SET;
    lock.l_start = byte;
    lock.l_len = 1;
    return lock;
  }

  // 0 or the error. EAGAIN and EACCES: somebody else has the lock.
  static int Set(const FileDescriptor& descriptor, short kind, int64_t byte) {
    struct flock lock = LockOf(kind, byte);
    while (fcntl(descriptor.get(), F_OFD_SETLK, &lock) != 0) {
      if (errno != EINTR) return errno;
    }
    return 0;
  }

  steady_clock::time_point Deadline() const { return steady_clock::now() + timeout_; }

  // Locks of open files can be waited for without a limit, or not at all.
  Status Wait(const FileDescriptor& descriptor, short kind, int64_t byte,
              steady_clock::time_point deadline) const {
    const auto start = steady_clock::now();
    while (true) {
      const int error = Set(descriptor, kind, byte);
      if (error == 0) return {};
      if (error != EAGAIN && error != EACCES) {
        errno = error;
        const Status status = ErrnoStatus(path_, "lock");
        return HasNoLocks(error) ? Status(StatusCode::kNotSupported, status.message()) : status;
      }
      const auto now = steady_clock::now();
      if (now >= deadline) return TimedOut(byte);
      const auto pause =
          std::clamp<steady_clock::duration>((now - start) / kPartOfWait, kMinPause, kMaxPause);
      std::this_thread::sleep_for(std::min<steady_clock::duration>(pause, deadline - now));
    }
  }

  Status TimedOut(int64_t byte) const {
    const LockHolders holders = FindLockHolders(id_, byte, descriptor_.get());
    return Status(StatusCode::kIo, path_ + ": " + holders.names +
                                       (holders.several ? " are" : " is") +
                                       " updating this file; waited " + Seconds(timeout_) +
                                       " s (NDARRAY_LOCK_TIMEOUT); try again, or close it there");
  }

  // Whether somebody waits to have the file alone.
  bool IsAnyoneWaitingAlone() const {
    struct flock lock = LockOf(F_RDLCK, kAloneByte);
    return fcntl(descriptor_.get(), F_OFD_GETLK, &lock) == 0 && lock.l_type == F_WRLCK;
  }

  // Otherwise writers that come and go without a pause would never let it have the file.
  void LetGoFirst() const {
    const auto end = steady_clock::now() + std::min(timeout_, kCourtesy);
    while (IsAnyoneWaitingAlone() && steady_clock::now() < end) {
      std::this_thread::sleep_for(kMaxPause);
    }
  }

  Status LockAs(short kind) const {
    if (kind == F_RDLCK) {
      LetGoFirst();
      return Wait(descriptor_, kind, kJoinedByte, Deadline());
    }
    const auto deadline = Deadline();
    Status status = Wait(descriptor_, F_WRLCK, kAloneByte, deadline);
    if (!status.ok()) return status;
    status = Wait(descriptor_, kind, kJoinedByte, deadline);
    Set(descriptor_, F_UNLCK, kAloneByte);
    return status;
  }

  Status JoinAs(short kind) {
    Status status = OwnLocks();
    if (status.ok()) status = LockAs(kind);
    if (!status.ok()) return status;
    joined_ = kind;
    status = CheckName();
    if (!status.ok()) Set(descriptor_, F_UNLCK, kJoinedByte);
    if (!status.ok()) joined_ = F_UNLCK;
    return status;
  }

  // In a child made by fork() the locks are its parent's, and would not keep the two apart.
  Status OwnLocks() {
    if (process_ == getpid()) return {};
    Result<FileDescriptor> descriptor = OpenAnew();
    if (!descriptor.ok()) return descriptor.status();
    descriptor_ = std::move(*descriptor);
    turn_ = FileDescriptor();
    process_ = getpid();
    return joined_ != F_UNLCK ? JoinAs(std::exchange(joined_, F_UNLCK)) : Status();
  }

  // The same file, also where another one has its name by now.
  Result<FileDescriptor> OpenAnew() const {
    const std::string itself = "/proc/self/fd/" + std::to_string(descriptor_.get());
    FileDescriptor descriptor(open(itself.c_str(), O_RDWR | O_CLOEXEC));
    if (descriptor.ok()) return descriptor;
    descriptor = FileDescriptor(open(path_.c_str(), O_RDWR | O_CLOEXEC));
    if (!descriptor.ok()) return ErrnoStatus(path_, "open for update");
    if (!(FileIdOf(descriptor.get()) == id_)) return Replaced(path_);
    return descriptor;
  }

  const std::string path_;
  const FileId id_;
  const std::chrono::milliseconds timeout_;
  FileDescriptor descriptor_;
  // Of each turn another one: children that were made before do not have it, and so do not hold the
  // turn of a parent that is killed.
  FileDescriptor turn_;
  pid_t process_;  // whose locks these are
  short joined_ = F_UNLCK;
};

}  // namespace

Result<std::unique_ptr<WriterTurns>> OpenWriterTurns(const std::string& path, FileId id,
                                                     std::chrono::milliseconds timeout) {
  FileDescriptor descriptor(open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (!descriptor.ok()) return ErrnoStatus(path, "open for update");
  if (!(FileIdOf(descriptor.get()) == id)) return Replaced(path);
  return std::unique_ptr<WriterTurns>(
      std::make_unique<LockedTurns>(path, id, std::move(descriptor), timeout));
}

Result<SharedFile> OpenSharedFile(const std::string& path, Joining joining,
                                  std::chrono::milliseconds timeout) {
  // Not for ever, should somebody do nothing but replace it.
  constexpr int kMaxTries = 20;
  for (int tries = 1;; ++tries) {
    Result<std::shared_ptr<WritableFile>> file = OpenLocalFileForUpdate(path, MapPolicy{0, {}});
    if (!file.ok()) return file.status();
    if (joining == Joining::kNever) return SharedFile{std::move(*file), nullptr};
    Result<std::unique_ptr<WriterTurns>> turns =
        OpenWriterTurns(path, *(*file)->traits().id, timeout);
    Status status = turns.status();
    if (turns.ok() && joining == Joining::kNow) status = (*turns)->Join();
    if (turns.ok() && joining == Joining::kAlone) status = (*turns)->JoinAlone();
    if (status.ok()) {
      // Others may have written to it while they were waited for.
      const Result<FileState> state = (*file)->State();
      if (!state.ok()) return state.status();
      (*file)->NoteSize(state->size_bytes);
      return SharedFile{std::move(*file), std::move(*turns)};
    }
    const bool replaced = !turns.ok() || !(*turns)->CheckName().ok();
    if (!replaced || tries == kMaxTries) return status;
  }
}

}  // namespace ndarray
