#include "driver/raster/b2nd_options.h"

#include <cpl_string.h>

#include <algorithm>
#include <optional>
#include <string_view>

#include "driver/raster/option_words.h"
#include "driver/store/checked_math.h"

namespace ndarray {
namespace {

// Filters by the numbers that chunks have for them.
constexpr uint8_t kShuffle = 1;
constexpr uint8_t kBitShuffle = 2;
constexpr uint8_t kByteDelta = 35;

constexpr int64_t kSide = 128;
constexpr int64_t kSideOfBytes = 256;
constexpr int64_t kChunkSide = 1024;
constexpr int64_t kMostBlockBytes = int64_t{512} << 10;  // by default: all bands may be many
constexpr int64_t kMostChunkBytes = int64_t{64} << 20;   // by default
constexpr int64_t kManyChunks = int64_t{1} << 16;
constexpr int64_t kFewChunkBytes = int64_t{2} << 20;  // of small planes, several make a chunk

Status BadOption(const char* name, std::string_view found, std::string_view wanted) {
  return Mismatch(StatusCode::kInvalidArgument, name, found, wanted);
}

CPLString Upper(StringList options, const char* name, const char* otherwise) {
  return CPLString(CSLFetchNameValueDef(options, name, otherwise)).toupper();
}

// Of smooth float32, ZSTD 1 is larger than a GeoTIFF (tests/bench/b2nd_defaults.py).
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
  // Of groups of one byte SHUFFLE changes nothing, but takes longer to undo than ZSTD to decode.
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

// Sides of blocks and chunks in pixels and lines.
struct Sides {
  int64_t block_x, block_y, chunk_x, chunk_y;
};

int64_t RoundUp(int64_t value, int64_t step) { return (value + step - 1) / step * step; }

int64_t UsualSide(const NewArray& array) {
  return array.element_bytes() == 1 ? kSideOfBytes : kSide;
}

Result<Sides> ParseSides(const NewArray& array, StringList options) {
  const int64_t element_bytes = array.element_bytes();
  const int64_t together = array.axes.back() == 'B' ? array.bands : 1;
  int64_t side = UsualSide(array);
  while (side > 16 && side * side * together * element_bytes > kMostBlockBytes) side /= 2;

  Sides sides{};
  Result<int64_t> x =
      NumberOption(options, "BLOCKXSIZE", 1, INT32_MAX, std::min<int64_t>(side, array.width));
  if (!x.ok()) return x.status();
  Result<int64_t> y =
      NumberOption(options, "BLOCKYSIZE", 1, INT32_MAX, std::min<int64_t>(side, array.height));
  if (!y.ok()) return y.status();
  sides.block_x = *x;
  sides.block_y = *y;

  int64_t chunk_side = kChunkSide;
  const int64_t planes =
      CheckedProduct(array.shape).value_or(INT64_MAX) / array.width / array.height / together;
  const auto chunks = [&](int64_t length) {
    return RoundUp(array.width, length) / length * (RoundUp(array.height, length) / length) *
           planes;
  };
  while (chunks(chunk_side) > kManyChunks &&
         4 * chunk_side * chunk_side * together * element_bytes <= kMostChunkBytes) {
    chunk_side *= 2;
  }
  while (chunk_side > side &&
         chunk_side * chunk_side * together * element_bytes > kMostChunkBytes) {
    chunk_side /= 2;
  }
  const auto fitted = [&](int64_t block, int64_t length) {
    return std::max<int64_t>(std::min(chunk_side / block, RoundUp(length, block) / block), 1) *
           block;
  };
  x = NumberOption(options, "CHUNKXSIZE", 1, INT32_MAX, fitted(sides.block_x, array.width));
  if (!x.ok()) return x.status();
  y = NumberOption(options, "CHUNKYSIZE", 1, INT32_MAX, fitted(sides.block_y, array.height));
  if (!y.ok()) return y.status();
  sides.chunk_x = *x;
  sides.chunk_y = *y;
  if (sides.chunk_x % sides.block_x != 0) {
    return BadOption("CHUNKXSIZE", std::to_string(sides.chunk_x),
                     "a multiple of blocks " + std::to_string(sides.block_x) + " wide");
  }
  if (sides.chunk_y % sides.block_y != 0) {
    return BadOption("CHUNKYSIZE", std::to_string(sides.chunk_y),
                     "a multiple of blocks " + std::to_string(sides.block_y) + " high");
  }
  return sides;
}

// Grows a box by whole steps along the axes of planes, the last of them first, to at most that many
// bytes: as far as it covers all axes that come after.
void JoinPlanes(const NewArray& array, int64_t most_bytes, AxisVector& box) {
  const AxisVector step = box;
  auto bytes = CheckedProduct(box);
  if (bytes) bytes = CheckedMultiply(*bytes, array.element_bytes());
  if (!bytes) return;  // which is an error later on
  for (int axis = box.size() - 1; axis >= 0; --axis) {
    if (array.axes[static_cast<size_t>(axis)] == kPlanes) {
      const int64_t steps = RoundUp(array.shape[axis], step[axis]) / step[axis];
      const int64_t times = std::clamp<int64_t>(most_bytes / *bytes, 1, steps);
      box[axis] *= times;
      *bytes *= times;
    }
    if (box[axis] < array.shape[axis]) return;
  }
}

struct Cut {
  AxisVector chunk, block;
};

bool SaysShapes(StringList options) {
  bool says = false;
  for (const char* const name : {"BLOCKXSIZE", "BLOCKYSIZE", "CHUNKXSIZE", "CHUNKYSIZE"}) {
    says = says || CSLFetchNameValue(options, name) != nullptr;
  }
  return says;
}

Result<Cut> ParseCut(const NewArray& array, StringList options) {
  Result<Sides> sides = ParseSides(array, options);
  if (!sides.ok()) return sides.status();
  Cut cut;
  for (const char letter : array.axes) {
    const int64_t bands = array.axes.back() == 'B' ? array.bands : 1;
    const int64_t others = letter == 'B' ? bands : 1;
    cut.chunk.push_back(letter == 'Y' ? sides->chunk_y : letter == 'X' ? sides->chunk_x : others);
    cut.block.push_back(letter == 'Y' ? sides->block_y : letter == 'X' ? sides->block_x : others);
  }
  JoinPlanes(array, UsualSide(array) * UsualSide(array) * array.element_bytes(), cut.block);
  for (int axis = 0; axis < cut.block.size(); ++axis) {
    cut.chunk[axis] = std::max(cut.chunk[axis], cut.block[axis]);
  }
  JoinPlanes(array, kFewChunkBytes, cut.chunk);
  return cut;
}

// As options say; without any, as the source is cut, if that is.
Result<B2ndLayout> ParseLayout(const NewArray& array, StringList options) {
  if (!array.source_chunk.empty() && !SaysShapes(options)) {
    Result<B2ndLayout> same =
        MakeB2ndLayout(array.element(), array.shape, array.source_chunk, array.source_block);
    if (same.ok()) return same;
  }
  Result<Cut> cut = ParseCut(array, options);
  if (!cut.ok()) return cut.status();
  return MakeB2ndLayout(array.element(), array.shape, cut->chunk, cut->block);
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
         "that is decoded (default: 128, of one-byte types 256)'/>"
         "<Option name='BLOCKYSIZE' type='int' min='1' description='Lines of a block'/>"
         "<Option name='CHUNKXSIZE' type='int' min='1' description='Pixels of a chunk, a multiple "
         "of those of a block (default: 1024)'/>"
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
  Result<B2ndLayout> layout = ParseLayout(array, options);
  if (!layout.ok()) return layout.status().At(array.path);
  plan.layout = std::move(*layout);
  return plan;
}

}  // namespace ndarray
