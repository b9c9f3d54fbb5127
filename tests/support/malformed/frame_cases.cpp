#include <functional>

#include "tests/support/frame_bytes.h"
#include "tests/support/malformed/malformed_file.h"

namespace ndarray::testing {
namespace {

// A frame of which some part lies.
std::string With(const std::function<void(FrameParts&)>& change) {
  FrameParts parts = SmallFrame();
  change(parts);
  return FrameBytes(parts);
}

std::string HeaderBytes(uint64_t value) {
  return With([&](FrameParts& p) { p.header_bytes = value; });
}
std::string Length(uint64_t value) {
  return With([&](FrameParts& p) { p.frame_bytes = value; });
}
std::string Uncompressed(int64_t value) {
  return With([&](FrameParts& p) { p.uncompressed_bytes = value; });
}
std::string Compressed(int64_t value) {
  return With([&](FrameParts& p) { p.compressed_bytes = value; });
}
std::string Also(const char* name) {
  return With([&](FrameParts& p) { p.more_metalayers = {{name, "\xc0"}}; });
}

const std::string& Good() {
  static const auto* const good = new std::string(FrameBytes(SmallFrame()));
  return *good;
}
std::string At(size_t at, const std::string& with) { return Put(Good(), at, with); }
std::vector<MalformedFile> Headers() {
  using F = Finder;
  return {
      {"cut_in_magic", Good().substr(0, 5), F::kOpening,
       "cut short: 5 of at least 87 bytes; copy it again"},
      {"cut_after_magic", Good().substr(0, 10), F::kOpening,
       "cut short: 10 of at least 87 bytes; copy it again"},
      {"cut_in_fixed_part", Good().substr(0, 86), F::kOpening,
       "cut short: 86 of at least 87 bytes; copy it again"},
      {"cut_after_fixed_part", Good().substr(0, 87), F::kOpening,
       "cut short: 87 of at least 165 bytes; copy it again"},
      {"cut_in_metalayers", Good().substr(0, 110), F::kOpening,
       "cut short: 110 of at least 165 bytes; copy it again"},
      {"cut_after_header", Good().substr(0, 165), F::kOpening,
       "cut short: 165 of 584 bytes; copy it again"},
      {"cut_in_chunk", Good().substr(0, 250), F::kOpening,
       "cut short: 250 of 584 bytes; copy it again"},
      {"cut_in_index", Good().substr(0, 500), F::kOpening,
       "cut short: 500 of 584 bytes; copy it again"},
      {"cut_in_trailer", Good().substr(0, 560), F::kOpening,
       "cut short: 560 of 584 bytes; copy it again"},
      {"cut_by_a_byte", Good().substr(0, 583), F::kOpening,
       "cut short: 583 of 584 bytes; copy it again"},
      {"marker_of_array", At(0, "\x9d"), F::kOpening,
       "is not a .b2nd file: found bytes \\x9d\\xa8b2frame\\x00, wanted \\x9e\\xa8b2frame\\x00"},
      {"marker_of_magic", At(1, "\xa7"), F::kOpening,
       "is not a .b2nd file: found bytes \\x9e\\xa7b2frame\\x00, wanted \\x9e\\xa8b2frame\\x00"},
      {"magic_of_other_frame", At(2, "b3frame"), F::kOpening,
       "is not a .b2nd file: found bytes \\x9e\\xa8b3frame\\x00, wanted \\x9e\\xa8b2frame\\x00"},
      {"magic_without_end", At(9, "x"), F::kOpening,
       "is not a .b2nd file: found bytes \\x9e\\xa8b2framex, wanted \\x9e\\xa8b2frame\\x00"},
      {"marker_of_header_length", At(10, "\xce"), F::kOpening,
       "header: found other markers, wanted those of a Blosc2 frame"},
      {"marker_of_frame_length", At(15, "\xd3"), F::kOpening,
       "header: found other markers, wanted those of a Blosc2 frame"},
      {"marker_of_flags", At(24, "\xa5"), F::kOpening,
       "header: found other markers, wanted those of a Blosc2 frame"},
      {"marker_of_uncompressed", At(29, "\xcf"), F::kOpening,
       "header: found other markers, wanted those of a Blosc2 frame"},
      {"marker_of_compressed", At(38, "\xcf"), F::kOpening,
       "header: found other markers, wanted those of a Blosc2 frame"},
      {"marker_of_element", At(47, "\xce"), F::kOpening,
       "header: found other markers, wanted those of a Blosc2 frame"},
      {"marker_of_block", At(52, "\xce"), F::kOpening,
       "header: found other markers, wanted those of a Blosc2 frame"},
      {"marker_of_chunk", At(57, "\xce"), F::kOpening,
       "header: found other markers, wanted those of a Blosc2 frame"},
      {"marker_of_filters", At(69, "\xd7"), F::kOpening,
       "header: found other markers, wanted those of a Blosc2 frame"},
      {"version_4", At(25, "\x14"), F::kOpening, "frame version: found 4, wanted at most 3"},
      {"version_15", At(25, "\x1f"), F::kOpening, "frame version: found 15, wanted at most 3"},
      {"sparse", At(26, "\x01"), F::kOpening,
       "frame: found a sparse one (a folder of chunks), wanted a contiguous one (one file);"},
      {"varying_blocks", At(25, "\x92"), F::kOpening,
       "blocks: found blocks of varying length, wanted blocks of equal length"},
      {"header_length_0", HeaderBytes(0), F::kOpening,
       "header length: found 0 bytes, wanted 87 to 16777216"},
      {"header_length_86", HeaderBytes(86), F::kOpening,
       "header length: found 86 bytes, wanted 87 to 16777216"},
      {"header_length_87", HeaderBytes(87), F::kOpening,
       "metalayers: found other bytes, wanted names, offsets and contents in msgpack"},
      {"header_length_of_file", HeaderBytes(584), F::kOpening,
       "frame length: found 584 bytes, wanted more than a header of 584"},
      {"header_length_past_file", HeaderBytes(585), F::kOpening,
       "cut short: 584 of at least 585 bytes; copy it again"},
      {"header_length_of_16_mib", HeaderBytes((16 << 20) + 1), F::kOpening,
       "header length: found 16777217 bytes, wanted 87 to 16777216"},
      {"header_length_max", HeaderBytes(0xFFFFFFFF), F::kOpening,
       "header length: found 4294967295 bytes, wanted 87 to 16777216"},
      {"frame_length_0", Length(0), F::kOpening,
       "frame length: found 0 bytes, wanted more than a header of 165"},
      {"frame_length_of_header", Length(165), F::kOpening,
       "frame length: found 165 bytes, wanted more than a header of 165"},
      {"frame_length_without_index", Length(500), F::kOpening,
       "compressed size: found 320 bytes, wanted 0 to 310 in this frame"},
      {"frame_length_less_one", Length(583), F::kOpening,
       "trailer: found other bytes, wanted the end of a Blosc2 frame"},
      {"frame_length_more_one", Length(585), F::kOpening,
       "cut short: 584 of 585 bytes; copy it again"},
      {"frame_length_of_4_eib", Length(uint64_t{1} << 62), F::kOpening,
       "cut short: 584 of 4611686018427387904 bytes; copy it again"},
      {"frame_length_max", Length(~uint64_t{0}), F::kOpening,
       "frame length: found 18446744073709551615 bytes, wanted at most the file's 584"},
      {"uncompressed_negative", Uncompressed(-1), F::kOpening,
       "uncompressed sizes: found -1, chunk 32, element 2, wanted none negative, an element of at "
       "least 1 byte"},
      {"uncompressed_0", Uncompressed(0), F::kOpening,
       "uncompressed size: found 0 bytes, wanted 4 chunks of 32"},
      {"uncompressed_less", Uncompressed(127), F::kOpening,
       "uncompressed size: found 127 bytes, wanted 4 chunks of 32"},
      {"uncompressed_more", Uncompressed(160), F::kOpening,
       "uncompressed size: found 160 bytes, wanted 4 chunks of 32"},
      {"uncompressed_max", Uncompressed(INT64_MAX), F::kOpening,
       "uncompressed size: found 9223372036854775807 bytes, wanted 4 chunks of 32"},
      {"compressed_negative", Compressed(-1), F::kOpening,
       "compressed size: found -1 bytes, wanted 0 to 394 in this frame"},
      {"compressed_min", Compressed(INT64_MIN), F::kOpening,
       "compressed size: found -9223372036854775808 bytes, wanted 0 to 394 in this frame"},
      {"compressed_0", Compressed(0), F::kOpening,
       "offset of chunk 0: found 844433520132096, wanted a special value, or room for a chunk in 0 "
       "bytes"},
      {"compressed_less", Compressed(319), F::kOpening,
       "chunk offsets: chunk version: found 85, wanted at most 6"},
      {"compressed_more", Compressed(321), F::kOpening,
       "chunk offsets: chunk: found one of Blosc 1, wanted one of Blosc2"},
      {"compressed_to_the_end", Compressed(394), F::kOpening,
       "trailer length: found 35 bytes, wanted 25 to 25"},
      {"compressed_past_the_end", Compressed(395), F::kOpening,
       "compressed size: found 395 bytes, wanted 0 to 394 in this frame"},
      {"compressed_max", Compressed(INT64_MAX), F::kOpening,
       "compressed size: found 9223372036854775807 bytes, wanted 0 to 394 in this frame"},
      {"element_0", At(48, Big(0, 4)), F::kOpening,
       "uncompressed sizes: found 128, chunk 32, element 0, wanted none negative, an element of at "
       "least 1 byte"},
      {"element_1", At(48, Big(1, 4)), F::kOpening,
       "element size: found 1 bytes, wanted 2 of dtype <u2"},
      {"element_3", At(48, Big(3, 4)), F::kOpening,
       "element size: found 3 bytes, wanted 2 of dtype <u2"},
      {"element_negative", At(48, Big(0x80000000, 4)), F::kOpening,
       "uncompressed sizes: found 128, chunk 32, element -2147483648, wanted none negative, an "
       "element of at least 1"},
      {"element_max", At(48, Big(0x7FFFFFFF, 4)), F::kOpening,
       "element size: found 2147483647 bytes, wanted 2 of dtype <u2"},
      {"chunk_size_negative", At(58, Big(0x80000000, 4)), F::kOpening,
       "uncompressed sizes: found 128, chunk -2147483648, element 2, wanted none negative, an "
       "element of at least 1"},
      {"chunk_size_varying", At(58, Big(0, 4)), F::kOpening,
       "chunk size: found 0 bytes, wanted 32 for chunks (4, 4) of blocks (2, 4)"},
      {"chunk_size_31", At(58, Big(31, 4)), F::kOpening,
       "chunk size: found 31 bytes, wanted 32 for chunks (4, 4) of blocks (2, 4)"},
      {"chunk_size_64", At(58, Big(64, 4)), F::kOpening,
       "chunk size: found 64 bytes, wanted 32 for chunks (4, 4) of blocks (2, 4)"},
      {"chunk_size_max", At(58, Big(0x7FFFFFFF, 4)), F::kOpening,
       "chunk size: found 2147483647 bytes, wanted 32 for chunks (4, 4) of blocks (2, 4)"},
  };
}

std::vector<MalformedFile> Metalayers() {
  using F = Finder;
  return {
      {"layers_marker", At(87, "\x94"), F::kOpening,
       "metalayers: found other bytes, wanted names, offsets and contents in msgpack"},
      {"layers_length_marker", At(88, "\xcc"), F::kOpening,
       "metalayers: found other bytes, wanted names, offsets and contents in msgpack"},
      {"layers_map_marker", At(91, "\xdf"), F::kOpening,
       "metalayers: found other bytes, wanted names, offsets and contents in msgpack"},
      {"layers_none", At(92, Big(0, 2)), F::kOpening,
       "content: found a super-chunk without a shape, wanted a b2nd array"},
      {"layers_two", At(92, Big(2, 2)), F::kOpening,
       "metalayers: found other bytes, wanted names, offsets and contents in msgpack"},
      {"layers_8193", At(92, Big(8193, 2)), F::kOpening,
       "metalayers: found 8193, wanted at most 8192"},
      {"layers_max", At(92, Big(0xFFFF, 2)), F::kOpening,
       "metalayers: found 65535, wanted at most 8192"},
      {"layer_name_marker", At(94, "\xc4"), F::kOpening,
       "metalayers: found other bytes, wanted names, offsets and contents in msgpack"},
      {"layer_name_long", At(94, "\xbf"), F::kOpening,
       "metalayers: found other bytes, wanted names, offsets and contents in msgpack"},
      {"layer_name_empty", At(94, "\xa0"), F::kOpening,
       "metalayers: found other bytes, wanted names, offsets and contents in msgpack"},
      {"layer_name_other", At(95, "b2ne"), F::kOpening,
       "content: found a super-chunk without a shape, wanted a b2nd array"},
      {"layer_offset_marker", At(99, "\xce"), F::kOpening,
       "metalayers: found other bytes, wanted names, offsets and contents in msgpack"},
      {"layer_offset_0", At(100, Big(0, 4)), F::kOpening,
       "metalayers 'b2nd': found 2825007718 bytes at 0, wanted a content within 165 bytes"},
      {"layer_offset_of_itself", At(100, Big(94, 4)), F::kOpening,
       "metalayers 'b2nd': found 1647472228 bytes at 94, wanted a content within 165 bytes"},
      {"layer_offset_of_end", At(100, Big(165, 4)), F::kOpening,
       "metalayers 'b2nd': found 0 bytes at 165, wanted a content within 165 bytes"},
      {"layer_offset_past_header", At(100, Big(166, 4)), F::kOpening,
       "metalayers: found other bytes, wanted names, offsets and contents in msgpack"},
      {"layer_offset_max", At(100, Big(0xFFFFFFFF, 4)), F::kOpening,
       "metalayers: found other bytes, wanted names, offsets and contents in msgpack"},
      {"layer_content_marker", At(107, "\xc5"), F::kOpening,
       "metalayers 'b2nd': found 53 bytes at 107, wanted a content within 165 bytes"},
      {"layer_content_long", At(108, Big(54, 4)), F::kOpening,
       "metalayers 'b2nd': found 54 bytes at 107, wanted a content within 165 bytes"},
      {"layer_content_max", At(108, Big(0xFFFFFFFF, 4)), F::kOpening,
       "metalayers 'b2nd': found 4294967295 bytes at 107, wanted a content within 165 bytes"},
      {"layer_content_short", At(108, Big(10, 4)), F::kOpening,
       "metalayer b2nd: content: found 10 bytes, wanted [version, axes, shape, chunks, blocks, "
       "dtype format, dtype]"},
      {"layer_content_empty", At(108, Big(0, 4)), F::kOpening,
       "metalayer b2nd: content: found 0 bytes, wanted [version, axes, shape, chunks, blocks, "
       "dtype format, dtype]"},
      {"content_lazy_object", Also("b2o"), F::kOpening,
       "content: found a lazy expression or another object of python-blosc2 without pixels of its "
       "own, wanted a b2nd"},
      {"content_lazy_array", Also("LazyArray"), F::kOpening,
       "content: found a lazy expression without pixels of its own, wanted a b2nd array"},
      {"content_proxy", Also("proxy-source"), F::kOpening,
       "content: found a cache of a remote array, not all of whose pixels are here, wanted a b2nd "
       "array"},
      {"content_embedded", Also("b2embed"), F::kOpening,
       "content: found a store of many arrays, wanted a b2nd array"},
      {"content_list", Also("listarray"), F::kOpening,
       "content: found a list of values, wanted a b2nd array"},
      {"content_batches", Also("batcharray"), F::kOpening,
       "content: found a list of values, wanted a b2nd array"},
      {"content_varying", Also("vlarray"), F::kOpening,
       "content: found a list of values, wanted a b2nd array"},
  };
}

}  // namespace

std::vector<MalformedFile> MalformedFrames() {
  std::vector<MalformedFile> files = Headers();
  for (MalformedFile& file : Metalayers()) files.push_back(std::move(file));
  return files;
}

std::vector<MalformedFile> MalformedB2ndFiles() {
  std::vector<MalformedFile> files = MalformedFrames();
  for (auto more : {MalformedIndexes, MalformedLayouts, MalformedChunks, MalformedAttributes}) {
    for (MalformedFile& file : more()) files.push_back(std::move(file));
  }
  return files;
}

}  // namespace ndarray::testing
