#include "driver/raster/create/b2nd_options.h"

#include <cpl_conv.h>
#include <cpl_string.h>

#include <string_view>

#include "driver/raster/create/b2nd_cut.h"
#include "driver/raster/create/option_words.h"
#include "driver/store/blosc2/codecs.h"

namespace ndarray {
namespace {

Status BadOption(const char* name, std::string_view found, std::string_view wanted) {
  return Mismatch(StatusCode::kInvalidArgument, name, found, wanted);
}

CPLString Upper(StringList options, const char* name, const char* otherwise) {
  return CPLString(CSLFetchNameValueDef(options, name, otherwise)).toupper();
}

// What follows COMPRESS=NONE: chunks say LZ4, and that they are stored.
constexpr CodecRow kStored = {"NONE", compressor_id::kLz4, codec_id::kLz4, true};

// A text for each codec and filter that can be written, in the order of their tables.
template <typename Text>
std::string ListCodecs(const char* separator, const Text& text) {
  std::string list;
  for (const CodecRow& row : kCodecs) {
    if (row.can_write()) list.append(list.empty() ? "" : separator).append(text(row));
  }
  return list;
}

template <typename Text>
std::string ListFilters(const char* separator, const Text& text) {
  std::string list;
  for (const FilterRow& row : kFilters) {
    if (row.can_write) list.append(list.empty() ? "" : separator).append(text(row));
  }
  return list;
}

constexpr auto kNameOf = [](const auto& row) { return std::string(row.name); };

// "ZSTD 1, for float32 3".
std::string DefaultLevel(const CodecRow& row) {
  const std::string text = row.name + std::string(" ") + std::to_string(row.default_level);
  if (row.float32_level == row.default_level) return text;
  return text + ", for float32 " + std::to_string(row.float32_level);
}

std::string CodecValue(const CodecRow& row) {
  const std::string alias = row.alias == nullptr ? "" : std::string(" alias='") + row.alias + "'";
  return "<Value" + alias + ">" + row.name + "</Value>";
}

std::string FilterValue(const FilterRow& row) {
  return std::string("<Value>") + row.name + "</Value>";
}

// Bytes that lie in the file for one pixel of a chunk: of all bands where they are the last axis.
// Their planes are what SHUFFLE makes and BYTEDELTA predicts from. At most what python-blosc2 can
// read as the meta of a filter, an int8; the planes of elements are no worse where bands are many.
uint8_t PixelGroupBytes(const NewArray& array) {
  const int64_t element_bytes = array.element_bytes();
  const int64_t group = array.axes.back() == 'B' ? element_bytes * array.bands : element_bytes;
  const int64_t fitting = group <= INT8_MAX ? group : element_bytes;
  return fitting <= INT8_MAX ? static_cast<uint8_t>(fitting) : 1;
}

Status ParseCompression(const NewArray& array, StringList options, Compression& compression) {
  const std::string name = Upper(options, "COMPRESS", kCodecs[0].name);
  const CodecRow* const codec = name == kStored.name ? &kStored : FindWritableCodec(name);
  if (codec == nullptr) return BadOption("COMPRESS", name, ListCodecs(", ", kNameOf) + " or NONE");
  const bool is_float32 = array.dtype.type == ScalarType::kFloat32;
  Result<int64_t> level = NumberOption(options, "LEVEL", 1, 9,
                                       is_float32 ? codec->float32_level : codec->default_level);
  if (!level.ok()) {
    return BadOption("LEVEL", CSLFetchNameValue(options, "LEVEL"),
                     "1 to 9 (ZSTD_LEVEL has 1 to 22)");
  }
  compression.compressor = codec->compressor;
  compression.level = codec == &kStored ? 0 : static_cast<int>(*level);

  const std::string asked = Upper(options, "FILTER", "AUTO");
  const FilterRow* const filter = FindWritableFilter(asked);
  if (filter == nullptr && asked != "AUTO")
    return BadOption("FILTER", asked, ListFilters(", ", kNameOf) + " or AUTO");
  const uint8_t group_bytes = PixelGroupBytes(array);
  compression.pipeline =
      PipelineOf(filter != nullptr ? filter->id : codec->default_filter(), group_bytes);
  if (filter == nullptr && codec != &kStored) compression.auto_group_bytes = group_bytes;
  const std::string checksum = Upper(options, "CHECKSUM", "YES");
  compression.checksums = CPLTestBool(checksum.c_str());
  for (const char* const word : {"YES", "NO", "TRUE", "FALSE", "ON", "OFF", "1", "0"}) {
    if (checksum == word) return {};
  }
  return BadOption("CHECKSUM", checksum, "YES or NO");
}

}  // namespace

std::string B2ndCreationOptions() {
  return std::string("<CreationOptionList>") + kShapeOptions +
         "<Option name='COMPRESS' type='string-select' default='" + kCodecs[0].name +
         "' description='Codec: ZSTD is small, LZ4 is fast'>" + ListCodecs("", CodecValue) +
         "<Value>NONE</Value></Option>"
         "<Option name='LEVEL' type='int' min='1' max='9' description='Level of compression "
         "(default: " +
         ListCodecs("; ", DefaultLevel) +
         ")'/>"
         "<Option name='FILTER' type='string-select' default='AUTO' description='What is done to "
         "the bytes before they are compressed (AUTO: what suits each chunk, by trying)'>"
         "<Value>AUTO</Value>" +
         ListFilters("", FilterValue) +
         "</Option>"
         "<Option name='CHECKSUM' type='boolean' default='YES' description='Whether chunks have "
         "checksums, by which damage is found when they are read'/>"
         "<Option name='BLOCKXSIZE' type='int' min='1' description='Width of a block, the "
         "smallest unit that is decoded (default: 128, or 256 for types of one byte unless "
         "compressed by LZ4; narrow images have blocks of 64 KB)'/>"
         "<Option name='BLOCKYSIZE' type='int' min='1' description='Height of a block'/>"
         "<Option name='CHUNKXSIZE' type='int' min='1' description='Width of a chunk, a multiple "
         "of the width of a block (default: 1024; narrow images have chunks of 2 MB)'/>"
         "<Option name='CHUNKYSIZE' type='int' min='1' description='Height of a chunk'/>" +
         kB2zOptions + kB2ndOptionWords + "</CreationOptionList>";
}

Result<B2ndPlan> PlanB2nd(const NewArray& array, StringList asked) {
  Result<CPLStringList> words = B2ndOptionWords(array.path, asked);
  if (!words.ok()) return words.status().At(array.path);
  const StringList options = words->List();
  B2ndPlan plan;
  plan.max_threads = array.max_threads;
  Status status = ParseCompression(array, options, plan.compression);
  if (!status.ok()) return status.At(array.path);
  const CodecRow* const codec =
      plan.compression.level > 0 ? FindWritableCodec(plan.compression.compressor) : &kStored;
  Result<B2ndCut> cut = CutB2nd(array, options, codec->side_of_bytes);
  if (!cut.ok()) return cut.status().At(array.path);
  Result<B2ndLayout> layout = MakeB2ndLayout(array.element(), array.shape, cut->chunk, cut->block);
  if (!layout.ok()) return layout.status().At(array.path);
  plan.layout = std::move(*layout);
  plan.side_of_bytes = codec->side_of_bytes;
  plan.words = std::move(*words);
  return plan;
}

}  // namespace ndarray
