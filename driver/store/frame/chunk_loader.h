// Compressed chunks of a .b2nd file in memory, with their headers checked.
//
// Chunks of a mapped file are views of the map. Only what is needed of other files (VSI) is read:
// first the directories of all chunks (where each block starts), then the wanted blocks, merged
// where they lie close to each other, many ranges at a time. Chunks of which most is wanted are
// read in the first turn.
#ifndef GDAL_NDARRAY_STORE_FRAME_CHUNK_LOADER_H_
#define GDAL_NDARRAY_STORE_FRAME_CHUNK_LOADER_H_

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "driver/store/blosc2/block_decoder.h"
#include "driver/store/blosc2/blosc_chunk.h"
#include "driver/store/blosc2/blosc_codec.h"
#include "driver/store/blosc2/chunk_checks.h"
#include "driver/store/frame/frame_index.h"
#include "driver/store/io/byte_file.h"
#include "driver/store/io/cold_reads.h"
#include "driver/store/status.h"

namespace ndarray {

struct FreeMemory {
  void operator()(char* memory) const { std::free(memory); }
};

struct LoadedChunk {
  int64_t chunk_index = 0;  // in C order
  bool wants_most = false;  // more than half of its blocks, probably
  ChunkLocation location;
  BloscChunk header;  // kind: what the chunk is after all; a special location has no other fields
  std::optional<BlockFormat> format;  // where blocks are decoded without c-blosc2
  bool has_checks = false;            // checksums, with which its blocks are compared
  bool needs_whole = false;           // to be decoded in one go: its blocks are not those of the
                                      // array, or need each other
  std::string_view bytes;  // header.compressed_bytes; blocks that were not wanted may be zeros
  std::unique_ptr<char, FreeMemory> owned;  // `bytes`, where the file is not mapped
  bool is_loaded = false;                   // all of them

  // "chunk 12 at byte 34567": for messages.
  std::string Name() const;

  // Decodes block number `block`, of header.block_bytes (a shorter last one: of what there is), and
  // all of a chunk. With has_checks the compressed bytes are compared with their checksums first.
  // REQUIRES: the kind is kBlocks, the bytes are loaded; for a block: `format` or what
  // BloscCodec::DecodeBlock requires
  Status DecodeBlock(const BloscCodec& codec, int64_t block, std::byte* to) const;
  Status DecodeChunk(const BloscCodec& codec, std::byte* to) const;

  // The same of runs of a block (block_decoder.h). REQUIRES: format
  Status DecodeRuns(int64_t block, const BlockRuns* runs, size_t count) const;

 private:
  Status Check(int64_t block) const {
    return has_checks ? CheckBlock(header, bytes, block) : Status();
  }
};

// The bytes of one element of a chunk that repeats it (of any kind but kBlocks), as the file has
// them.
Result<std::vector<std::byte>> RepeatedElement(const LoadedChunk& chunk, int64_t element_bytes);

class ChunkLoader {
 public:
  static constexpr int64_t kAllBlocks = -1;  // instead of the number of one

  // Both must outlive the loader.
  ChunkLoader(const FrameIndex& index, const ByteFile& file) : index_(index), file_(file) {}

  bool mapped() const { return file_.is_mapped(); }

  // Before the first half, where the file is mapped: has the system read the headers and block
  // starts, unless they are in memory.
  void AskForHeaders(const std::vector<LoadedChunk>& chunks, int max_threads) const;

  // The first half: locations and headers of chunks whose `chunk_index` and `wants_most` are set.
  // Errors carry the path: kCorrupt, too, where a mapped file has become shorter than the frame.
  Status LoadHeaders(std::vector<LoadedChunk>& chunks) const;

  // The second half, only where the file is not mapped: the bytes of blocks. wanted[i] are block
  // numbers of chunks[i], or {kAllBlocks}; ignored where that holds no blocks. Several threads
  // read local files.
  Status LoadBlocks(std::vector<LoadedChunk>& chunks,
                    const std::vector<std::vector<int64_t>>& wanted, int max_threads = 1) const;

  // Where a block, or all of a chunk (negative), lies in the file; empty where that makes no sense.
  // Where blocks are not in order, more than that. REQUIRES: the kind is kBlocks, the file mapped
  FileRange RangeOf(const LoadedChunk& chunk, int64_t block) const;

  // Where the file is mapped, a block has been decoded, or (NoteChunk) more of the chunk than one.
  void NoteBlock(const LoadedChunk& chunk, int64_t block) const;
  void NoteChunk(const LoadedChunk& chunk) const;

 private:
  Status CheckHeader(LoadedChunk& chunk, std::string_view directory) const;
  uint64_t BytesAtMost(const LoadedChunk& chunk) const;
  Status CheckChecks(LoadedChunk& chunk, std::string_view directory) const;
  Status ReadDirectories(std::vector<LoadedChunk>& chunks) const;
  Status AddRanges(LoadedChunk& chunk, const std::vector<int64_t>& wanted,
                   std::vector<ByteRange>& ranges) const;

  const FrameIndex& index_;
  const ByteFile& file_;
};

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_FRAME_CHUNK_LOADER_H_
