#include "tools/gdal_ndarray/convert/convert_options.h"

#include <cpl_conv.h>
#include <cpl_minixml.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <string_view>

#include "driver/raster/create/option_words.h"
#include "driver/raster/threads.h"
#include "driver/raster/xml_tree.h"
#include "driver/store/checked_math.h"
#include "tools/gdal_ndarray/command.h"

namespace ndarray::tools {
namespace {

struct OptionNames {
  std::vector<std::string> main;
  std::vector<std::string> aliases;
};

// Without those that the driver only takes in order to say that they have no effect.
OptionNames NamesOf(const ArrayFormat& format) {
  const std::string list = format.creation_options();
  const XmlTree tree(CPLParseXMLString(list.c_str()));
  OptionNames names;
  for (const CPLXMLNode* node = tree->psChild; node != nullptr; node = node->psNext) {
    if (STARTS_WITH(CPLGetXMLValue(node, "description", ""), kIgnored)) continue;
    if (const char* const name = CPLGetXMLValue(node, "name", nullptr)) {
      names.main.emplace_back(name);
    }
    if (const char* const alias = CPLGetXMLValue(node, "alias", nullptr)) {
      names.aliases.emplace_back(alias);
    }
  }
  return names;
}

std::string Joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

int64_t LargestPowerOf2(int64_t max_value) {
  int64_t power = 1;
  while (2 * power <= max_value) power *= 2;
  return power;
}

// Sides of blocks, and minimal sides of chunks, in pixels and lines.
struct Cut {
  int64_t block_x, block_y, chunk_x, chunk_y;
};

// Blocks of the image's width where that is not very much; as many lines as make a block worth
// decoding, chunks of 16 blocks and more. Narrow images have more of both.
Cut CutForRows(const ImageSize& image, int64_t pixel_bytes) {
  constexpr int64_t kMaxBlockBytes = int64_t{256} << 10;
  constexpr int64_t kMinBlockBytes = int64_t{4} << 10;
  constexpr int64_t kMaxLines = 8;
  constexpr int64_t kMaxChunkBytes = int64_t{8} << 20;
  constexpr int64_t kMinChunkBytes = int64_t{1} << 20;
  constexpr int64_t kMaxSlabs = 64;
  const int64_t width = image.width;
  const int64_t across = std::min(width, kMaxBlockBytes / pixel_bytes);
  const int64_t block_x = std::max<int64_t>(across, 1);
  const int64_t line_bytes = block_x * pixel_bytes;
  const int64_t block_y = std::clamp<int64_t>(kMaxBlockBytes / line_bytes, 1,
                                              std::max(kMaxLines, kMinBlockBytes / line_bytes));
  const int64_t slab_bytes = RoundUp(width, block_x) * block_y * pixel_bytes;
  const int64_t slabs = std::clamp<int64_t>(kMaxChunkBytes / slab_bytes, 1,
                                            std::max(kMaxSlabs, kMinChunkBytes / slab_bytes));
  const int64_t chunk_x = slab_bytes <= kMaxChunkBytes ? RoundUp(width, block_x) : block_x;
  return {block_x, block_y, chunk_x, slabs * block_y};
}

// Squares, smaller where a pixel has many bytes: as large blocks and chunks as the driver's own
// are.
Cut CutForSquares(int64_t block, int64_t chunk, int64_t pixel_bytes) {
  constexpr int64_t kMaxBlockBytes = int64_t{512} << 10;
  constexpr int64_t kMaxChunkBytes = int64_t{64} << 20;
  while (block > 16 && block * block > kMaxBlockBytes / pixel_bytes) block /= 2;
  while (chunk > block && chunk * chunk > kMaxChunkBytes / pixel_bytes) chunk /= 2;
  return {block, block, chunk, chunk};
}

// What a narrow image leaves of a square, its other side gets, as far as the image goes.
void FillUp(const ImageSize& image, int64_t& x, int64_t& y) {
  const int64_t area = x * y;
  const int64_t width = image.width;
  const int64_t height = image.height;
  x = std::min(x, width);
  y = std::min(y, height);
  if (x == width) y = std::min(height, area / (x * y) * y);
  if (y == height) x = std::min(width, area / (x * y) * x);
}

// Against the driver's own choice (blocks of 128, of one-byte types 256; chunks of 1024), as speed,
// on noisy uint16 with ZSTD and with LZ4, 2 cores: windows of 32 pixels 2.0 and 1.8, of 64 1.2 and
// 1.5, of 128 and more with smaller blocks 0.6 to 1.3, so they keep 128; single rows 19 and 15,
// slabs of 4 rows 1.7; whole images 1.2 and 1.1. Of .npy: rows of 48 bands by LINE 1.2.
Cut CutFor(const Reading& access, const ImageSize& image, int64_t element_bytes,
           int64_t pixel_bytes) {
  const int64_t usual = element_bytes == 1 ? 256 : 128;
  switch (access.kind) {
    case Reading::kRows:
      return CutForRows(image, pixel_bytes);
    case Reading::kBands:
    case Reading::kWhole:
      return CutForSquares(2 * usual, 2048, pixel_bytes);
    case Reading::kWindow:
      break;
  }
  return CutForSquares(LargestPowerOf2(std::clamp<int64_t>(access.side, 32, usual)), 1024,
                       pixel_bytes);
}

// One axis of the cut, beside what the user has said of that axis.
void AddSides(const char* axis, int64_t block, int64_t chunk, int64_t size,
              CPLStringList& options) {
  const std::string block_name = std::string("BLOCK") + axis + "SIZE";
  const std::string chunk_name = std::string("CHUNK") + axis + "SIZE";
  // The driver finds what goes with what is given.
  if (options.FetchNameValue(block_name.c_str()) || options.FetchNameValue(chunk_name.c_str()) ||
      options.FetchNameValue("BLOCKSIZE")) {
    return;
  }
  block = std::min(block, size);
  chunk = std::min(std::max(chunk / block, int64_t{1}) * block, RoundUp(size, block));
  options.SetNameValue(block_name.c_str(), std::to_string(block).c_str());
  options.SetNameValue(chunk_name.c_str(), std::to_string(chunk).c_str());
}

}  // namespace

const ArrayFormat& FormatFor(const std::string& path) {
  const ArrayFormat* const format = FormatOfName(path);
  if (format != nullptr) return *format;
  std::string wanted;
  for (const ArrayFormat* const known : Formats()) {
    wanted += (wanted.empty() ? "." : ", .") + std::string(known->extension);
    if (known->archive != nullptr && known->archive->is_written) {
      wanted += std::string(", .") + known->archive->extension;
    }
  }
  throw WrongUsage("DST: found " + path + ", wanted a name that ends in " + wanted);
}

CPLStringList ParseCreationOptions(const ArrayFormat& format,
                                   const std::vector<std::string>& words) {
  const OptionNames names = NamesOf(format);
  CPLStringList options;
  for (const std::string& word : words) {
    const size_t equals = word.find('=');
    if (equals == std::string::npos || equals == 0) {
      throw WrongUsage("-co: found " + word + ", wanted NAME=VALUE");
    }
    const std::string name = word.substr(0, equals);
    const auto is_among = [&name](const std::vector<std::string>& list) {
      return std::any_of(list.begin(), list.end(), [&](const std::string& option) {
        return EQUAL(option.c_str(), name.c_str());
      });
    };
    if (!is_among(names.main) && !is_among(names.aliases)) {
      throw WrongUsage("-co: found " + name + ", wanted an option of the driver " + format.driver +
                       ": " + Joined(names.main));
    }
    options.SetNameValue(name.c_str(), word.c_str() + equals + 1);
  }
  return options;
}

void AddAccessOptions(const Reading& access, const ImageSize& image, int64_t element_bytes,
                      const ArrayFormat& format, bool choose_interleave, CPLStringList& options) {
  if (choose_interleave && image.bands > 1 && !options.FetchNameValue("INTERLEAVE") &&
      !options.FetchNameValue("AXES")) {
    const bool lines = access.kind == Reading::kRows && !format.has_chunks;
    options.SetNameValue("INTERLEAVE", lines ? "LINE" : "BAND");
  }
  if (!format.has_chunks) return;
  const std::string axes = options.FetchNameValueDef("AXES", "");
  const bool together = !choose_interleave || (!axes.empty() && std::toupper(axes.back()) == 'B') ||
                        EQUAL(options.FetchNameValueDef("INTERLEAVE", ""), "PIXEL");
  const int64_t pixel_bytes = element_bytes * (together ? image.bands : 1);
  Cut cut = CutFor(access, image, element_bytes, pixel_bytes);
  FillUp(image, cut.block_x, cut.block_y);
  FillUp(image, cut.chunk_x, cut.chunk_y);
  AddSides("X", cut.block_x, cut.chunk_x, image.width, options);
  AddSides("Y", cut.block_y, cut.chunk_y, image.height, options);
}

int ThreadsFrom(const CPLStringList& options) {
  const Result<int> threads = ThreadsFromOption(options.FetchNameValue("NUM_THREADS"));
  if (!threads.ok()) throw WrongUsage(threads.status().message());
  return *threads;
}

WriterStarter PlanNew(const ArrayFormat& format, const NewArray& array, StringList options) {
  Result<WriterStarter> start = format.plan(array, options);
  if (start.status().code() == StatusCode::kInvalidArgument) {
    throw WrongUsage(start.status().message());
  }
  return Value(std::move(start));
}

}  // namespace ndarray::tools
