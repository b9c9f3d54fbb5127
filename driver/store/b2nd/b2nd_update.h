// A .b2nd file that is read and written in place.
//
// Written elements wait in decoded chunks, as many as the bound allows, so that a chunk is normally
// compressed once. Compressed chunks, and with a flush a new index and trailer, are appended after
// the frame's end; then all of it is synced, and one small write to the header makes it count.
// Until then the file is what it was, for us and for c-blosc2: a process that is killed, or a power
// loss, leaves the old content or the new one. Others who have the file open go on reading the old
// one. What is replaced stays behind as dead space.
//
// Several writers of one file: each works on the file as it was at its last flush (or when it was
// opened), and compresses without a lock, unless others had written most of the chunks of its last
// flush, too: then it would be in vain, and so would loading what others change. Then it takes a
// turn (frame_appender.h), in which it
//   1. loads the index anew, if others have committed since: their chunks and attributes become its
//      own; a chunk that both have written is taken from the file, its own elements are put over
//      it, and it is compressed again (ChunkChanges: which elements those are);
//   2. appends its chunks, index and trailer, syncs, and overwrites the header's lengths.
// So all elements that writers have written arrive, if no two write the same; of those that do, the
// last flush counts. The same goes for attributes, each as a whole. Chunks that are written out
// because too many wait are appended in a turn, too, but count with the next flush.
#ifndef GDAL_NDARRAY_STORE_B2ND_B2ND_UPDATE_H_
#define GDAL_NDARRAY_STORE_B2ND_B2ND_UPDATE_H_

#include <cstdint>
#include <memory>

#include "driver/store/array.h"
#include "driver/store/frame/frame_fingerprint.h"
#include "driver/store/io/byte_file.h"
#include "driver/store/io/output_file.h"
#include "driver/store/io/writer_turns.h"
#include "driver/store/status.h"

namespace ndarray {

constexpr int64_t kDefaultWriteCacheBytes = int64_t{256} << 20;

// Whether the file was just made, so that none of its chunks was written by anybody.
enum class Chunks { kMayBeWritten, kUnwritten };

class B2ndForUpdate : public WritableArray {
 public:
  // Writes the array, as of the last flush, without what updates left behind. What remains is
  // output.Commit().
  virtual Status CopyTo(OutputFile& output) const = 0;

 protected:
  using WritableArray::WritableArray;
};

// Its attributes can be edited. For one thread at a time. `file` must not be mapped. Before
// anything is written the array joins its writers, if it has not yet; until that succeeds writes
// fail, and the file stays as it is. Flush fails where a turn does not come in time, or another
// file has taken the name: what was written still waits, for another one. `turns`: nullptr where
// nobody else writes the file. What is written has checksums, unless the file says that it is one
// without; `verification`: as FrameIndex::Open.
Result<std::shared_ptr<B2ndForUpdate>> OpenB2ndForUpdate(
    std::shared_ptr<WritableFile> file, int max_threads, Chunks chunks = Chunks::kMayBeWritten,
    int64_t write_cache_bytes = kDefaultWriteCacheBytes,
    std::unique_ptr<WriterTurns> turns = nullptr, Verification verification = Verification::kAll);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_B2ND_B2ND_UPDATE_H_
