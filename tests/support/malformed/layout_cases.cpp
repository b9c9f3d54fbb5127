#include <utility>

#include "tests/support/frame_bytes.h"
#include "tests/support/malformed/malformed_file.h"

namespace ndarray::testing {
namespace {

std::string WithContent(const std::string& content) {
  FrameParts parts = SmallFrame();
  parts.b2nd = content;
  return FrameBytes(parts);
}

std::string GoodContent() { return B2ndContent({6, 8}, {4, 4}, {2, 4}, "<u2"); }
std::string At(size_t at, const std::string& with) {
  return WithContent(Put(GoodContent(), at, with));
}

std::string Shaped(const AxisVector& shape, const AxisVector& chunks = {4, 4},
                   const AxisVector& blocks = {2, 4}) {
  return WithContent(B2ndContent(shape, chunks, blocks, "<u2"));
}

// A type, and how many bytes an element is said to have.
std::string Typed(const std::string& dtype, int element_bytes = 2) {
  FrameParts parts = SmallFrame();
  parts.dtype = dtype;
  parts.element_bytes = element_bytes;
  return FrameBytes(parts);
}

// As many chunks as the shape says, all of zeros, in an index of a few bytes.
std::string ManyChunks(const AxisVector& shape, int64_t uncompressed_bytes) {
  FrameParts parts = SmallFrame();
  parts.shape = shape;
  parts.chunk_shape = parts.block_shape = {1, 1};
  parts.chunk_bytes = parts.block_bytes = 2;
  parts.uncompressed_bytes = uncompressed_bytes;
  return FrameBytes(parts);
}

std::vector<MalformedFile> Contents() {
  using F = Finder;
  // 0x97, version, axes; at 3 the shape, at 22 and 33 the chunk's and block's; at 44 the dtype.
  return {
      {"b2nd_no_msgpack", WithContent(std::string(20, '\xc1')), F::kOpening,
       "metalayer b2nd: content: found 20 bytes, wanted [version, axes, shape, chunks, blocks, "
       "dtype format, dtype]"},
      {"b2nd_one_byte", WithContent("\x97"), F::kOpening,
       "metalayer b2nd: content: found 1 bytes, wanted [version, axes, shape, chunks, blocks, "
       "dtype format, dtype]"},
      {"b2nd_of_six", At(0, "\x96"), F::kOpening,
       "metalayer b2nd: content: found 53 bytes, wanted [version, axes, shape, chunks, blocks, "
       "dtype format, dtype]"},
      {"b2nd_of_eight", At(0, "\x98"), F::kOpening,
       "metalayer b2nd: content: found 53 bytes, wanted [version, axes, shape, chunks, blocks, "
       "dtype format, dtype]"},
      {"b2nd_axes_0", At(2, std::string(1, '\0')), F::kOpening,
       "metalayer b2nd: content: found 53 bytes, wanted [version, axes, shape, chunks, blocks, "
       "dtype format, dtype]"},
      {"b2nd_axes_1", At(2, "\x01"), F::kOpening,
       "metalayer b2nd: content: found 53 bytes, wanted [version, axes, shape, chunks, blocks, "
       "dtype format, dtype]"},
      {"b2nd_axes_3", At(2, "\x03"), F::kOpening,
       "metalayer b2nd: content: found 53 bytes, wanted [version, axes, shape, chunks, blocks, "
       "dtype format, dtype]"},
      {"b2nd_axes_17", At(2, "\x11"), F::kOpening,
       "metalayer b2nd: shape: found 17 axes, wanted at most 16"},
      {"b2nd_axes_127", At(2, "\x7f"), F::kOpening,
       "metalayer b2nd: shape: found 127 axes, wanted at most 16"},
      {"b2nd_axes_negative", At(2, "\xff"), F::kOpening,
       "metalayer b2nd: shape: found 255 axes, wanted at most 16"},
      {"b2nd_shape_marker", At(3, "\x93"), F::kOpening,
       "metalayer b2nd: content: found 53 bytes, wanted [version, axes, shape, chunks, blocks, "
       "dtype format, dtype]"},
      {"b2nd_length_marker", At(4, "\xcf"), F::kOpening,
       "metalayer b2nd: content: found 53 bytes, wanted [version, axes, shape, chunks, blocks, "
       "dtype format, dtype]"},
      {"b2nd_chunk_marker", At(22, "\x91"), F::kOpening,
       "metalayer b2nd: content: found 53 bytes, wanted [version, axes, shape, chunks, blocks, "
       "dtype format, dtype]"},
      {"b2nd_chunk_length_marker", At(23, "\xce"), F::kOpening,
       "metalayer b2nd: content: found 53 bytes, wanted [version, axes, shape, chunks, blocks, "
       "dtype format, dtype]"},
      {"b2nd_block_marker", At(33, "\x91"), F::kOpening,
       "metalayer b2nd: content: found 53 bytes, wanted [version, axes, shape, chunks, blocks, "
       "dtype format, dtype]"},
      {"b2nd_block_length_marker", At(39, "\xce"), F::kOpening,
       "metalayer b2nd: content: found 53 bytes, wanted [version, axes, shape, chunks, blocks, "
       "dtype format, dtype]"},
      {"b2nd_dtype_format", At(44, "\x01"), F::kOpening,
       "metalayer b2nd: dtype format: found 1, wanted 0 (NumPy's)"},
      {"b2nd_dtype_marker", At(45, "\xda"), F::kOpening,
       "metalayer b2nd: content: found 53 bytes, wanted [version, axes, shape, chunks, blocks, "
       "dtype format, dtype]"},
      {"b2nd_dtype_long", At(46, Big(4, 4)), F::kOpening,
       "metalayer b2nd: content: found 53 bytes, wanted [version, axes, shape, chunks, blocks, "
       "dtype format, dtype]"},
      {"b2nd_dtype_max", At(46, Big(0xFFFFFFFF, 4)), F::kOpening,
       "metalayer b2nd: content: found 53 bytes, wanted [version, axes, shape, chunks, blocks, "
       "dtype format, dtype]"},
      {"b2nd_dtype_short", At(46, Big(2, 4)), F::kOpening,
       "metalayer b2nd: dtype: found '<u', wanted a bool, (u)int8 to (u)int64, float16 to float64 "
       "or complex64/128"},
      {"b2nd_cut_in_shape", WithContent(GoodContent().substr(0, 12)), F::kOpening,
       "metalayer b2nd: content: found 12 bytes, wanted [version, axes, shape, chunks, blocks, "
       "dtype format, dtype]"},
      {"b2nd_cut_before_dtype", WithContent(GoodContent().substr(0, 44)), F::kOpening,
       "metalayer b2nd: content: found 44 bytes, wanted [version, axes, shape, chunks, blocks, "
       "dtype format, dtype]"},
      {"b2nd_cut_in_dtype", WithContent(GoodContent().substr(0, 52)), F::kOpening,
       "metalayer b2nd: content: found 52 bytes, wanted [version, axes, shape, chunks, blocks, "
       "dtype format, dtype]"},
  };
}

std::vector<MalformedFile> Shapes() {
  using F = Finder;
  constexpr int64_t kTwo31 = int64_t{1} << 31;
  constexpr int64_t kTwo30 = int64_t{1} << 30;
  const AxisVector many(16, int64_t{1} << 7);
  return {
      {"shape_of_none", Shaped({}, {}, {}), F::kOpening,
       "metalayer b2nd: shape: found (), wanted at least one axis"},
      {"shape_zero", Shaped({6, 0}), F::kOpening,
       "metalayer b2nd: shape: found (6, 0), wanted no axis of size 0"},
      {"shape_negative", Shaped({-6, 8}), F::kOpening,
       "metalayer b2nd: shape: found (-6, 8), wanted integers that are not negative"},
      {"shape_min", Shaped({INT64_MIN, 8}), F::kOpening,
       "metalayer b2nd: shape: found (-9223372036854775808, 8), wanted integers that are not "
       "negative"},
      {"shape_max", Shaped({INT64_MAX, 8}), F::kOpening,
       "metalayer b2nd: shape: found (9223372036854775807, 8), wanted less than 2^63 bytes in all"},
      {"shape_of_2_63_bytes", Shaped({kTwo31, kTwo31}), F::kOpening,
       "metalayer b2nd: shape: found (2147483648, 2147483648), wanted less than 2^63 bytes in all"},
      {"shape_overflows", Shaped({2 * kTwo31, 2 * kTwo31}), F::kOpening,
       "metalayer b2nd: shape: found (4294967296, 4294967296), wanted less than 2^63 bytes in all"},
      {"shape_overflows_in_16_axes", Shaped(many, AxisVector(16, 1), AxisVector(16, 1)),
       F::kOpening,
       "metalayer b2nd: shape: found (128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, "
       "128, 128, 128,"},
      {"shape_of_more_chunks", Shaped({6, 9}), F::kOpening,
       "uncompressed size: found 128 bytes, wanted 6 chunks of 32"},
      {"shape_of_fewer_chunks", Shaped({4, 8}), F::kOpening,
       "uncompressed size: found 128 bytes, wanted 2 chunks of 32"},
      {"chunks_more_than_read", ManyChunks({1 << 13, (1 << 13) + 1}, ((1LL << 26) + 8192) * 2),
       F::kOpening, "chunks: found 67117056, wanted at most 67108864"},
      {"chunks_2_31", ManyChunks({kTwo31, 1}, 2 * kTwo31), F::kOpening,
       "chunks: found 2147483648, wanted at most 67108864"},
      {"chunks_2_52", ManyChunks({1 << 26, 1 << 26}, 1LL << 53), F::kOpening,
       "chunks: found 4503599627370496, wanted at most 67108864"},
      {"chunks_2_26_of_four_offsets", ManyChunks({1 << 13, 1 << 13}, 1LL << 27), F::kOpening,
       "chunk offsets: found 32 bytes, wanted 536870912 for 67108864 chunks"},
      {"chunk_zero", Shaped({6, 8}, {0, 4}), F::kOpening,
       "metalayer b2nd: chunks and blocks: found (0, 4) and (2, 4), wanted axes of 1 to 2^31 - 1"},
      {"chunk_negative", Shaped({6, 8}, {4, -4}), F::kOpening,
       "metalayer b2nd: chunks and blocks: found (4, -4) and (2, 4), wanted axes of 1 to 2^31 - 1"},
      {"chunk_other_shape", Shaped({6, 8}, {4, 5}), F::kOpening,
       "chunk size: found 32 bytes, wanted 64 for chunks (4, 5) of blocks (2, 4)"},
      {"chunk_of_2_gib", Shaped({kTwo30, 2}, {kTwo30, 1}, {2, 1}), F::kOpening,
       "metalayer b2nd: chunks and blocks: found (1073741824, 1) and (2, 1), wanted chunks of less "
       "than 2 GiB"},
      {"chunk_overflows", Shaped({kTwo30, kTwo30}, {kTwo30, kTwo30}), F::kOpening,
       "metalayer b2nd: chunks and blocks: found (1073741824, 1073741824) and (2, 4), wanted "
       "chunks of less than 2 GiB"},
      {"block_zero", Shaped({6, 8}, {4, 4}, {2, 0}), F::kOpening,
       "metalayer b2nd: chunks and blocks: found (4, 4) and (2, 0), wanted axes of 1 to 2^31 - 1"},
      {"block_negative", Shaped({6, 8}, {4, 4}, {-2, 4}), F::kOpening,
       "metalayer b2nd: chunks and blocks: found (4, 4) and (-2, 4), wanted axes of 1 to 2^31 - 1"},
      {"block_above_chunk", Shaped({6, 8}, {4, 4}, {5, 4}), F::kOpening,
       "chunk size: found 32 bytes, wanted 40 for chunks (4, 4) of blocks (5, 4)"},
      {"block_other_padding", Shaped({6, 8}, {4, 4}, {3, 4}), F::kOpening,
       "chunk size: found 32 bytes, wanted 48 for chunks (4, 4) of blocks (3, 4)"},
      {"block_of_2_gib", Shaped({kTwo30, 2}, {kTwo30, 2}, {kTwo30, 2}), F::kOpening,
       "metalayer b2nd: chunks and blocks: found (1073741824, 2) and (1073741824, 2), wanted "
       "chunks of less than 2 GiB"},
  };
}

std::vector<MalformedFile> Types() {
  std::vector<MalformedFile> files;
  const auto add = [&](const std::string& name, const std::string& dtype,
                       const std::string& message, int element_bytes = 2) {
    files.push_back({"dtype_" + name, Typed(dtype, element_bytes), Finder::kOpening, message});
  };
  add("empty", "", "metalayer b2nd: dtype: found none, wanted a dtype of numbers");
  add("space", " ",
      "metalayer b2nd: dtype: found ' ', wanted a bool, (u)int8 to (u)int64, float16 to float64 or "
      "complex64/128");
  add("order_alone", "<",
      "metalayer b2nd: dtype: found '<', wanted a bool, (u)int8 to (u)int64, float16 to float64 or "
      "complex64/128");
  add("number", "5",
      "metalayer b2nd: dtype: found '5', wanted types with commas between them, such as 'f4, "
      "(2,3)u1'");
  add("unknown_name", "uint17",
      "metalayer b2nd: dtype: found 'uint17', wanted a bool, (u)int8 to (u)int64, float16 to "
      "float64 or");
  add("unknown_letter", "<z2",
      "metalayer b2nd: dtype: found '<z2', wanted a bool, (u)int8 to (u)int64, float16 to float64 "
      "or complex64/128");
  add("unknown_size", "<u3",
      "metalayer b2nd: dtype: found '<u3', wanted a bool, (u)int8 to (u)int64, float16 to float64 "
      "or complex64/128");
  add("size_negative", "<u-2",
      "metalayer b2nd: dtype: found '<u-2', wanted a bool, (u)int8 to (u)int64, float16 to float64 "
      "or complex64/128");
  add("two_orders", "<>u2",
      "metalayer b2nd: dtype: found '<>u2', wanted a bool, (u)int8 to (u)int64, float16 to float64 "
      "or complex64/128");
  add("not_utf8", "<u2\xff",
      "metalayer b2nd: dtype: found '<u2?', wanted a bool, (u)int8 to (u)int64, float16 to float64 "
      "or complex64/128");
  add("ends_in_nul", std::string("<u2\0", 4),
      "metalayer b2nd: dtype: found '<u2?', wanted a bool, (u)int8 to (u)int64, float16 to float64 "
      "or complex64/128");
  add("object", "|O",
      "metalayer b2nd: dtype: found '|O' (Python objects), wanted a bool, (u)int8 to (u)int64, "
      "float16 to float64 or");
  add("text", "<U4",
      "metalayer b2nd: dtype: found '<U4' (text), wanted a bool, (u)int8 to (u)int64, float16 to "
      "float64 or");
  add("bytes", "|S5",
      "metalayer b2nd: dtype: found '|S5' (bytes), wanted a bool, (u)int8 to (u)int64, float16 to "
      "float64 or");
  add("time", "<M8[ns]",
      "metalayer b2nd: dtype: found '<M8[ns]' (times), wanted a bool, (u)int8 to (u)int64, float16 "
      "to float64 or");
  add("duration", "<m8[s]",
      "metalayer b2nd: dtype: found '<m8[s]' (durations), wanted a bool, (u)int8 to (u)int64, "
      "float16 to float64 or");
  add("void", "|V4",
      "metalayer b2nd: dtype: found '|V4' (raw bytes), wanted a bool, (u)int8 to (u)int64, float16 "
      "to float64 or");
  add("long_double", "<f16",
      "metalayer b2nd: dtype: found '<f16' (long double), wanted a bool, (u)int8 to (u)int64, "
      "float16 to float64 or");
  add("complex_long_double", "<c32",
      "metalayer b2nd: dtype: found '<c32' (long double), wanted a bool, (u)int8 to (u)int64, "
      "float16 to float64 or");
  add("other_size", "<u4", "element size: found 2 bytes, wanted 4 of dtype <u4");
  add("subarray", "(2, '<u2')",
      "metalayer b2nd: dtype: found '(2, '<u2')', wanted types with commas between them, such as "
      "'f4, (2,3)u1'");
  add("open_list", "[('a', '<u2'",
      "metalayer b2nd: dtype: header literal: found the end, wanted ',' or a closing bracket");
  add("empty_list", "[]",
      "metalayer b2nd: dtype: found a record without fields, wanted at least one");
  add("list_of_names", "['<u2']",
      "metalayer b2nd: dtype: found '<u2', wanted a field as (name, type) or (name, type, shape)");
  add("field_without_type", "[('a',)]",
      "metalayer b2nd: dtype: found ('a',), wanted a field as (name, type) or (name, type, shape)");
  add("field_of_text", "[('a', '<U1')]",
      "metalayer b2nd: field 'a': dtype: found '<U1' (text), wanted a bool, (u)int8 to (u)int64, "
      "float16 to float64");
  add("field_of_objects", "[('a', '|O')]",
      "metalayer b2nd: field 'a': dtype: found '|O' (Python objects), wanted a bool, (u)int8 to "
      "(u)int64, float16 to");
  add("field_without_elements", "[('a', '<u2', (0,))]",
      "metalayer b2nd: dtype: found (0,), wanted a field shape of 1 to 65536 elements");
  add("field_of_2_gib", "[('a', '<u2', (1073741824,))]",
      "metalayer b2nd: dtype: found (1073741824,), wanted a field shape of 1 to 65536 elements");
  add("field_shape_negative", "[('a', '<u2', (-1,))]",
      "metalayer b2nd: dtype: found (-1,), wanted a field shape of integers, none negative");
  add("field_shape_overflows", "[('a', '<u2', (4294967296, 4294967296, 4294967296))]",
      "metalayer b2nd: dtype: found (4294967296, 4294967296, 4294967296), wanted a field shape of "
      "1 to 65536 elements");
  add("only_padding", "[('', '|V2')]",
      "metalayer b2nd: dtype: found only padding, wanted a numeric field");
  add("of_another_size", "[('a', '<u2'), ('b', '|u1')]",
      "element size: found 2 bytes, wanted 3 of dtype [('a', '<u2'), ('b', '|u1')]");
  add("dict_of_nothing", "{}",
      "metalayer b2nd: dtype: found another dict, wanted 'names', 'formats' and 'offsets' of one "
      "length, and");
  add("dict_without_formats", "{'names': ['a'], 'offsets': [0], 'itemsize': 2}",
      "metalayer b2nd: dtype: found another dict, wanted 'names', 'formats' and 'offsets' of one "
      "length, and");
  add("dict_of_other_lengths",
      "{'names': ['a', 'b'], 'formats': ['u1'], 'offsets': [0], 'itemsize': 2}",
      "metalayer b2nd: dtype: found another dict, wanted 'names', 'formats' and 'offsets' of one "
      "length, and");
  add("dict_beyond_the_record",
      "{'names': ['a'], 'formats': ['<u2'], 'offsets': [1], 'itemsize': 2}",
      "metalayer b2nd: dtype: found field 'a' beyond the record, wanted fields within 2 bytes");
  add("dict_offset_negative",
      "{'names': ['a'], 'formats': ['<u2'], 'offsets': [-1], 'itemsize': 2}",
      "metalayer b2nd: dtype: found 'a', wanted a field name, and an offset within the record");
  add("dict_of_2_gib",
      "{'names': ['a'], 'formats': ['<u2'], 'offsets': [0], 'itemsize': 2147483648}",
      "metalayer b2nd: dtype: found 2 GiB or more, wanted smaller records");
  add("deep", std::string(40, '[') + std::string(40, ']'),
      "metalayer b2nd: dtype: header literal: found '[[[[[[[]]]]]]]]]]]]]]]]]' at byte 33, wanted "
      "at most 32 levels");
  return files;
}

}  // namespace

std::vector<MalformedFile> MalformedLayouts() {
  std::vector<MalformedFile> files = Contents();
  for (auto more : {Shapes, Types}) {
    for (MalformedFile& file : more()) files.push_back(std::move(file));
  }
  return files;
}

}  // namespace ndarray::testing
