#include "tools/tune_trial.h"

#include <cpl_conv.h>
#include <cpl_string.h>
#include <stdlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <numeric>
#include <system_error>

#include "driver/raster/threads.h"

namespace ndarray::tools {
namespace {

double Seconds(Clock::duration duration) { return std::chrono::duration<double>(duration).count(); }

double Number(GDALDataset& dataset, const char* name) {
  const char* const text = dataset.GetMetadataItem(name, "B2ND");
  return text != nullptr ? CPLAtof(text) : 0;
}

// The same for an image that may be smaller than a block or a chunk of the configuration.
Configuration Fitted(Configuration configuration, const Extent& extent) {
  const auto fit = [](int& block, int& chunk, int length) {
    block = std::min(block, length);
    const int blocks = std::min((length + block - 1) / block, std::max(chunk / block, 1));
    chunk = blocks * block;
  };
  fit(configuration.block_x, configuration.chunk_x, extent.width);
  fit(configuration.block_y, configuration.chunk_y, extent.height);
  return configuration;
}

// A GDAL progress callback that stops at a deadline.
int UntilDeadline(double complete, const char* message, void* deadline) {
  return WatchForInterrupt(complete, message, nullptr) != FALSE &&
         Clock::now() < *static_cast<Clock::time_point*>(deadline);
}

// Seconds to read a window into new memory.
double TimeWindow(GDALDataset& dataset, const Window& window) {
  const GDALDataType type = dataset.GetRasterBand(1)->GetRasterDataType();
  const int pixel_bytes = GDALGetDataTypeSizeBytes(type);
  std::vector<int> bands(static_cast<size_t>(window.bands));
  std::iota(bands.begin(), bands.end(), window.first_band + 1);
  const GSpacing line = GSpacing{window.width} * pixel_bytes;
  const auto bytes = static_cast<size_t>(line * window.height * window.bands);
  const Clock::time_point start = Clock::now();
  const std::unique_ptr<std::byte[]> pixels(new std::byte[bytes]);
  const CPLErr result =
      window.bands == 1
          ? dataset.GetRasterBand(bands[0])->RasterIO(
                GF_Read, window.x, window.y, window.width, window.height, pixels.get(),
                window.width, window.height, type, pixel_bytes, line, nullptr)
          : dataset.RasterIO(GF_Read, window.x, window.y, window.width, window.height, pixels.get(),
                             window.width, window.height, type, window.bands, bands.data(),
                             pixel_bytes, line, line * window.height, nullptr);
  const double seconds = Seconds(Clock::now() - start);
  if (result != CE_None) {
    ThrowGdalFailure(std::string(dataset.GetDescription()) + ": cannot read");
  }
  return seconds;
}

// A window as far from the first one as can be. The first read of a file that was just opened wakes
// threads and makes their decoders, which a user pays once.
Window WarmUp(GDALDataset& dataset, const Window& first) {
  constexpr int kSide = 512;
  const auto away = [](int from, int length, int side) {
    return (from + length / 2) % (length - side + 1);
  };
  const int width = std::min(kSide, dataset.GetRasterXSize());
  const int height = std::min(kSide, dataset.GetRasterYSize());
  return {away(first.x, dataset.GetRasterXSize(), width),
          away(first.y, dataset.GetRasterYSize(), height),
          width,
          height,
          first.first_band,
          first.bands};
}

}  // namespace

std::vector<std::pair<std::string, std::string>> Configuration::Options() const {
  std::vector<std::pair<std::string, std::string>> options = {{"COMPRESS", compress}};
  if (level > 0) options.emplace_back("LEVEL", std::to_string(level));
  options.emplace_back("FILTER", filter);
  if (!interleave.empty()) options.emplace_back("INTERLEAVE", interleave);
  options.emplace_back("BLOCKXSIZE", std::to_string(block_x));
  options.emplace_back("BLOCKYSIZE", std::to_string(block_y));
  options.emplace_back("CHUNKXSIZE", std::to_string(chunk_x));
  options.emplace_back("CHUNKYSIZE", std::to_string(chunk_y));
  return options;
}

int Configuration::DifferencesFrom(const Configuration& other) const {
  return (compress != other.compress) + (level != other.level) + (filter != other.filter) +
         (interleave != other.interleave) + (block_x != other.block_x || block_y != other.block_y) +
         (chunk_x != other.chunk_x || chunk_y != other.chunk_y);
}

TemporaryFolder::TemporaryFolder() {
  std::string place = CPLGetConfigOption("CPL_TMPDIR", CPLGetConfigOption("TMPDIR", ""));
  if (place.empty()) place = "/tmp";
  path_ = place + "/gdal_ndarray-tune-XXXXXX";
  if (mkdtemp(path_.data()) == nullptr) {
    throw Failure(place + ": cannot make a temporary folder: " + std::strerror(errno));
  }
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

bool Trial::Write(const Sample& sample, Clock::time_point deadline) {
  Remove();
  Forget();
  CPLStringList options;
  for (const auto& [name, value] : Fitted(configuration_, sample.extent()).Options()) {
    options.SetNameValue(name.c_str(), value.c_str());
  }
  GDALDriver* const driver = GetGDALDriverManager()->GetDriverByName("B2ND");
  ForgetGdalErrors();
  const Clock::time_point start = Clock::now();
  const DatasetPointer written(driver->CreateCopy(path_.c_str(), &sample.dataset(), FALSE,
                                                  options.List(), UntilDeadline, &deadline));
  StopIfInterrupted();
  if (written == nullptr) {
    if (Clock::now() < deadline) ThrowGdalFailure(path_ + ": cannot write");
    return false;
  }
  figures_.write_bytes_per_s = sample.bytes() / Seconds(Clock::now() - start);
  figures_.ratio = sample.bytes() / std::max(Number(*written, "COMPRESSED_BYTES"), 1.0);
  figures_.memory = Number(*written, "UNCOMPRESSED_BYTES") / Number(*written, "CHUNK_COUNT") /
                    Number(*written, "BLOCKS_PER_CHUNK") * DefaultThreads();
  file_bytes_ = Number(*written, "FRAME_BYTES");
  return true;
}

void Trial::Forget() {
  seconds_.clear();
  cache_bytes_ = 0;
}

void Trial::Remove() {
  if (!has_file()) return;
  std::error_code ignored;
  std::filesystem::remove(path_, ignored);
  file_bytes_ = 0;
}

void Trial::ReadWindows(const std::vector<Window>& windows, size_t first_place,
                        Clock::time_point deadline) {
  const DatasetPointer dataset = OpenRaster(path_);
  if (seconds_.size() < first_place + windows.size()) {
    seconds_.resize(first_place + windows.size());
  }
  TimeWindow(*dataset, WarmUp(*dataset, windows.front()));
  size_t place = first_place;
  for (const Window& window : windows) {
    seconds_[place++].push_back(TimeWindow(*dataset, window));
    StopIfInterrupted();
    if (Clock::now() > deadline) break;
  }
  cache_bytes_ = std::max(cache_bytes_, Number(*dataset, "CACHE_BYTES"));
}

Figures Trial::Result(double scale) const {
  std::vector<double> quiet;
  for (std::vector<double> turns : seconds_) {
    if (turns.empty()) continue;
    std::sort(turns.begin(), turns.end());
    quiet.push_back(scale * turns[(turns.size() - 1) / 4]);
  }
  std::sort(quiet.begin(), quiet.end());
  Figures figures = figures_;
  figures.p50 = quiet[quiet.size() / 2];
  figures.p99 = quiet[quiet.size() - 1 - quiet.size() / 100];
  figures.memory += cache_bytes_;
  return figures;
}

}  // namespace ndarray::tools
