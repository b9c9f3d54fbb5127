// Several writers of one local file: who they are, and whose turn it is.
//
// A writer joins before it changes anything, and leaves when it is destroyed; who wants the file
// for itself (to put another in its place) waits until nobody has joined. Writers work side by side
// and take turns at what must not happen at once: Begin waits until no other has a turn. Waiting is
// bounded, and the error of one that was in vain names the processes that were waited for. While
// one waits for the file alone, others put off joining, for two seconds at most.
//
// All of this is locks of open files (advisory, of the kind F_OFD_SETLK) on three bytes far behind
// any content: datasets of one process keep each other out as processes do, the kernel frees what a
// killed process held, and on network file systems a lock also makes what others wrote visible. A
// process made by fork() joins anew when it first begins a turn. Until it ends its parent counts as
// joined, since the child may have what the parent has appended; a turn ends with who began it.
//
// For one thread at a time. Errors carry the path.
#ifndef GDAL_NDARRAY_STORE_IO_WRITER_TURNS_H_
#define GDAL_NDARRAY_STORE_IO_WRITER_TURNS_H_

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "driver/store/file_id.h"
#include "driver/store/io/byte_file.h"
#include "driver/store/status.h"

namespace ndarray {

constexpr std::chrono::milliseconds kDefaultLockTimeout = std::chrono::seconds(60);

class WriterTurns {
 public:
  virtual ~WriterTurns() = default;  // ends the turn, and leaves

  // kIo where somebody has the file alone for longer than the timeout, or another file has
  // taken the name; kNotSupported where there are no locks. Again: nothing.
  virtual Status Join() = 0;

  // The same, but waits until no other writer has joined, and keeps others from joining.
  virtual Status JoinAlone() = 0;

  // Waits for a turn; kIo after the timeout. REQUIRES: none has begun
  virtual Status Begin() = 0;
  virtual void End() = 0;  // nothing happens without a turn

  // kIo unless the path still names the file: what is written to another one is lost.
  virtual Status CheckName() const = 0;

  // Whether no other writer has joined. REQUIRES: a turn, and to have joined
  virtual bool IsAlone() = 0;
};

// Those of the file `id`, which must have the path. kNotFound, kIo.
Result<std::unique_ptr<WriterTurns>> OpenWriterTurns(const std::string& path, FileId id,
                                                     std::chrono::milliseconds timeout);

// A file that is open for update, and the turns of its writers; without any where nobody else can
// be known to write it.
struct SharedFile {
  std::shared_ptr<WritableFile> file;
  std::unique_ptr<WriterTurns> turns;
};

enum class Joining { kNow, kLater, kAlone, kNever };

// Opens a local file for update, without a map, so that what it grows by is seen at once. Who joins
// now has the file that has the path then. Who never joins has no turns, and must know by other
// means that nobody else writes. Errors as those of OpenLocalFileForUpdate, and kIo; kNotSupported
// for a file system without locks.
Result<SharedFile> OpenSharedFile(const std::string& path, Joining joining,
                                  std::chrono::milliseconds timeout = kDefaultLockTimeout);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_IO_WRITER_TURNS_H_
