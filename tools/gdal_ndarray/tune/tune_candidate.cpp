#include <cpl_conv.h>
#include <cpl_string.h>

#include <algorithm>
#include <utility>

#include "driver/raster/create/b2nd_options.h"
#include "driver/raster/formats/array_format.h"
#include "driver/store/blosc2/codecs.h"
#include "tools/gdal_ndarray/tune/tune.h"

namespace ndarray::tools {
namespace {

constexpr int kMaxBandsOfAPixel = 64;  // else INTERLEAVE=PIXEL is not tried
constexpr double kMinBlocks = 16;      // fewer are shared by windows, and timed from the cache
constexpr int64_t kMaxBlockBytes = 2 << 20;  // a few processor caches
constexpr int64_t kMaxChunkBytes = 64 << 20;

using Blocks = std::vector<std::pair<int, int>>;
const Blocks kSquares = {{128, 128}, {64, 64}, {256, 256}, {512, 512}, {32, 32}};
const Blocks kWide = {{1024, 16}, {256, 64}, {4096, 16}, {256, 256}, {1024, 64}, {512, 512}};

Options Compression(const char* codec, int level, const std::string& filter) {
  return {{"COMPRESS", codec}, {"LEVEL", level}, {"FILTER", filter}};
}

// What the table of codecs has to try, turn by turn; each codec with its own choice of filters
// first.
std::vector<Options> Compressions() {
  constexpr int kMaxTurn = 16, kTurnOfNone = 4;
  std::vector<Options> list;
  for (int turn = 0; turn <= kMaxTurn; ++turn) {
    if (turn == kTurnOfNone) list.push_back({{"COMPRESS", "NONE"}, {"FILTER", "NONE"}});
    for (const CodecRow& codec : kCodecs) {
      for (const TrialLevel& trial : codec.trials) {
        if (trial.level == 0 || trial.turn != turn) continue;
        list.push_back(Compression(codec.name, trial.level, "AUTO"));
        for (const FilterRow& filter : kFilters) {
          if (filter.can_write) list.push_back(Compression(codec.name, trial.level, filter.name));
        }
      }
    }
  }
  return list;
}

CPLStringList ListOf(const Options& options) {
  CPLStringList list;
  for (const auto& [name, value] : options.items()) {
    const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
    list.AddNameValue(name.c_str(), text.c_str());
  }
  return list;
}

void SetShape(const std::string& what, int64_t width, int64_t height, Options& options) {
  options[what + "XSIZE"] = width;
  options[what + "YSIZE"] = height;
}

// What a copy of the whole image is.
NewArray ArrayOf(const Sample& sample, StringList options) {
  return Value(
      PlanCopy(sample.source.GetDescription(), kB2ndFormat.driver, sample.source, false, options));
}

Candidate Planned(const Sample& sample, const Options& options) {
  Candidate planned;
  planned.options = options;
  CPLStringList list = ListOf(options);
  planned.array = ArrayOf(sample, list.List());
  planned.layout = Value(PlanB2nd(planned.array, list.List())).layout;
  // The source is a .b2nd whose shapes a copy keeps, but not one of the sample.
  if (!planned.array.source_chunk.empty()) {
    SetShape("BLOCK", planned.block('X'), planned.block('Y'), planned.options);
    SetShape("CHUNK", planned.chunk('X'), planned.chunk('Y'), planned.options);
  }
  return planned;
}

// Whether windows tell anything about blocks and chunks of this shape, and the sample has some.
bool IsReasonable(const Candidate& candidate, const Sample& sample) {
  const ImageSize& image = sample.image;
  const bool reads_all = sample.access.WindowOf(image).pixels() >= image.pixels();
  const auto block_pixels = static_cast<double>(candidate.block('X') * candidate.block('Y'));
  return (reads_all || image.pixels() / image.bands > kMinBlocks * block_pixels) &&
         candidate.layout.block_bytes <= kMaxBlockBytes &&
         candidate.layout.chunk_bytes <= kMaxChunkBytes &&
         candidate.block('X') <= sample.extent.width &&
         candidate.block('Y') <= sample.extent.height;
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

double TimeWindow(GDALDataset& dataset, const Window& window, GDALDataType type) {
  const double start = Now();
  const std::unique_ptr<std::byte[]> pixels = ReadWindow(dataset, window, type);
  return Now() - start;
}

}  // namespace

std::string OptionsLine(const Options& options) {
  const CPLStringList list = ListOf(options);
  std::string line;
  for (int i = 0; i < list.size(); ++i) line.append(i > 0 ? " -co " : "-co ").append(list[i]);
  return line;
}

Candidates CodecsToTry(const Sample& sample, const Candidates&) {
  const int bands = sample.image.bands;
  // GDAL adds this to the options of a copy that has none.
  const char* const known = sample.source.GetMetadataItem("INTERLEAVE", "IMAGE_STRUCTURE");
  const bool by_pixel = known != nullptr && (EQUAL(known, "PIXEL") || EQUAL(known, "LINE"));
  std::vector<std::string> ways = {by_pixel ? known : "BAND"};
  if (bands > 1 && bands <= kMaxBandsOfAPixel) ways.insert(ways.end(), {"BAND", "PIXEL"});
  Candidates list;
  const auto add = [&](Options options, const std::string& way) {
    if (bands > 1) options["INTERLEAVE"] = way;
    // Single bytes have nothing to shuffle.
    const bool single =
        GDALGetDataTypeSizeBytes(sample.type) == 1 && (bands == 1 || way != "PIXEL");
    if (!single || options["FILTER"] != "SHUFFLE") list.push_back(Planned(sample, options));
  };
  const int level = Value(PlanB2nd(ArrayOf(sample, nullptr), nullptr)).compression.level;
  add(Compression(kCodecs[0].name, level, "AUTO"), ways[0]);
  for (const Options& options : Compressions()) {
    for (const std::string& way : ways) add(options, way);
  }
  return list;
}

Candidates ShapesToTry(const Sample& sample, const Candidates& best) {
  Candidates list;
  const auto add = [&](const Options& options) {
    Candidate candidate = Planned(sample, options);
    if (IsReasonable(candidate, sample)) list.push_back(std::move(candidate));
  };
  for (const Candidate& one : best) {
    Options options = one.options;
    options.erase("CHUNKXSIZE");
    options.erase("CHUNKYSIZE");
    for (const auto& [x, y] : sample.access.kind == Reading::kWindow ? kSquares : kWide) {
      SetShape("BLOCK", x, y, options);
      add(options);
    }
    const int64_t width = 2 * one.chunk('X');
    const int64_t height = 2 * one.chunk('Y');
    if (width > sample.extent.width || height > sample.extent.height) continue;
    SetShape("BLOCK", one.block('X'), one.block('Y'), options);
    SetShape("CHUNK", width, height, options);
    add(options);
  }
  return list;
}

bool Candidate::Write(const Sample& sample, double deadline) {
  ForgetGdalErrors();
  const double start = Now();
  GDALDriver* const driver = GetGDALDriverManager()->GetDriverByName(kB2ndFormat.driver);
  DatasetPointer dataset(driver->CreateCopy(path.c_str(), sample.dataset.get(), FALSE,
                                            ListOf(options).List(), UntilDeadline, &deadline));
  StopIfInterrupted();
  if (dataset == nullptr) {
    if (Now() < deadline) ThrowGdalFailure(path + ": cannot write");
    return false;
  }
  dataset.reset();
  write_bytes_per_s = std::max(write_bytes_per_s, sample.bytes() / (Now() - start));
  dataset = OpenRaster(path);
  file_bytes = Fact(*dataset, "FRAME_BYTES");
  ratio = sample.bytes() / std::max(Fact(*dataset, "COMPRESSED_BYTES"), 1.0);
  if (options["COMPRESS"] == "NONE") {
    // What fills up chunks at the edges counts, and the sample has edges of its own.
    ratio = sample.image.pixels() * GDALGetDataTypeSizeBytes(sample.type) /
            static_cast<double>(layout.chunk_count) / static_cast<double>(layout.chunk_bytes);
  }
  window_bytes = sample.window_bytes;
  times.resize(Sample::kTurns * Sample::kMaxWindows);
  return true;
}

void Candidate::Read(const Sample& sample, size_t turn, double deadline) {
  const DatasetPointer dataset = OpenRaster(path);
  // The first read of a file that was just opened wakes threads and makes their decoders, which a
  // user pays once.
  TimeWindow(*dataset, sample.turns[(turn + 1) % Sample::kTurns].front(), sample.type);
  size_t place = turn * Sample::kMaxWindows;
  for (const Window& window : sample.turns[turn]) {
    times[place++].push_back(sample.window_scale * TimeWindow(*dataset, window, sample.type));
    StopIfInterrupted();
    if (Now() > deadline) break;
  }
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
