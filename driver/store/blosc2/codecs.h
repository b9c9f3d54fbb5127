// The codecs and filters of Blosc2, a row each: what a codec is called, its numbers in files, and
// how it is best used. The creation options of the driver B2ND, the names in metadata and reports,
// and what `gdal_ndarray tune` tries all follow from these tables.
//
// A codec has two numbers: that of the compressor, in the header of a frame, and that of the format
// of its streams, in the header of a chunk (README_CFRAME_FORMAT.rst, README_CHUNK_FORMAT.rst of
// c-blosc2). From 32 on they are equal, and those of c-blosc2's registries, as are filters'.
#ifndef GDAL_NDARRAY_STORE_BLOSC2_CODECS_H_
#define GDAL_NDARRAY_STORE_BLOSC2_CODECS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "driver/store/status.h"

namespace ndarray {

namespace compressor_id {
constexpr uint8_t kBloscLz = 0;
constexpr uint8_t kLz4 = 1;
constexpr uint8_t kLz4Hc = 2;
constexpr uint8_t kZlib = 4;
constexpr uint8_t kZstd = 5;
}  // namespace compressor_id

namespace codec_id {
constexpr uint8_t kBloscLz = 0;
constexpr uint8_t kLz4 = 1;
constexpr uint8_t kZlib = 3;
constexpr uint8_t kZstd = 4;
}  // namespace codec_id

namespace filter_id {
constexpr uint8_t kNone = 0;
constexpr uint8_t kShuffle = 1;
constexpr uint8_t kBitShuffle = 2;
constexpr uint8_t kDelta = 3;
constexpr uint8_t kTruncatePrecision = 4;
constexpr uint8_t kByteDelta = 35;
}  // namespace filter_id

struct FilterRow {
  uint8_t id;
  const char* name;
  bool can_write = false;  // FILTER has it
};

// All of them are part of c-blosc2.
constexpr FilterRow kFilters[] = {
    {filter_id::kNone, "NONE", true},
    {filter_id::kShuffle, "SHUFFLE", true},
    {filter_id::kBitShuffle, "BITSHUFFLE", true},
    {filter_id::kByteDelta, "BYTEDELTA", true},
    {filter_id::kDelta, "DELTA"},
    {filter_id::kTruncatePrecision, "TRUNC_PREC"},
    {32, "NDCELL"},
    {33, "NDMEAN"},
    {34, "BYTEDELTA_BUGGY"},
    {36, "INT_TRUNC"},
};

// A level that is worth trying. Turns count over all codecs: the lowest are tried first, which are
// quick to write or promise most.
struct TrialLevel {
  uint8_t level = 0;  // 0: no more
  uint8_t turn = 0;
};

// A filter that suits a codec. What it costs to undo: a hundred bytes that it leaves count as so
// many, of chunks of single bytes and of others.
struct TrialFilter {
  uint8_t filter = filter_id::kNone;
  uint8_t byte_weight = 0;  // 0: no more
  uint8_t weight = 0;
};

using TrialFilters = std::array<TrialFilter, 4>;

struct CodecRow {
  const char* name;
  uint8_t compressor;  // in the header of a frame
  uint8_t codec;       // in the header of a chunk
  bool can_read;       // it is part of c-blosc2; otherwise a plugin, which is never loaded
  // The rest is about codecs that COMPRESS has; all others have no default level.
  uint8_t default_level = 0;
  uint8_t float32_level = 0;  // where ZSTD 1 makes files larger than a GeoTIFF
  // What FILTER=AUTO tries on each chunk; the first is that of chunks on which nothing can be
  // tried.
  TrialFilters filters = {};
  const char* alias = nullptr;  // another word for COMPRESS
  std::array<TrialLevel, 5> trials = {};
  // The side of blocks of single bytes, by default. LZ4 makes them no smaller in large ones, and
  // windows have more of them to decode: tests/bench/b2nd_lz4.py.
  int16_t side_of_bytes = 256;

  constexpr bool can_write() const { return default_level > 0; }
  constexpr uint8_t default_filter() const { return filters[0].filter; }
};

// Measured: tests/README.md, "FILTER=AUTO".
constexpr TrialFilters kSmall = {{{filter_id::kByteDelta, 105, 100},
                                  {filter_id::kNone, 100, 110},
                                  {filter_id::kBitShuffle, 100, 102}}};
constexpr TrialFilters kFast = {{{filter_id::kBitShuffle, 100, 100},
                                 {filter_id::kShuffle, 135, 108},
                                 {filter_id::kNone, 135, 170}}};

// The first is the default. If two have the same number in chunks, names come from the first: LZ4HC
// writes what LZ4 reads. Default levels and filters: tests/bench/b2nd_defaults.py.
// clang-format off
constexpr CodecRow kCodecs[] = {
    {"ZSTD", compressor_id::kZstd, codec_id::kZstd, true, 1, 3, kSmall, nullptr,
     {{{1, 2}, {3, 3}, {5, 5}, {7, 10}, {9, 11}}}},
    {"LZ4", compressor_id::kLz4, codec_id::kLz4, true, 5, 5, kFast, nullptr,
     {{{5, 1}, {9, 6}}}, 128},
    {"LZ4HC", compressor_id::kLz4Hc, codec_id::kLz4, true, 9, 9, kFast, nullptr,
     {{{9, 7}}}, 128},
    {"ZLIB", compressor_id::kZlib, codec_id::kZlib, true, 5, 5, kSmall, "DEFLATE",
     {{{5, 9}}}},
    {"BLOSCLZ", compressor_id::kBloscLz, codec_id::kBloscLz, true, 5, 5, kFast,
     nullptr, {{{5, 8}}}},
    {"NDLZ", 32, 32, true},
    {"ZFP_ACC", 33, 33, true},
    {"ZFP_PREC", 34, 34, true},
    {"ZFP_RATE", 35, 35, true},
    {"OPENHTJ2K", 36, 36, false},
    {"GROK", 37, 37, false},
    {"OPENZL", 38, 38, false},
    {"J2K", 39, 39, false},
    {"HTJ2K", 40, 40, false},
};
// clang-format on

// The codec or filter that can be written and has this name, in capitals, or this number in the
// header of a frame; nullptr for others.
const CodecRow* FindWritableCodec(std::string_view name);
const CodecRow* FindWritableCodec(int compressor);
const FilterRow* FindWritableFilter(std::string_view name);

// Whether c-blosc2 itself, without plugins, reads chunks with this number.
bool CanReadCodec(int codec);
bool CanReadFilter(int filter);

// kNotSupported, with the name of what is missing, where it does not read one of them.
Status CheckCanRead(int codec, const uint8_t* filters, size_t filters_size);

// The same for what it would write with that compressor, a header's number.
Status CheckCanWrite(int compressor, const uint8_t* filters, size_t filters_size);

// "LZ4", "ZSTD", ...; "codec 41" for unknown ones. `codec` is the number that chunks have.
std::string CodecName(int codec);

// The same, and "LZ4HC"; `compressor` is the number that the header of a frame has.
std::string CompressorName(int compressor);

// The same, and "NONE" where the header's level says that nothing is compressed.
std::string CompressionName(int compressor, int level);

// "SHUFFLE", "BITSHUFFLE", ...; "filter 41" for unknown ones.
std::string FilterName(int filter);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_BLOSC2_CODECS_H_
