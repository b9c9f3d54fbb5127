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

std::string Trailer(uint64_t value) {
  return With([&](FrameParts& p) { p.trailer_bytes = value; });
}
std::string Offsets(const std::vector<int64_t>& offsets) {
  return With([&](FrameParts& p) { p.offsets = offsets; });
}

// The chunk of offsets, of which one field lies.
std::string Index(const std::function<void(ChunkFields&)>& change, std::string content = "") {
  return With([&](FrameParts& p) {
    ChunkFields fields;
    fields.flags |= kChunkStored;
    fields.element_bytes = 8;
    fields.uncompressed_bytes = fields.block_bytes = 32;
    for (int i = 0; content.size() < 32 && i < 4; ++i) {
      content += Little(static_cast<uint64_t>(80 * i), 8);
    }
    fields.compressed_bytes = static_cast<int64_t>(32 + content.size());
    change(fields);
    p.offsets_chunk = ChunkHeader(fields) + content;
  });
}

std::string AtEnd(size_t from_end, const std::string& with) {
  const std::string good = FrameBytes(SmallFrame());
  return Put(good, good.size() - from_end, with);
}

}  // namespace

std::vector<MalformedFile> MalformedIndexes() {
  using F = Finder;
  return {
      {"index_of_three", Offsets({0, 80, 160}), F::kOpening,
       "uncompressed size: found 96 bytes, wanted 4 chunks of 32"},
      {"index_of_five", Offsets({0, 80, 160, 240, 240}), F::kOpening,
       "uncompressed size: found 160 bytes, wanted 4 chunks of 32"},
      {"offset_past_chunks", Offsets({0, 80, 160, 289}), F::kOpening,
       "offset of chunk 3: found 289, wanted a special value, or room for a chunk in 320 bytes"},
      {"offset_of_end", Offsets({0, 80, 320, 240}), F::kOpening,
       "offset of chunk 2: found 320, wanted a special value, or room for a chunk in 320 bytes"},
      {"offsets_share_bytes", With([](FrameParts& p) {
         p.shape = {4, 44};
         p.offsets.assign(11, 0);
       }),
       F::kOpening, "chunk offsets: found 11 chunks, wanted at most 10 in 320 bytes"},
      {"offset_max", Offsets({INT64_MAX, 80, 160, 240}), F::kOpening,
       "offset of chunk 0: found 9223372036854775807, wanted a special value, or room for a chunk "
       "in 320 bytes"},
      {"offset_negative", Offsets({-1, 80, 160, 240}), F::kOpening,
       "offset of chunk 0: found -1, wanted a special value, or room for a chunk in 320 bytes"},
      {"offset_special_0", Offsets({SpecialOffset(0), 80, 160, 240}), F::kOpening,
       "offset of chunk 0: found -9223372036854775808, wanted a special value, or room for a chunk "
       "in 320 bytes"},
      {"offset_special_3", Offsets({0, SpecialOffset(3), 160, 240}), F::kOpening,
       "offset of chunk 1: found -9007199254740992000, wanted a special value, or room for a chunk "
       "in 320 bytes"},
      {"offset_special_5", Offsets({0, 80, SpecialOffset(5), 240}), F::kOpening,
       "offset of chunk 2: found -8863084066665136128, wanted a special value, or room for a chunk "
       "in 320 bytes"},
      {"offset_special_7", Offsets({0, 80, 160, SpecialOffset(7)}), F::kOpening,
       "offset of chunk 3: found -8718968878589280256, wanted a special value, or room for a chunk "
       "in 320 bytes"},
      {"index_version", Index([](auto& f) { f.version = 7; }), F::kOpening,
       "chunk offsets: chunk version: found 7, wanted at most 6"},
      {"index_of_blosc1", Index([](auto& f) { f.flags = kChunkStored; }), F::kOpening,
       "chunk offsets: chunk: found one of Blosc 1, wanted one of Blosc2"},
      {"index_empty", Index([](auto& f) { f.uncompressed_bytes = 0; }), F::kOpening,
       "chunk offsets: uncompressed size: found 0, wanted at least 1 byte"},
      {"index_negative", Index([](auto& f) { f.uncompressed_bytes = -8; }), F::kOpening,
       "chunk offsets: uncompressed size: found -8, wanted at least 1 byte"},
      {"index_max", Index([](auto& f) { f.uncompressed_bytes = INT32_MAX; }), F::kOpening,
       "chunk offsets: compressed size: found 64, wanted 2147483679 when stored"},
      {"index_block_0", Index([](auto& f) { f.block_bytes = 0; }), F::kOpening,
       "chunk offsets: block size: found 0, wanted at least 1 byte"},
      {"index_block_negative", Index([](auto& f) { f.block_bytes = -1; }), F::kOpening,
       "chunk offsets: block size: found -1, wanted at least 1 byte"},
      {"index_short", Index([](auto& f) { f.compressed_bytes = 63; }), F::kOpening,
       "chunk offsets: compressed size: found 63, wanted 64 when stored"},
      {"index_without_header", Index([](auto& f) { f.compressed_bytes = 31; }), F::kOpening,
       "chunk offsets: compressed size: found 31, wanted 32 to 64 bytes"},
      {"index_long", Index([](auto& f) { f.compressed_bytes = 65; }), F::kOpening,
       "chunk offsets: compressed size: found 65, wanted 32 to 64 bytes"},
      {"index_over_trailer", Index([](auto& f) { f.compressed_bytes = 1 << 20; }), F::kOpening,
       "chunk offsets: compressed size: found 1048576, wanted 32 to 64 bytes"},
      {"index_special_5", Index([](auto& f) { f.special_flags = 5 << 4; }), F::kOpening,
       "chunk offsets: special value: found 5, wanted 0 to 4"},
      {"index_lazy", Index([](auto& f) { f.special_flags = 8; }), F::kOpening,
       "chunk offsets: chunk: found one without its blocks, wanted one with them"},
      {"index_measured", Index([](auto& f) { f.special_flags = 0x80; }), F::kOpening,
       "chunk offsets: chunk: found measurements, wanted blocks of equal length"},
      {"index_varying", Index([](auto& f) { f.more_flags = 1; }), F::kOpening,
       "chunk offsets: chunk: found blocks of varying length, wanted blocks of equal length"},
      {"index_codec", Index([](auto& f) {
         f.flags = kChunkExtended | kChunkPluginCodec;
         f.plugin_codec = 200;
       }),
       F::kOpening,
       "chunk offsets: codec: found codec 200, which a plugin of c-blosc2 decodes, wanted a codec "
       "that is part of"},
      {"index_filter", Index([](auto& f) {
         f.flags = kChunkExtended;
         f.filters[5] = 99;
       }),
       F::kOpening,
       "chunk offsets: filter: found filter 99, which a plugin of c-blosc2 decodes, wanted a "
       "filter that is part of"},
      {"index_repeats_3_bytes", Index([](auto& f) {
         f.special_flags = 3 << 4;
         f.compressed_bytes = 35;
       }),
       F::kOpening, "chunk offsets: repeated value: found 3, wanted bytes that divide the chunk"},
      {"index_repeats_4_bytes", Index([](auto& f) {
         f.special_flags = 3 << 4;
         f.compressed_bytes = 36;
       }),
       F::kOpening, "chunk offsets: found no value, wanted one of 8 bytes"},
      {"index_repeats_no_place",
       Index(
           [](auto& f) {
             f.special_flags = 3 << 4;
             f.compressed_bytes = 40;
           },
           Little(289, 8)),
       F::kOpening,
       "offset of chunk 0: found 289, wanted a special value, or room for a chunk in 320 bytes"},
      {"index_of_nans", Index([](auto& f) { f.special_flags = 2 << 4; }), F::kOpening,
       "chunk offsets: found NaN, wanted numbers"},
      {"index_start_negative",
       Index([](auto& f) { f.flags = kChunkExtended | kChunkUnsplit; },
             Little(0xFFFFFFFF, 4) + std::string(28, '\0')),
       F::kOpening, "chunk offsets: compressed data: found"},
      {"index_stream_of_zstd",
       Index([](auto& f) { f.flags = kChunkExtended | kChunkUnsplit | kChunkZstd; },
             Little(36, 4) + Little(20, 4) + std::string(24, 'z')),
       F::kOpening, "chunk offsets: compressed data: found"},
      {"index_stream_of_lz4",
       Index([](auto& f) { f.flags = kChunkExtended | kChunkUnsplit | kChunkLz4; },
             Little(36, 4) + Little(20, 4) + std::string(24, '\xf0')),
       F::kOpening, "chunk offsets: compressed data: found"},
      {"trailer_length_0", Trailer(0), F::kOpening,
       "trailer length: found 0 bytes, wanted 25 to 99"},
      {"trailer_length_24", Trailer(24), F::kOpening,
       "trailer length: found 24 bytes, wanted 25 to 99"},
      {"trailer_length_of_chunks", Trailer(320), F::kOpening,
       "trailer length: found 320 bytes, wanted 25 to 99"},
      {"trailer_length_of_index", Trailer(99), F::kOpening,
       "chunk offsets: header: found 0, wanted 32 bytes"},
      {"trailer_length_max", Trailer(0xFFFFFFFF), F::kOpening,
       "trailer length: found 4294967295 bytes, wanted 25 to 99"},
      {"trailer_length_marker", AtEnd(23, "\xcf"), F::kOpening,
       "trailer: found other bytes, wanted the end of a Blosc2 frame"},
      {"trailer_fingerprint_marker", AtEnd(18, "\xd7"), F::kOpening,
       "trailer: found other bytes, wanted the end of a Blosc2 frame"},
      {"trailer_marker", AtEnd(35, "\x93"), F::kUpdating,
       "trailer: found other bytes, wanted names and contents in msgpack"},
      {"trailer_list_marker", AtEnd(33, "\x92"), F::kUpdating,
       "trailer: found other bytes, wanted names and contents in msgpack"},
      {"trailer_map_marker", AtEnd(29, "\xdf"), F::kUpdating,
       "trailer: found other bytes, wanted names and contents in msgpack"},
      {"trailer_names_8193", AtEnd(28, Big(8193, 2)), F::kUpdating,
       "attributes: found 8193, wanted at most 8192"},
      {"trailer_names_past_end", AtEnd(28, Big(3, 2)), F::kUpdating,
       "trailer: found other bytes, wanted name 1 of 3"},
      {"trailer_short", Trailer(25), F::kUpdating,
       "trailer: found other bytes, wanted names and contents in msgpack"},
  };
}

}  // namespace ndarray::testing
