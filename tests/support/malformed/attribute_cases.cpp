#include <functional>
#include <utility>

#include "tests/support/frame_bytes.h"
#include "tests/support/malformed/malformed_file.h"

namespace ndarray::testing {
namespace {

// "EPSG:4326" in msgpack, in a chunk.
const char* const kValue =
    "\xa9"
    "EPSG:4326";

std::string With(const std::string& name, const std::string& content) {
  FrameParts parts = SmallFrame();
  parts.vlmetalayers = {{name, content}};
  return FrameBytes(parts);
}

std::string Attribute(const std::function<void(ChunkFields&)>& change,
                      const std::string& content = kValue) {
  ChunkFields fields;
  fields.flags |= kChunkStored;
  fields.element_bytes = 1;
  fields.uncompressed_bytes = fields.block_bytes = static_cast<int64_t>(content.size());
  fields.compressed_bytes = static_cast<int64_t>(32 + content.size());
  change(fields);
  return With(kAttributeName, ChunkHeader(fields) + content);
}

// A whole file with other bytes in its trailer: 2 + 7 bytes before the only name.
std::string AtName(size_t at, const std::string& with) {
  const std::string file = With(kAttributeName, StoredChunk(kValue, 10, 1));
  const size_t trailer = FrameBytes(SmallFrame()).size() - 35;
  return Put(file, trailer + 9 + at, with);
}

std::vector<MalformedFile> Values() {
  using F = Finder;
  return {
      {"value_empty", With(kAttributeName, ""), F::kAttribute, "header: found 0, wanted 32 bytes"},
      {"value_of_31_bytes", With(kAttributeName, std::string(31, '\x05')), F::kAttribute,
       "header: found 31, wanted 32 bytes"},
      {"value_version", Attribute([](auto& f) { f.version = 7; }), F::kAttribute,
       "chunk version: found 7, wanted at most 6"},
      {"value_of_blosc1", Attribute([](auto& f) { f.flags = 0; }), F::kAttribute,
       "chunk: found one of Blosc 1, wanted one of Blosc2"},
      {"value_none", Attribute([](auto& f) { f.uncompressed_bytes = 0; }), F::kAttribute,
       "uncompressed size: found 0, wanted at least 1 byte"},
      {"value_negative", Attribute([](auto& f) { f.uncompressed_bytes = -1; }), F::kAttribute,
       "uncompressed size: found -1, wanted at least 1 byte"},
      {"value_longer", Attribute([](auto& f) { f.uncompressed_bytes = 11; }), F::kAttribute,
       "compressed size: found 42, wanted 43 when stored"},
      {"value_of_2_gib", Attribute([](auto& f) {
         f.uncompressed_bytes = INT32_MAX;
         f.special_flags = 1 << 4;
         f.compressed_bytes = 32;
       }),
       F::kAttribute, "size: found 2147483647, wanted at most 1048576"},
      {"value_block_0", Attribute([](auto& f) { f.block_bytes = 0; }), F::kAttribute,
       "block size: found 0, wanted at least 1 byte"},
      {"value_compressed_31", Attribute([](auto& f) { f.compressed_bytes = 31; }), F::kAttribute,
       "compressed size: found 31, wanted 32 to 42 bytes"},
      {"value_compressed_more", Attribute([](auto& f) { f.compressed_bytes = 43; }), F::kAttribute,
       "compressed size: found 43, wanted 32 to 42 bytes"},
      {"value_special_5", Attribute([](auto& f) { f.special_flags = 5 << 4; }), F::kAttribute,
       "special value: found 5, wanted 0 to 4"},
      {"value_codec", Attribute([](auto& f) {
         f.flags = kChunkExtended | kChunkPluginCodec;
         f.plugin_codec = 250;
       }),
       F::kAttribute,
       "codec: found codec 250, which a plugin of c-blosc2 decodes, wanted a codec that is part of "
       "c-blosc2;"},
      {"value_filter", Attribute([](auto& f) {
         f.flags = kChunkExtended;
         f.filters[0] = 77;
       }),
       F::kAttribute,
       "filter: found filter 77, which a plugin of c-blosc2 decodes, wanted a filter that is part "
       "of c-blosc2;"},
      {"value_of_zstd",
       Attribute([](auto& f) { f.flags = kChunkExtended | kChunkUnsplit | kChunkZstd; },
                 Little(36, 4) + Little(6, 4) + "damage"),
       F::kAttribute, "compressed data: found"},
      {"value_marker", AtName(12, "\xc5"), F::kAttribute,
       "content: found other bytes, wanted a msgpack binary"},
      {"value_past_trailer", AtName(13, Big(43, 4)), F::kAttribute,
       "content: found 43 bytes, wanted at most 42"},
      {"value_max", AtName(13, Big(0xFFFFFFFF, 4)), F::kAttribute,
       "content: found 4294967295 bytes, wanted at most 42"},
      {"value_offset_0", AtName(5, Big(0, 4)), F::kAttribute,
       "content: found other bytes, wanted a msgpack binary"},
      {"value_offset_past_trailer", AtName(5, Big(1000, 4)), F::kAttribute,
       "content: found one at byte 1000, wanted one within the 91 bytes of the trailer"},
      {"value_offset_max", AtName(5, Big(0xFFFFFFFF, 4)), F::kAttribute,
       "content: found one at byte 4294967295, wanted one within the 91 bytes of the trailer"},
      {"name_marker", AtName(0, "\xc3"), F::kUpdating,
       "trailer: found other bytes, wanted name 1 of 1"},
      {"name_long", AtName(0, "\xbf"), F::kUpdating,
       "trailer: found other bytes, wanted name 1 of 1"},
      {"name_offset_marker", AtName(4, "\xd1"), F::kUpdating,
       "trailer: found other bytes, wanted name 1 of 1"},
  };
}

std::string Packed(const std::string& frame, int64_t more = 0) {
  return "\xc6" + Big(static_cast<uint64_t>(static_cast<int64_t>(frame.size()) + more), 4) + frame;
}

std::string Mask(const std::string& packed) {
  const auto size = static_cast<int64_t>(packed.size());
  return With(kMaskName, StoredChunk(packed, size, 1));
}

// A mask of the right shape of which some part lies.
std::string Lying(const std::function<void(FrameParts&)>& change) {
  ReferenceArray mask{{ScalarType::kUInt8, kNativeOrder}, {6, 8}, std::string(48, '\xff')};
  FrameParts parts = FrameOf(mask, {4, 4}, {2, 4});
  change(parts);
  return FrameBytes(parts);
}

std::vector<MalformedFile> Masks() {
  using F = Finder;
  const std::string good = Lying([](FrameParts&) {});
  return {
      {"mask_empty", With(kMaskName, ""), F::kMask, "header: found 0, wanted 32 bytes"},
      {"mask_of_nil", Mask("\xc0"), F::kMask, "msgpack: found another value, wanted one binary"},
      {"mask_of_text", Mask("\xa4mask"), F::kMask,
       "msgpack: found another value, wanted one binary"},
      {"mask_length_less", Mask(Packed(good, -1)), F::kMask,
       "msgpack: found another value, wanted one binary"},
      {"mask_length_more", Mask(Packed(good, 1)), F::kMask,
       "msgpack: found another value, wanted one binary"},
      {"mask_cut", Mask(Packed(good.substr(0, good.size() - 1))), F::kMask,
       "cut short: 519 of 520 bytes; copy it again"},
      {"mask_of_other_bytes", Mask(Packed("no frame")), F::kMask,
       "is not a .b2nd file: found bytes no frame, wanted \\x9e\\xa8b2frame\\x00"},
      {"mask_of_nothing", Mask(Packed("")), F::kMask,
       "cut short: 0 of at least 87 bytes; copy it again"},
      {"mask_of_npy", Mask(Packed("\x93NUMPY\x01")), F::kMask,
       "is not a .b2nd file: found bytes \\x93NUMPY\\x01, wanted \\x9e\\xa8b2frame\\x00"},
      {"mask_header", Mask(Packed(Put(good, 69, "\xd7"))), F::kMask,
       "header: found other markers, wanted those of a Blosc2 frame"},
      {"mask_sparse", Mask(Packed(Put(good, 26, "\x01"))), F::kMask,
       "frame: found a sparse one (a folder of chunks), wanted a contiguous one (one file);"},
      {"mask_of_no_array", Mask(Packed(Lying([](FrameParts& p) { p.b2nd_name = "x"; }))), F::kMask,
       "content: found a super-chunk without a shape, wanted a b2nd array"},
      {"mask_of_text_elements", Mask(Packed(Lying([](FrameParts& p) { p.dtype = "<U1"; }))),
       F::kMask,
       "metalayer b2nd: dtype: found '<U1' (text), wanted a bool, (u)int8 to (u)int64, float16 to "
       "float64 or"},
      {"mask_offset", Mask(Packed(Lying([](FrameParts& p) {
         p.offsets = {0, 1000, 0, 0};
       }))),
       F::kMask,
       "offset of chunk 1: found 1000, wanted a special value, or room for a chunk in 256 bytes"},
      {"mask_index", Mask(Packed(Lying([](FrameParts& p) { p.offsets_chunk = "no chunk"; }))),
       F::kMask, "chunk offsets: header: found 8, wanted 32 bytes"},
      {"mask_trailer", Mask(Packed(Lying([](FrameParts& p) { p.trailer_bytes = 0; }))), F::kMask,
       "trailer length: found 0 bytes, wanted 25 to 99"},
  };
}

}  // namespace

std::vector<MalformedFile> MalformedAttributes() {
  std::vector<MalformedFile> files = Values();
  for (MalformedFile& file : Masks()) files.push_back(std::move(file));
  return files;
}

}  // namespace ndarray::testing
