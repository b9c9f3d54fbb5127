#include <cpl_conv.h>

#include <algorithm>
#include <utility>

#include "driver/raster/create/b2nd_options.h"
#include "driver/raster/formats/array_format.h"
#include "driver/raster/threads.h"
#include "driver/store/blosc2/codecs.h"
#include "driver/store/checked_math.h"
#include "tools/gdal_ndarray/source.h"
#include "tools/gdal_ndarray/tune/tune.h"

namespace ndarray::tools {
namespace {

constexpr int kMaxBandsOfAPixel = 64;       // else INTERLEAVE=PIXEL is not tried
constexpr int kMinBlocks = 16;              // fewer are shared by windows, and timed from the cache
constexpr double kMaxBlockBytes = 2 << 20;  // a few processor caches
constexpr double kMaxChunkBytes = 64 << 20;

using Blocks = std::vector<std::pair<int, int>>;
const Blocks kSquares = {{128, 128}, {64, 64}, {256, 256}, {512, 512}, {32, 32}};
const Blocks kWide = {{1024, 16}, {256, 64}, {4096, 16}, {256, 256}, {1024, 64}, {512, 512}};

// What the table of codecs has to try, turn by turn; each codec with its own choice of filters
// first.
template <typename Try>
void ForEachTrial(const Try& try_this) {
  constexpr int kMaxTurn = 16, kTurnOfNone = 4;
  for (int turn = 0; turn <= kMaxTurn; ++turn) {
    if (turn == kTurnOfNone) try_this("NONE", 0, "NONE");
    for (const CodecRow& codec : kCodecs) {
      for (const TrialLevel& trial : codec.trials) {
        if (trial.level == 0 || trial.turn != turn) continue;
        try_this(codec.name, trial.level, "AUTO");
        for (const FilterRow& filter : kFilters) {
          if (filter.can_write) try_this(codec.name, trial.level, filter.name);
        }
      }
    }
  }
}

int64_t Number(const Options& options, const std::string& name) {
  return CPLAtoGIntBig(options.FetchNameValueDef(name.c_str(), "0"));
}

// Changes some options; zero, or no text, leaves a value to the driver.
Options With(Options options, const std::vector<std::pair<std::string, std::string>>& changes) {
  for (const auto& [name, value] : changes) {
    options.SetNameValue(name.c_str(), value.empty() || value == "0" ? nullptr : value.c_str());
  }
  return options;
}

// Makes blocks, and chunks of whole blocks, no larger than this needs.
Options Fitted(Options options, const ImageSize& extent) {
  for (const std::string axis : {"XSIZE", "YSIZE"}) {
    const int64_t length = axis == "XSIZE" ? extent.width : extent.height;
    const int64_t block = std::min(Number(options, "BLOCK" + axis), length);
    if (block == 0) continue;
    const int64_t chunk =
        std::min(RoundUp(Number(options, "CHUNK" + axis), block), RoundUp(length, block));
    options = With(options, {{"BLOCK" + axis, std::to_string(block)},
                             {"CHUNK" + axis, std::to_string(chunk)}});
  }
  return options;
}

NewArray Plan(GDALDataset& source, Options options) {
  return Value(
      PlanCopy(source.GetDescription(), kB2ndFormat.driver, source, false, options.List()));
}

// Writes out all that the driver chooses by itself.
Options Complete(GDALDataset& source, const Options& given) {
  Options options = Fitted(given, {source.GetRasterXSize(), source.GetRasterYSize(), 0});
  const NewArray array = Plan(source, options);
  const B2ndLayout layout = Value(PlanB2nd(array, options.List())).layout;
  const auto side = [&](const AxisVector& shape, char axis) {
    return std::to_string(shape[static_cast<int>(array.axes.find(axis))]);
  };
  const bool by_band = array.axes == "BYX";
  const std::string interleave = by_band ? "BAND" : array.axes == "YXB" ? "PIXEL" : "LINE";
  return With(options, {{"INTERLEAVE", array.bands == 1 ? "" : interleave},
                        {"BLOCKXSIZE", side(layout.block_shape, 'X')},
                        {"BLOCKYSIZE", side(layout.block_shape, 'Y')},
                        {"CHUNKXSIZE", side(layout.chunk_shape, 'X')},
                        {"CHUNKYSIZE", side(layout.chunk_shape, 'Y')}});
}

double BytesOfPixel(GDALDataset& source, const Options& options) {
  const bool all = EQUAL(options.FetchNameValueDef("INTERLEAVE", ""), "PIXEL");
  return (all ? source.GetRasterCount() : 1) * GDALGetDataTypeSizeBytes(TypeInFile(source));
}

bool IsReasonable(GDALDataset& source, const Reading& access, const Options& options) {
  const ImageSize image{source.GetRasterXSize(), source.GetRasterYSize(), source.GetRasterCount()};
  const double bytes = BytesOfPixel(source, options);
  const auto pixels = [&](const std::string& what) {
    return static_cast<double>(Number(options, what + "XSIZE")) *
           static_cast<double>(Number(options, what + "YSIZE"));
  };
  const bool reads_all = access.WindowOf(image).pixels() >= image.pixels();
  return (reads_all || image.pixels() / image.bands > kMinBlocks * pixels("BLOCK")) &&
         bytes * pixels("BLOCK") <= kMaxBlockBytes && bytes * pixels("CHUNK") <= kMaxChunkBytes;
}

double Fact(GDALDataset& dataset, const char* name) {
  const char* const text = dataset.GetMetadataItem(name, kB2ndFormat.driver);
  return text != nullptr ? CPLAtof(text) : 0;
}

// A GDAL progress callback that stops at a deadline.
int UntilDeadline(double complete, const char* message, void* deadline) {
  return WatchForInterrupt(complete, message, nullptr) != FALSE &&
         Now() < *static_cast<double*>(deadline);
}

// Seconds to read a window into new memory.
double TimeWindow(GDALDataset& dataset, const Window& window) {
  const GDALDataType type = dataset.GetRasterBand(1)->GetRasterDataType();
  int band = window.first_band + 1;
  const size_t bytes = static_cast<size_t>(window.width) * static_cast<size_t>(window.height) *
                       static_cast<size_t>(window.bands * GDALGetDataTypeSizeBytes(type));
  const double start = Now();
  const std::unique_ptr<std::byte[]> pixels(new std::byte[bytes]);
  const CPLErr result = dataset.RasterIO(
      GF_Read, window.x, window.y, window.width, window.height, pixels.get(), window.width,
      window.height, type, window.bands, window.bands == 1 ? &band : nullptr, 0, 0, 0);
  const double seconds = Now() - start;
  if (result != CE_None) ThrowGdalFailure("cannot read", {dataset.GetDescription()});
  return seconds;
}

}  // namespace

std::string OptionsLine(const Options& options) {
  std::string line;
  for (int i = 0; i < options.size(); ++i) line.append(i > 0 ? " -co " : "-co ").append(options[i]);
  return line;
}

GDALDataType TypeInFile(GDALDataset& source) {
  RequireBands(source, source.GetDescription());
  ForgetGdalErrors();
  return Plan(source, {}).type.gdal;
}

OptionsList CodecsToTry(GDALDataset& source, const Reading&, const OptionsList&) {
  // GDAL adds this to the options of a copy that has none.
  const char* const known = source.GetMetadataItem("INTERLEAVE", "IMAGE_STRUCTURE");
  const bool is_known =
      known != nullptr && (EQUAL(known, "BAND") || EQUAL(known, "PIXEL") || EQUAL(known, "LINE"));
  Options standard = Complete(source, With({}, {{"INTERLEAVE", is_known ? known : ""}}));
  const std::string interleave = standard.FetchNameValueDef("INTERLEAVE", "");
  const int level = Value(PlanB2nd(Plan(source, standard), standard.List())).compression.level;
  const bool one_way = source.GetRasterCount() == 1 || source.GetRasterCount() > kMaxBandsOfAPixel;
  OptionsList list;
  const auto add = [&](const char* codec, int at_level, const std::string& filter,
                       const std::string& bands) {
    const Options options = With({}, {{"COMPRESS", codec},
                                      {"LEVEL", std::to_string(at_level)},
                                      {"FILTER", filter},
                                      {"INTERLEAVE", bands}});
    // Single bytes have nothing to shuffle.
    if (filter == "SHUFFLE" && BytesOfPixel(source, options) == 1) return;
    list.push_back(Complete(source, options));
  };
  add(kCodecs[0].name, level, "AUTO", interleave);
  ForEachTrial([&](const char* codec, int at_level, const std::string& filter) {
    add(codec, at_level, filter, interleave);
    if (!one_way) add(codec, at_level, filter, "BAND");
    if (!one_way) add(codec, at_level, filter, "PIXEL");
  });
  return list;
}

OptionsList ShapesToTry(GDALDataset& source, const Reading& access, const OptionsList& best) {
  OptionsList list;
  for (const Options& base : best) {
    const auto add = [&](int64_t block_x, int64_t block_y, int64_t chunk_x, int64_t chunk_y) {
      const Options options =
          Complete(source, With(base, {{"BLOCKXSIZE", std::to_string(block_x)},
                                       {"BLOCKYSIZE", std::to_string(block_y)},
                                       {"CHUNKXSIZE", std::to_string(chunk_x)},
                                       {"CHUNKYSIZE", std::to_string(chunk_y)}}));
      if (IsReasonable(source, access, options)) list.push_back(options);
    };
    for (const auto& [x, y] : access.kind == Reading::kWindow ? kSquares : kWide) add(x, y, 0, 0);
    add(Number(base, "BLOCKXSIZE"), Number(base, "BLOCKYSIZE"), 2 * Number(base, "CHUNKXSIZE"),
        2 * Number(base, "CHUNKYSIZE"));
  }
  return list;
}

bool Candidate::Write(const Sample& sample, double deadline) {
  ForgetGdalErrors();
  const double start = Now();
  DatasetPointer dataset(GetGDALDriverManager()
                             ->GetDriverByName(kB2ndFormat.driver)
                             ->CreateCopy(path.c_str(), sample.dataset.get(), FALSE,
                                          Fitted(options, sample.extent).List(), UntilDeadline,
                                          &deadline));
  StopIfInterrupted();
  if (dataset == nullptr) {
    if (Now() < deadline) ThrowGdalFailure(path + ": cannot write");
    return false;
  }
  dataset.reset();
  write_bytes_per_s = std::max(write_bytes_per_s, sample.bytes() / (Now() - start));
  dataset = OpenRaster(path);
  ratio = sample.bytes() / std::max(Fact(*dataset, "COMPRESSED_BYTES"), 1.0);
  if (EQUAL(options.FetchNameValue("COMPRESS"), "NONE")) {
    // What fills up chunks at the edges counts, and the sample has edges of its own.
    const int64_t filled = RoundUp(sample.image.width, Number(options, "CHUNKXSIZE")) *
                           RoundUp(sample.image.height, Number(options, "CHUNKYSIZE"));
    ratio = sample.image.pixels() / sample.image.bands / static_cast<double>(filled);
  }
  file_bytes = Fact(*dataset, "FRAME_BYTES");
  window_bytes = sample.window_bytes;
  memory = Fact(*dataset, "UNCOMPRESSED_BYTES") / Fact(*dataset, "CHUNK_COUNT") /
           Fact(*dataset, "BLOCKS_PER_CHUNK") * DefaultThreads();
  times.resize(Sample::kTurns * Sample::kMaxWindows);
  return true;
}

void Candidate::Read(const Sample& sample, size_t turn, double deadline) {
  const DatasetPointer dataset = OpenRaster(path);
  // The first read of a file that was just opened wakes threads and makes their decoders, which a
  // user pays once.
  TimeWindow(*dataset, sample.turns[(turn + 1) % Sample::kTurns].front());
  size_t place = turn * Sample::kMaxWindows;
  for (const Window& window : sample.turns[turn]) {
    times[place++].push_back(sample.window_scale * TimeWindow(*dataset, window));
    StopIfInterrupted();
    if (Now() > deadline) break;
  }
  cache_bytes = std::max(cache_bytes, Fact(*dataset, "CACHE_BYTES"));
  std::vector<double> quiet;
  for (std::vector<double>& seconds : times) {
    std::sort(seconds.begin(), seconds.end());
    if (!seconds.empty()) quiet.push_back(seconds[(seconds.size() - 1) / 4]);
  }
  std::sort(quiet.begin(), quiet.end());
  p50 = quiet[quiet.size() / 2];
  p99 = quiet[quiet.size() - 1 - quiet.size() / 100];
}

}  // namespace ndarray::tools
