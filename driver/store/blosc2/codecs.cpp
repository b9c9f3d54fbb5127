#include "driver/store/blosc2/codecs.h"

#include <algorithm>
#include <iterator>

namespace ndarray {
namespace {

template <typename Row, size_t kSize, typename Wanted>
const Row* Find(const Row (&rows)[kSize], const Wanted& wanted) {
  const Row* const found = std::find_if(std::begin(rows), std::end(rows), wanted);
  return found == std::end(rows) ? nullptr : found;
}

const CodecRow* CodecOfChunk(int codec) {
  return Find(kCodecs, [&](const CodecRow& row) { return row.codec == codec; });
}

const FilterRow* FilterOfChunk(int filter) {
  return Find(kFilters, [&](const FilterRow& row) { return row.id == filter; });
}

template <typename Row>
std::string NameOr(const Row* row, const char* what, int id) {
  return row != nullptr ? row->name : std::string(what) + " " + std::to_string(id);
}

}  // namespace

const CodecRow* FindWritableCodec(std::string_view name) {
  return Find(kCodecs, [&](const CodecRow& row) { return row.can_write() && row.name == name; });
}

const CodecRow* FindWritableCodec(int compressor) {
  return Find(kCodecs,
              [&](const CodecRow& row) { return row.can_write() && row.compressor == compressor; });
}

const FilterRow* FindWritableFilter(std::string_view name) {
  return Find(kFilters, [&](const FilterRow& row) { return row.can_write && row.name == name; });
}

bool CanReadCodec(int codec) {
  const CodecRow* const row = CodecOfChunk(codec);
  return row != nullptr && row->can_read;
}

bool CanReadFilter(int filter) { return FilterOfChunk(filter) != nullptr; }

std::string CodecName(int codec) { return NameOr(CodecOfChunk(codec), "codec", codec); }

std::string CompressorName(int compressor) {
  return NameOr(Find(kCodecs, [&](const CodecRow& row) { return row.compressor == compressor; }),
                "codec", compressor);
}

std::string CompressionName(int compressor, int level) {
  return level == 0 ? "NONE" : CompressorName(compressor);
}

std::string FilterName(int filter) { return NameOr(FilterOfChunk(filter), "filter", filter); }

namespace {

Status MissingPart(const char* what, const std::string& name) {
  return Mismatch(StatusCode::kNotSupported, what, name + ", which a plugin of c-blosc2 decodes",
                  std::string("a ") + what +
                      " that is part of c-blosc2; python-blosc2 can write the array with one");
}

Status CheckFilters(const uint8_t* filters, size_t filters_size) {
  for (size_t i = 0; i < filters_size; ++i) {
    if (!CanReadFilter(filters[i])) return MissingPart("filter", FilterName(filters[i]));
  }
  return {};
}

}  // namespace

Status CheckCanRead(int codec, const uint8_t* filters, size_t filters_size) {
  if (!CanReadCodec(codec)) return MissingPart("codec", CodecName(codec));
  return CheckFilters(filters, filters_size);
}

Status CheckCanWrite(int compressor, const uint8_t* filters, size_t filters_size) {
  const CodecRow* const row =
      Find(kCodecs, [&](const CodecRow& codec) { return codec.compressor == compressor; });
  if (row == nullptr || !row->can_read) return MissingPart("codec", CompressorName(compressor));
  return CheckFilters(filters, filters_size);
}

}  // namespace ndarray
