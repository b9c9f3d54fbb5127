// Checksums in chunks, where Blosc2 has none: every reader of Blosc2 passes over them. Pure
// functions over bytes. All numbers little-endian.
//
// A chunk of blocks has a table between the starts of its blocks and the first block, n blocks of
// which follow each other in the order of their numbers without gaps:
//
//   byte 0   "nds", 0xd1 (as the length of a stream this would be no valid one)
//   byte 4   version (1), algorithm (0: XXH3), 0, 0
//   byte 8   a uint32 for each block: the lowest bits of XXH3 of its bytes, from its start to the
//            next one's, or to the chunk's end
//   then     a uint64: XXH3 of all that is before it in the chunk: header, starts, table
//
// So all that is needed to check a block is read with where it starts. A chunk of one repeated
// value has no room for a table. There the metas of its filters, of which it has none, are
//
//   byte 24  0xd1, version (1), a uint32: the lowest bits of XXH3 of the chunk, in which it is 0
//
// Tables with other versions and algorithms are as if they were not there. Chunks with dictionaries
// have none, nor do chunks that are stored as a whole, whose sizes are fixed; what does not get
// smaller is written as blocks of streams that are stored.
//
// The table is not after the last block, because c-blosc2 takes all that is there for that block's:
// it reads blocks one by one into buffers of the size of a block and 4 bytes for each byte of an
// element, and fails where one is longer. For the same reason streams of ZSTD that do not get
// smaller are in frames of ZSTD, with its checksum, only where their block has room for that.
#ifndef GDAL_NDARRAY_STORE_BLOSC2_CHUNK_CHECKS_H_
#define GDAL_NDARRAY_STORE_BLOSC2_CHUNK_CHECKS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "driver/store/blosc2/blosc_chunk.h"
#include "driver/store/status.h"

namespace ndarray {

// Of a table of so many blocks.
constexpr int64_t CheckTableBytes(int64_t blocks) { return 16 + 4 * blocks; }

// Of a whole chunk that does not get smaller, with checksums: no chunk with checksums that is made
// here has more.
constexpr int64_t MaxCheckedBytes(int64_t chunk_bytes, int64_t blocks) {
  constexpr int64_t kStartAndLengthBytes = 8;
  return kChunkHeaderBytes + CheckTableBytes(blocks) + kStartAndLengthBytes * blocks + chunk_bytes;
}

// False for chunks that would be too long with checksums, and have none: of nearly 2 GiB, and of
// many blocks of a few bytes. REQUIRES: both above 0
constexpr bool HaveRoomForChecks(int64_t chunk_bytes, int64_t block_bytes) {
  const int64_t bytes = MaxCheckedBytes(chunk_bytes, (chunk_bytes - 1) / block_bytes + 1);
  return bytes <= INT32_MAX && bytes <= MaxChunkBytes(chunk_bytes);
}

// Whether the chunk has checksums: those of its directory are right. `start`: its first bytes, at
// least all of header, starts and table, or all it has. kCorrupt where they are wrong.
// REQUIRES: `chunk` is the parsed header of `start`
Result<bool> CheckDirectory(const BloscChunk& chunk, std::string_view start);

// Whether it seems to, by its header and the 8 bytes after the starts of its blocks; and whether it
// could, in an array of blocks of so many bytes.
bool SeemsToHaveChecks(const BloscChunk& chunk, std::string_view header, std::string_view mark);
bool CanHaveChecks(const BloscChunk& chunk, int64_t block_bytes);

// kCorrupt where the bytes of a block are not those that were written; the message has their place.
// REQUIRES: CheckDirectory of the chunk was true; `bytes` are all of it
Status CheckBlock(const BloscChunk& chunk, std::string_view bytes, int64_t block);

// The same for all its blocks; the message says which.
Status CheckBlocks(const BloscChunk& chunk, std::string_view bytes);

// Streams of a chunk in frames of ZSTD, in the order of the chunk; those that do not get smaller,
// as they are.
class ZstdStreams {
 public:
  int level = 1;  // Blosc2's

  // Before the first: of so many bytes in all.
  void Reserve(size_t size_bytes);
  void Add(std::string_view stream);

  struct Stream {
    bool is_frame;
    uint32_t checksum;  // ZSTD's, of a stream that is no frame
    std::string_view bytes;
  };
  size_t count() const { return streams_.size(); }
  const Stream& Get(size_t number) const { return streams_[number]; }
  size_t size_bytes() const { return size_bytes_; }

 private:
  std::byte* room_ = nullptr;  // the thread's own
  size_t size_bytes_ = 0;
  std::vector<Stream> streams_;
};

// A chunk with checksums, made of one of blocks (in any order, of streams as c-blosc2 writes them):
// the same streams, or, where `zstd` is not null, these in the place of those that are not runs.
// kCorrupt for chunks that contradict themselves, kNotSupported for those that cannot have
// checksums. `room`: a string whose memory the chunk takes.
Result<std::string> WithChecks(const BloscChunk& chunk, std::string_view bytes,
                               const ZstdStreams* zstd = nullptr, std::string room = {});

// A chunk with checksums of elements that do not get smaller, in blocks as `header` says, the first
// kChunkHeaderBytes of a chunk of the same sizes. `as_zstd`: the chunk says that it is ZSTD's, else
// LZ4's.
std::string StoredWithChecks(std::string_view header, std::string_view elements, bool as_zstd);

// What c-blosc2 made of these elements, with checksums: one of the two above, or of one repeated
// value. `zstd`: the chunk's streams, then a chunk of ZSTD; else it is of the codec it has. Chunks
// without bytes of their own stay as they are.
Result<std::string> AddChecks(std::string_view made, std::string_view elements,
                              const ZstdStreams* zstd, std::string room = {});

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_BLOSC2_CHUNK_CHECKS_H_
