#include "driver/raster/create/b2nd_options.h"

#include <cpl_string.h>

#include <optional>
#include <string_view>

#include "driver/raster/create/b2nd_cut.h"
#include "driver/raster/create/option_words.h"

namespace ndarray {
namespace {

// Filters by the numbers that chunks have for them.
constexpr uint8_t kShuffle = 1;
constexpr uint8_t kBitShuffle = 2;
constexpr uint8_t kByteDelta = 35;

Status BadOption(const char* name, std::string_view found, std::string_view wanted) {
  return Mismatch(StatusCode::kInvalidArgument, name, found, wanted);
}

CPLString Upper(StringList options, const char* name, const char* otherwise) {
  return CPLString(CSLFetchNameValueDef(options, name, otherwise)).toupper();
}

// ZSTD 1 makes smooth float32 larger than a GeoTIFF (tests/bench/b2nd_defaults.py).
int DefaultLevel(const std::string& compressor, const DType& dtype) {
  if (compressor == "ZSTD") return dtype.type == ScalarType::kFloat32 ? 3 : 1;
  return compressor == "LZ4HC" ? 9 : 5;
}

// Bytes that lie in the file for one pixel of a chunk: of all bands where they are the last axis.
// Their planes are what SHUFFLE makes and BYTEDELTA predicts from.
int64_t PixelGroupBytes(const NewArray& array) {
  const int64_t element_bytes = array.element_bytes();
  const int64_t group = array.axes.back() == 'B' ? element_bytes * array.bands : element_bytes;
  return group <= UINT8_MAX ? group : element_bytes <= UINT8_MAX ? element_bytes : 1;
}

Status ParseCompression(const NewArray& array, StringList options, Compression& compression) {
  const std::string name = Upper(options, "COMPRESS", "ZSTD");
  const std::optional<int> compressor = FindCompressor(name == "NONE" ? "LZ4" : name);
  if (!compressor) {
    return BadOption("COMPRESS", name, "LZ4, LZ4HC, ZSTD, ZLIB, BLOSCLZ or NONE");
  }
  Result<int64_t> level = NumberOption(options, "LEVEL", 1, 9, DefaultLevel(name, array.dtype));
  if (!level.ok()) {
    return BadOption("LEVEL", CSLFetchNameValue(options, "LEVEL"),
                     "1 to 9 (ZSTD_LEVEL has 1 to 22)");
  }
  compression.compressor = *compressor;
  compression.level = name == "NONE" ? 0 : static_cast<int>(*level);

  std::string filter = Upper(options, "FILTER", "AUTO");
  if (filter == "AUTO") {
    filter = name == "ZSTD" || name == "ZLIB" ? "BYTEDELTA" : "BITSHUFFLE";
    if (name == "NONE") filter = "NONE";
  }
  // SHUFFLE changes nothing in groups of one byte, but takes longer to undo than ZSTD to decode.
  const auto group = static_cast<uint8_t>(PixelGroupBytes(array));
  const uint8_t shuffle = group > 1 ? kShuffle : 0;
  const uint8_t shuffle_meta = group > 1 ? group : 0;
  if (filter == "SHUFFLE") {
    compression.filters[5] = shuffle;
    compression.filters_meta[5] = shuffle_meta;
  } else if (filter == "BITSHUFFLE") {
    compression.filters[5] = kBitShuffle;
  } else if (filter == "BYTEDELTA") {
    compression.filters[4] = shuffle;
    compression.filters_meta[4] = shuffle_meta;
    compression.filters[5] = kByteDelta;
    compression.filters_meta[5] = group;
  } else if (filter != "NONE") {
    return BadOption("FILTER", filter, "AUTO, NONE, SHUFFLE, BITSHUFFLE or BYTEDELTA");
  }
  return {};
}

}  // namespace

std::string B2ndCreationOptions() {
  return std::string("<CreationOptionList>") + kShapeOptions +
         "<Option name='COMPRESS' type='string-select' default='ZSTD' description='Codec: ZSTD is "
         "small, LZ4 is fast'><Value>ZSTD</Value><Value>LZ4</Value><Value>LZ4HC</Value>"
         "<Value alias='DEFLATE'>ZLIB</Value><Value>BLOSCLZ</Value><Value>NONE</Value></Option>"
         "<Option name='LEVEL' type='int' min='1' max='9' description='Of compression (default: "
         "ZSTD 1, of float32 3, LZ4HC 9, others 5)'/>"
         "<Option name='FILTER' type='string-select' default='AUTO' description='What is done to "
         "the bytes before (AUTO: BYTEDELTA for ZSTD and ZLIB, else BITSHUFFLE; NONE is best for "
         "classes of one byte)'><Value>AUTO</Value><Value>NONE</Value><Value>SHUFFLE</Value>"
         "<Value>BITSHUFFLE</Value><Value>BYTEDELTA</Value></Option>"
         "<Option name='BLOCKXSIZE' type='int' min='1' description='Pixels of a block, the least "
         "that is decoded (default: 128, of one-byte types 256; of narrow images 64 KB)'/>"
         "<Option name='BLOCKYSIZE' type='int' min='1' description='Lines of a block'/>"
         "<Option name='CHUNKXSIZE' type='int' min='1' description='Pixels of a chunk, a multiple "
         "of those of a block (default: 1024; of narrow images 2 MB)'/>"
         "<Option name='CHUNKYSIZE' type='int' min='1' description='Lines of a chunk'/>" +
         kB2ndOptionWords + "</CreationOptionList>";
}

Result<B2ndPlan> PlanB2nd(const NewArray& array, StringList asked) {
  Result<CPLStringList> words = B2ndOptionWords(array.path, asked);
  if (!words.ok()) return words.status().At(array.path);
  const StringList options = words->List();
  B2ndPlan plan;
  plan.max_threads = array.max_threads;
  Status status = ParseCompression(array, options, plan.compression);
  if (!status.ok()) return status.At(array.path);
  Result<B2ndCut> cut = CutB2nd(array, options);
  if (!cut.ok()) return cut.status().At(array.path);
  Result<B2ndLayout> layout = MakeB2ndLayout(array.element(), array.shape, cut->chunk, cut->block);
  if (!layout.ok()) return layout.status().At(array.path);
  plan.layout = std::move(*layout);
  return plan;
}

}  // namespace ndarray
