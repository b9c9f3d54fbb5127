#include "tools/tune_candidates.h"

#include <cpl_string.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "driver/raster/b2nd_options.h"
#include "tools/source.h"

namespace ndarray::tools {
namespace {

constexpr int kMostBandsOfAPixel = 64;  // else INTERLEAVE=PIXEL is not tried
constexpr double kLeastBlocks = 16;
constexpr double kMostBlockBytes = 2 << 20;  // a few processor caches
constexpr double kMostChunkBytes = int64_t{64} << 20;

int64_t Along(const NewArray& array, char axis, const AxisVector& shape) {
  const size_t at = array.axes.find(axis);
  return at == std::string::npos ? 1 : shape[static_cast<int>(at)];
}

int RoundUp(int value, int step) { return (value + step - 1) / step * step; }

void AddUnlessThere(std::vector<Configuration>& list, Configuration configuration) {
  for (const Configuration& other : list) {
    if (configuration.DifferencesFrom(other) == 0) return;
  }
  list.push_back(std::move(configuration));
}

// How long writing takes, with ZSTD 1 as the unit.
double EffortOf(const Configuration& configuration) {
  if (configuration.compress == "ZSTD") {
    return configuration.level <= 1   ? 1
           : configuration.level <= 3 ? 4
           : configuration.level <= 5 ? 8
           : configuration.level <= 7 ? 20
                                      : 150;
  }
  return configuration.compress == "LZ4HC" ? 12 : configuration.compress == "ZLIB" ? 6 : 1;
}

}  // namespace

Candidates::Candidates(GDALDataset& source, const Reading& access)
    : source_(source),
      image_{source.GetRasterXSize(), source.GetRasterYSize(), source.GetRasterCount()},
      access_(access) {
  RequireBands(source, source.GetDescription());
  ForgetGdalErrors();
  CPLStringList options;
  // GDAL adds this to the options of a copy that has none.
  const char* const interleave = source.GetMetadataItem("INTERLEAVE", "IMAGE_STRUCTURE");
  for (const char* const known : {"BAND", "PIXEL", "LINE"}) {
    if (interleave != nullptr && EQUAL(interleave, known)) {
      options.SetNameValue("INTERLEAVE", known);
    }
  }
  const NewArray array =
      Value(PlanCopy(source.GetDescription(), "B2ND", source, false, options.List()));
  type_ = array.type.gdal;
  Configuration standard;
  standard.compress = "ZSTD";
  standard.level = Value(PlanB2nd(array, options.List())).compression.level;
  standard.filter = "BYTEDELTA";
  if (image_.bands > 1) {
    standard.interleave = array.axes == "BYX" ? "BAND" : array.axes == "YXB" ? "PIXEL" : "LINE";
  }
  standard_ = WithShape(standard, 0, 0, 0, 0);
}

Configuration Candidates::WithShape(Configuration base, int block_x, int block_y, int chunk_x,
                                    int chunk_y) const {
  CPLStringList options;
  const auto set = [&options](const char* name, int value) {
    if (value > 0) options.SetNameValue(name, std::to_string(value).c_str());
  };
  block_x = std::min(block_x, image_.width);
  block_y = std::min(block_y, image_.height);
  if (!base.interleave.empty()) options.SetNameValue("INTERLEAVE", base.interleave.c_str());
  set("BLOCKXSIZE", block_x);
  set("BLOCKYSIZE", block_y);
  if (chunk_x > 0) {
    set("CHUNKXSIZE", std::min(RoundUp(chunk_x, block_x), RoundUp(image_.width, block_x)));
    set("CHUNKYSIZE", std::min(RoundUp(chunk_y, block_y), RoundUp(image_.height, block_y)));
  }
  const NewArray array =
      Value(PlanCopy(source_.GetDescription(), "B2ND", source_, false, options.List()));
  const B2ndLayout layout = Value(PlanB2nd(array, options.List())).layout;
  base.block_x = static_cast<int>(Along(array, 'X', layout.block_shape));
  base.block_y = static_cast<int>(Along(array, 'Y', layout.block_shape));
  base.chunk_x = static_cast<int>(Along(array, 'X', layout.chunk_shape));
  base.chunk_y = static_cast<int>(Along(array, 'Y', layout.chunk_shape));
  return base;
}

double Candidates::BlockBytes(const Configuration& configuration) const {
  const int bands = configuration.interleave == "PIXEL" ? image_.bands : 1;
  return static_cast<double>(configuration.block_x) * configuration.block_y * bands *
         GDALGetDataTypeSizeBytes(type_);
}

bool Candidates::AreFew(const Configuration& configuration) const {
  const double across = std::ceil(static_cast<double>(image_.width) / configuration.block_x);
  const double down = std::ceil(static_cast<double>(image_.height) / configuration.block_y);
  return access_.WindowOf(image_).pixels() < image_.pixels() && across * down < kLeastBlocks;
}

std::vector<Configuration> Candidates::Codecs() const {
  struct Codec {
    const char* compress;
    int level;
    std::vector<const char*> filters;
  };
  const Codec codecs[] = {
      {"LZ4", 5, {"BITSHUFFLE", "SHUFFLE", "NONE"}},
      {"ZSTD", 1, {"BYTEDELTA", "SHUFFLE", "NONE", "BITSHUFFLE"}},
      {"ZSTD", 3, {"BYTEDELTA", "SHUFFLE", "NONE"}},
      {"ZSTD", 5, {"BYTEDELTA", "SHUFFLE", "NONE", "BITSHUFFLE"}},
      {"NONE", 0, {"NONE"}},
      {"LZ4", 9, {"BITSHUFFLE", "NONE"}},
      {"LZ4HC", 9, {"BITSHUFFLE", "SHUFFLE", "NONE", "BYTEDELTA"}},
      {"LZ4", 5, {"BYTEDELTA"}},
      {"BLOSCLZ", 5, {"BITSHUFFLE", "SHUFFLE"}},
      {"ZLIB", 5, {"BYTEDELTA", "SHUFFLE"}},
      {"ZSTD", 7, {"BYTEDELTA", "SHUFFLE", "NONE", "BITSHUFFLE"}},
      {"ZSTD", 9, {"BYTEDELTA", "SHUFFLE", "NONE"}},
  };
  std::vector<std::string> interleaves = {standard_.interleave};
  if (image_.bands > 1 && image_.bands <= kMostBandsOfAPixel) {
    for (const char* const other : {"BAND", "PIXEL"}) {
      if (standard_.interleave != other) interleaves.emplace_back(other);
    }
  }
  std::vector<Configuration> list = {standard_};
  Configuration configuration = standard_;
  const auto add = [&](const std::string& interleave) {
    configuration.interleave = interleave;
    // One byte for each pixel: there is nothing to shuffle.
    const bool single = GDALGetDataTypeSizeBytes(type_) == 1 && interleave != "PIXEL";
    if (single && configuration.filter == "SHUFFLE") return;
    AddUnlessThere(list, WithShape(configuration, 0, 0, 0, 0));
  };
  for (const std::string& interleave : interleaves) add(interleave);
  for (const Codec& codec : codecs) {
    for (const char* const filter : codec.filters) {
      configuration.compress = codec.compress;
      configuration.level = codec.level;
      configuration.filter = filter;
      for (const std::string& interleave : interleaves) add(interleave);
    }
  }
  return list;
}

std::vector<Configuration> Candidates::OtherBlocks(const Configuration& base) const {
  std::vector<std::pair<int, int>> shapes;
  switch (access_.kind) {
    case Reading::kWindow:
      shapes = {{128, 128}, {64, 64}, {256, 256}, {512, 512}};
      if (access_.side <= 128) shapes.insert(shapes.begin() + 2, {32, 32});
      break;
    case Reading::kRows:
      shapes = {{1024, 16}, {256, 64}, {4096, 16}, {256, 256}, {512, 32}};
      break;
    case Reading::kBands:
    case Reading::kWhole:
      shapes = {{256, 256}, {128, 128}, {1024, 64}, {512, 512}, {4096, 16}};
      break;
  }
  std::vector<Configuration> list;
  for (const auto& [x, y] : shapes) {
    Configuration other = WithShape(base, x, y, 0, 0);
    if (BlockBytes(other) > kMostBlockBytes || other.DifferencesFrom(base) == 0) continue;
    if (AreFew(other)) continue;
    AddUnlessThere(list, std::move(other));
  }
  return list;
}

std::vector<Configuration> Candidates::OtherChunks(const Configuration& base) const {
  std::vector<Configuration> list;
  const double blocks_of_a_chunk = static_cast<double>(base.chunk_x / base.block_x) *
                                   static_cast<double>(base.chunk_y / base.block_y);
  for (const double factor : {0.5, 2.0}) {
    if (BlockBytes(base) * blocks_of_a_chunk * factor * factor > kMostChunkBytes) continue;
    Configuration other =
        WithShape(base, base.block_x, base.block_y, static_cast<int>(base.chunk_x * factor),
                  static_cast<int>(base.chunk_y * factor));
    if (other.DifferencesFrom(base) > 0) AddUnlessThere(list, std::move(other));
  }
  return list;
}

double Candidates::Effort(const Configuration& configuration) const {
  return EffortOf(configuration) / EffortOf(standard_);
}

}  // namespace ndarray::tools
