#include <blosc2.h>

#include <functional>
#include <utility>

#include "tests/support/b2nd_files.h"
#include "tests/support/frame_bytes.h"
#include "tests/support/malformed/malformed_file.h"

namespace ndarray::testing {
namespace {

// A frame whose chunk of that number is another.
std::string With(const std::string& chunk, size_t number = 0) {
  FrameParts parts = SmallFrame();
  parts.chunks[number] = chunk;
  return FrameBytes(parts);
}

std::string Elements() { return SmallFrame(ChunkStyle::kStored).chunks[0].substr(32); }
std::string Good() { return SmallFrame().chunks[0]; }

// Patched: two blocks, whose starts are at 32 and 36, whose streams are at 40 and 60.
std::string At(size_t at, const std::string& with) { return With(Put(Good(), at, with)); }

// The same chunk with other fields in its header.
std::string Fields(const std::function<void(ChunkFields&)>& change, std::string content = "") {
  if (content.empty()) content = Good().substr(32);
  ChunkFields fields;
  fields.compressed_bytes = static_cast<int64_t>(32 + content.size());
  change(fields);
  return With(ChunkHeader(fields) + content);
}

std::vector<MalformedFile> Headers() {
  using F = Finder;
  return {
      {"chunk_version", At(0, "\x07"), F::kReading,
       "chunk 0 at byte 165: chunk version: found 7, wanted at most 6"},
      {"chunk_version_max", At(0, "\xff"), F::kReading,
       "chunk 0 at byte 165: chunk version: found 255, wanted at most 6"},
      {"chunk_of_blosc1", At(2, "\x10"), F::kReading,
       "chunk 0 at byte 165: chunk: found one of Blosc 1, wanted one of Blosc2"},
      {"chunk_empty", At(4, Little(0, 4)), F::kReading,
       "chunk 0 at byte 165: uncompressed size: found 0, wanted at least 1 byte"},
      {"chunk_smaller", At(4, Little(31, 4)), F::kReading,
       "chunk 0 at byte 165: uncompressed size: found 31 bytes, wanted 32 as the file's header "
       "says"},
      {"chunk_larger", At(4, Little(33, 4)), F::kReading,
       "chunk 0 at byte 165: uncompressed size: found 33 bytes, wanted 32 as the file's header "
       "says"},
      {"chunk_negative", At(4, Little(0x80000000, 4)), F::kReading,
       "chunk 0 at byte 165: uncompressed size: found -2147483648, wanted at least 1 byte"},
      {"chunk_max", At(4, Little(0x7FFFFFFF, 4)), F::kReading,
       "chunk 0 at byte 165: compressed size: found 80, wanted room for the starts of 134217728 "
       "blocks"},
      {"chunk_block_0", At(8, Little(0, 4)), F::kReading,
       "chunk 0 at byte 165: block size: found 0, wanted at least 1 byte"},
      {"chunk_block_negative", At(8, Little(0xFFFFFFFF, 4)), F::kReading,
       "chunk 0 at byte 165: block size: found -1, wanted at least 1 byte"},
      {"chunk_block_1", At(8, Little(1, 4)), F::kReading,
       "chunk 0 at byte 165: compressed size: found 80, wanted room for the starts of 32 blocks"},
      {"chunk_compressed_0", At(12, Little(0, 4)), F::kReading,
       "chunk 0 at byte 165: compressed size: found 0, wanted 32 to 320 bytes"},
      {"chunk_compressed_31", At(12, Little(31, 4)), F::kReading,
       "chunk 0 at byte 165: compressed size: found 31, wanted 32 to 320 bytes"},
      {"chunk_compressed_of_header", At(12, Little(32, 4)), F::kReading,
       "chunk 0 at byte 165: compressed size: found 32, wanted room for the starts of 2 blocks"},
      {"chunk_compressed_of_starts", At(12, Little(40, 4)), F::kReading,
       "chunk 0 at byte 165: block 0: compressed data: found"},
      {"chunk_compressed_less", At(12, Little(79, 4)), F::kReading,
       "chunk 0 at byte 165: block 1: compressed data: found"},
      {"chunk_compressed_past_chunks", At(12, Little(321, 4)), F::kReading,
       "chunk 0 at byte 165: compressed size: found 321, wanted 32 to 320 bytes"},
      {"chunk_compressed_negative", At(12, Little(0xFFFFFFFF, 4)), F::kReading,
       "chunk 0 at byte 165: compressed size: found -1, wanted 32 to 320 bytes"},
      {"chunk_compressed_max", At(12, Little(0x7FFFFFFF, 4)), F::kReading,
       "chunk 0 at byte 165: compressed size: found 2147483647, wanted 32 to 320 bytes"},
      {"chunk_filter_99", At(21, "\x63"), F::kReading,
       "chunk 0 at byte 165: filter: found filter 99, which a plugin of c-blosc2 decodes, wanted a "
       "filter that is"},
      {"chunk_filter_first", At(16, "\xff"), F::kReading,
       "chunk 0 at byte 165: filter: found filter 255, which a plugin of c-blosc2 decodes, wanted "
       "a filter that is"},
      {"chunk_codec_5", At(2, "\xb5"), F::kReading,
       "chunk 0 at byte 165: codec: found codec 5, which a plugin of c-blosc2 decodes, wanted a "
       "codec that is part of"},
      {"chunk_codec_7", At(2, "\xf5"), F::kReading,
       "chunk 0 at byte 165: codec: found codec 7, which a plugin of c-blosc2 decodes, wanted a "
       "codec that is part of"},
      {"chunk_codec_of_plugin", Fields([](auto& f) {
         f.flags |= kChunkPluginCodec;
         f.plugin_codec = 200;
       }),
       F::kReading,
       "chunk 0 at byte 165: codec: found codec 200, which a plugin of c-blosc2 decodes, wanted a "
       "codec that is part"},
      {"chunk_varying", At(30, "\x01"), F::kReading,
       "chunk 0 at byte 165: chunk: found blocks of varying length, wanted blocks of equal length"},
      {"chunk_lazy", At(31, "\x08"), F::kReading,
       "chunk 0 at byte 165: chunk: found one without its blocks, wanted one with them"},
      {"chunk_measured", At(31, "\x80"), F::kReading,
       "chunk 0 at byte 165: chunk: found measurements, wanted blocks of equal length"},
      {"chunk_special_5", At(31, "\x50"), F::kReading,
       "chunk 0 at byte 165: special value: found 5, wanted 0 to 4"},
      {"chunk_special_7", At(31, "\x70"), F::kReading,
       "chunk 0 at byte 165: special value: found 7, wanted 0 to 4"},
      {"chunk_of_nans_with_bytes", At(31, "\x20"), F::kReading,
       "chunk 0 at byte 165: compressed size: found 80 bytes, wanted 32"},
      {"chunk_repeats_nothing", With(RepeatedChunk("", 32, 16)), F::kReading,
       "chunk 0 at byte 165: repeated value: found 0, wanted bytes that divide the chunk"},
      {"chunk_repeats_1_byte", With(RepeatedChunk("a", 32, 16)), F::kReading,
       "chunk 0 at byte 165: repeated value: found 1 bytes, wanted 2"},
      {"chunk_repeats_3_bytes", With(RepeatedChunk("abc", 32, 16)), F::kReading,
       "chunk 0 at byte 165: repeated value: found 3, wanted bytes that divide the chunk"},
      {"chunk_repeats_4_bytes", With(RepeatedChunk("abcd", 32, 16)), F::kReading,
       "chunk 0 at byte 165: repeated value: found 4 bytes, wanted 2"},
      {"chunk_repeats_for_another_size", With(RepeatedChunk("ab", 30, 16)), F::kReading,
       "chunk 0 at byte 165: uncompressed size: found 30 bytes, wanted 32 as the file's header "
       "says"},
      {"chunk_zeros_for_another_size", Fields([](auto& f) {
         f.special_flags = 1 << 4;
         f.uncompressed_bytes = 64;
       }),
       F::kReading,
       "chunk 0 at byte 165: uncompressed size: found 64 bytes, wanted 32 as the file's header "
       "says"},
      {"chunk_stored_short", Fields([](auto& f) { f.flags |= kChunkStored; }, Elements().substr(1)),
       F::kReading, "chunk 0 at byte 165: compressed size: found 63, wanted 64 when stored"},
      {"chunk_stored_long", Fields([](auto& f) { f.flags |= kChunkStored; }, Elements() + "x"),
       F::kReading, "chunk 0 at byte 165: compressed size: found 65, wanted 64 when stored"},
      {"chunk_with_too_much", Fields([](auto&) {}, Good().substr(32) + std::string(5000, 'x')),
       F::kReading,
       "chunk 0 at byte 165: compressed size: found 5080, wanted at most 4160 for 32 uncompressed"},
      {"chunk_last_cut", With(Good().substr(0, 79), 3), F::kReading,
       "chunk 3 at byte 405: compressed size: found 80, wanted 32 to 79 bytes"},
      {"chunk_last_without_blocks", With(Good().substr(0, 40), 3), F::kReading,
       "chunk 3 at byte 405: compressed size: found 80, wanted 32 to 40 bytes"},
      {"chunk_last_of_its_header", With(Good().substr(0, 32), 3), F::kReading,
       "chunk 3 at byte 405: compressed size: found 80, wanted 32 to 32 bytes"},
  };
}

std::vector<MalformedFile> Blocks() {
  using F = Finder;
  return {
      {"start_0", At(32, Little(0, 4)), F::kReading,
       "chunk 0 at byte 165: block 0: compressed data: found 34930949 bytes in stream 0, wanted at "
       "most 16"},
      {"start_in_header", At(32, Little(31, 4)), F::kReading,
       "chunk 0 at byte 165: block 0: compressed data: found 7936 bytes in stream 0, wanted at "
       "most 16"},
      {"start_in_starts", At(36, Little(36, 4)), F::kReading,
       "chunk 0 at byte 165: block 1: compressed data: found 36 bytes in stream 0, wanted at most "
       "16"},
      {"start_negative", At(32, Little(0x80000000, 4)), F::kReading,
       "chunk 0 at byte 165: block 0: compressed data: found"},
      {"start_minus_1", At(32, Little(0xFFFFFFFF, 4)), F::kReading,
       "chunk 0 at byte 165: block 0: compressed data: found"},
      {"start_of_end", At(36, Little(80, 4)), F::kReading,
       "chunk 0 at byte 165: block 1: compressed data: found"},
      {"start_before_end", At(36, Little(79, 4)), F::kReading,
       "chunk 0 at byte 165: block 1: compressed data: found"},
      {"start_max", At(36, Little(0x7FFFFFFF, 4)), F::kReading,
       "chunk 0 at byte 165: block 1: compressed data: found"},
      {"stream_max", At(40, Little(0x7FFFFFFF, 4)), F::kReading,
       "chunk 0 at byte 165: block 0: compressed data: found 2147483647 bytes in stream 0, wanted "
       "at most 16"},
      {"stream_of_17", At(40, Little(17, 4)), F::kReading,
       "chunk 0 at byte 165: block 0: compressed data: found 17 bytes in stream 0, wanted at most "
       "16"},
      {"stream_past_end", At(60, Little(17, 4)), F::kReading,
       "chunk 0 at byte 165: block 1: compressed data: found 17 bytes in stream 0, wanted at most "
       "16"},
      {"stream_of_15", At(40, Little(15, 4)), F::kReading,
       "chunk 0 at byte 165: block 0: compressed data: found"},
      {"stream_min", At(40, Little(0x80000000, 4)), F::kReading,
       "chunk 0 at byte 165: block 0: compressed data: found"},
      {"stream_run_256", At(40, Little(uint64_t{0} - 256, 4) + "\x01"), F::kReading,
       "chunk 0 at byte 165: block 0: compressed data: found"},
      {"stream_run_of_no_byte", At(40, Little(uint64_t{0} - 7, 4) + std::string(1, '\0')),
       F::kReading, "chunk 0 at byte 165: block 0: compressed data: found"},
  };
}

// The same of chunks that are decoded here.
std::string Lz4At(size_t at, const std::string& with) {
  std::string chunk = Good();
  chunk[2] |= kChunkLz4;
  return With(Put(chunk, at, with));
}

std::vector<MalformedFile> Lz4Blocks() {
  using F = Finder;
  return {
      {"lz4_start_0", Lz4At(32, Little(0, 4)), F::kReading,
       "chunk 0 at byte 165: block 0: start: found 0, wanted 40 to 79"},
      {"lz4_start_in_header", Lz4At(32, Little(31, 4)), F::kReading,
       "chunk 0 at byte 165: block 0: start: found 31, wanted 40 to 79"},
      {"lz4_start_in_starts", Lz4At(36, Little(36, 4)), F::kReading,
       "chunk 0 at byte 165: block 1: start: found 36, wanted 40 to 79"},
      {"lz4_start_negative", Lz4At(32, Little(0x80000000, 4)), F::kReading,
       "chunk 0 at byte 165: block 0: start: found 2147483648, wanted 40 to 79"},
      {"lz4_start_minus_1", Lz4At(32, Little(0xFFFFFFFF, 4)), F::kReading,
       "chunk 0 at byte 165: block 0: start: found 4294967295, wanted 40 to 79"},
      {"lz4_start_of_end", Lz4At(36, Little(80, 4)), F::kReading,
       "chunk 0 at byte 165: block 1: start: found 80, wanted 40 to 79"},
      {"lz4_start_before_end", Lz4At(36, Little(79, 4)), F::kReading,
       "chunk 0 at byte 165: block 1: compressed data: found no length in stream 0, wanted one of "
       "4 bytes"},
      {"lz4_start_max", Lz4At(36, Little(0x7FFFFFFF, 4)), F::kReading,
       "chunk 0 at byte 165: block 1: start: found 2147483647, wanted 40 to 79"},
      {"lz4_stream_max", Lz4At(40, Little(0x7FFFFFFF, 4)), F::kReading,
       "chunk 0 at byte 165: block 0: compressed data: found 2147483647 bytes in stream 0, wanted "
       "at most 16"},
      {"lz4_stream_of_17", Lz4At(40, Little(17, 4)), F::kReading,
       "chunk 0 at byte 165: block 0: compressed data: found 17 bytes in stream 0, wanted at most "
       "16"},
      {"lz4_stream_past_end", Lz4At(60, Little(17, 4)), F::kReading,
       "chunk 0 at byte 165: block 1: compressed data: found 17 bytes in stream 0, wanted at most "
       "16"},
      {"lz4_stream_of_15", Lz4At(40, Little(15, 4)), F::kReading,
       "chunk 0 at byte 165: block 0: compressed data: found damage in stream 0, wanted 16 bytes "
       "when decoded"},
      {"lz4_stream_min", Lz4At(40, Little(0x80000000, 4)), F::kReading,
       "chunk 0 at byte 165: block 0: compressed data: found length -2147483648 in stream 0, "
       "wanted a run of one byte"},
      {"lz4_stream_run_256", Lz4At(40, Little(uint64_t{0} - 256, 4) + "\x01"), F::kReading,
       "chunk 0 at byte 165: block 0: compressed data: found length -256 in stream 0, wanted a run "
       "of one byte"},
      {"lz4_stream_run_of_no_byte", Lz4At(40, Little(uint64_t{0} - 7, 4) + std::string(1, '\0')),
       F::kReading,
       "chunk 0 at byte 165: block 0: compressed data: found length -7 in stream 0, wanted a run "
       "of one byte"},
  };
}

// The first block's first stream of a compressed chunk, with other bytes.
std::vector<MalformedFile> Streams() {
  ReferenceArray ramp{{ScalarType::kUInt16, ByteOrder::kLittle}, {16, 16}, ""};
  for (uint64_t i = 0; i < 256; ++i) ramp.elements += Little(i / 5, 2);
  B2ndOptions options;
  options.chunk_shape = {16, 16};
  options.block_shape = {16, 16};
  options.level = 5;
  options.split_mode = BLOSC_NEVER_SPLIT;
  std::vector<MalformedFile> files;
  const auto add = [&](const std::string& name, int compressor, size_t at, const std::string& with,
                       const std::string& message) {
    options.compressor = compressor;
    const std::string file = B2ndBytes(ramp, options);
    // Of the only chunk: its header is where the frame's says that the metalayers end.
    size_t chunk = 0;
    for (size_t i = 0; i < 4; ++i) chunk = chunk << 8 | static_cast<unsigned char>(file[11 + i]);
    const size_t stream = chunk + 32 + 4;
    files.push_back({"stream_" + name, Put(file, stream + at, with), Finder::kReading, message});
  };
  add("zstd_length_0_more", BLOSC_ZSTD, 0, Little(511, 4),
      "chunk 0 at byte 165: block 0: compressed data: found 511 bytes in stream 0, wanted at most "
      "87");
  add("zstd_magic", BLOSC_ZSTD, 4, "\x27",
      "chunk 0 at byte 165: block 0: compressed data: found damage in stream 0, wanted 512 bytes "
      "when decoded");
  add("zstd_frame_header", BLOSC_ZSTD, 8, "\xff\xff",
      "chunk 0 at byte 165: block 0: compressed data: found damage in stream 0, wanted 512 bytes "
      "when decoded");
  add("zstd_skippable", BLOSC_ZSTD, 4, Little(0x184D2A50, 4) + Little(4, 4),
      "chunk 0 at byte 165: block 0: compressed data: found damage in stream 0, wanted 512 bytes "
      "when decoded");
  add("zstd_short", BLOSC_ZSTD, 0, Little(9, 4),
      "chunk 0 at byte 165: block 0: compressed data: found damage in stream 0, wanted 512 bytes "
      "when decoded");
  add("lz4_garbage", BLOSC_LZ4, 4, std::string(8, '\xff'),
      "chunk 0 at byte 165: block 0: compressed data: found damage in stream 0, wanted 512 bytes "
      "when decoded");
  add("lz4_short", BLOSC_LZ4, 0, Little(5, 4),
      "chunk 0 at byte 165: block 0: compressed data: found damage in stream 0, wanted 512 bytes "
      "when decoded");
  add("lz4_offset_0", BLOSC_LZ4, 4, std::string("\x0f\0\0", 3),
      "chunk 0 at byte 165: block 0: compressed data: found damage in stream 0, wanted 512 bytes "
      "when decoded");
  add("zlib_header", BLOSC_ZLIB, 4, "\x79", "chunk 0 at byte 165: block 0: compressed data: found");
  add("zlib_short", BLOSC_ZLIB, 0, Little(9, 4),
      "chunk 0 at byte 165: block 0: compressed data: found");
  add("blosclz_short", BLOSC_BLOSCLZ, 0, Little(5, 4),
      "chunk 0 at byte 165: block 0: compressed data: found");
  return files;
}

}  // namespace

std::vector<MalformedFile> MalformedChunks() {
  std::vector<MalformedFile> files = Headers();
  for (auto more : {Blocks, Lz4Blocks, Streams}) {
    for (MalformedFile& file : more()) files.push_back(std::move(file));
  }
  return files;
}

}  // namespace ndarray::testing
