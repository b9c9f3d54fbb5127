// gdal_ndarray window: one window of an image as .npy, or as a picture to look at.

#include <cpl_conv.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "driver/raster/formats/array_format.h"
#include "tools/gdal_ndarray/file_name.h"
#include "tools/gdal_ndarray/picture.h"
#include "tools/gdal_ndarray/source.h"
#include "tools/gdal_ndarray/subcommands.h"

namespace ndarray::tools {
namespace {

const std::string kStdout = "/vsistdout/";

void CheckWindow(GDALDataset& dataset, const WindowArguments& arguments) {
  const PixelWindow& window = arguments.window;
  const int width = dataset.GetRasterXSize();
  const int height = dataset.GetRasterYSize();
  if (window.x > width - window.width || window.y > height - window.height) {
    Check(Mismatch(StatusCode::kInvalidArgument, "window",
                   std::to_string(window.width) + " x " + std::to_string(window.height) +
                       " pixels at " + std::to_string(window.x) + ", " + std::to_string(window.y),
                   "one within " + std::to_string(width) + " x " + std::to_string(height))
              .At(arguments.file));
  }
  RequireBands(dataset, arguments.bands, arguments.file);
}

PixelSize OutputSize(const WindowArguments& arguments) {
  const PixelWindow& window = arguments.window;
  const PixelSize& size = arguments.size;
  if (size.width == 0) return {window.width, window.height};
  if (size.height != 0) {
    if (size.width > window.width || size.height > window.height) {
      throw WrongUsage("--size: found " + std::to_string(size.width) + "x" +
                       std::to_string(size.height) + ", wanted at most the window's " +
                       std::to_string(window.width) + "x" + std::to_string(window.height));
    }
    return size;
  }
  const double scale =
      std::min(1.0, static_cast<double>(size.width) / std::max(window.width, window.height));
  const auto scaled = [scale](int side) {
    return std::max(1, static_cast<int>(std::lround(scale * side)));
  };
  return {scaled(window.width), scaled(window.height)};
}

// As (bands, lines, pixels), with the window's part of the georeferencing in a sidecar, as every
// .npy of the driver.
void WriteArray(GDALDataset& dataset, const WindowArguments& arguments, const PixelSize& size,
                const std::string& path) {
  const PixelWindow& window = arguments.window;
  std::vector<std::string> words = {"-of", kNpyFormat.driver, "-co", "INTERLEAVE=BAND", "-srcwin"};
  for (const int number : {window.x, window.y, window.width, window.height}) {
    words.push_back(std::to_string(number));
  }
  if (size.width != window.width || size.height != window.height) {
    words.insert(words.end(),
                 {"-outsize", std::to_string(size.width), std::to_string(size.height)});
  }
  Translate(dataset, path, words, arguments.bands,
            path == kStdout ? WatchForInterrupt : ShowProgress, path + ": cannot write");
}

}  // namespace

ExitCode WriteWindow(const WindowArguments& arguments) {
  const bool to_stdout = arguments.output.empty() || arguments.output == "-";
  const std::string extension = CPLGetExtension(arguments.output.c_str());
  const bool picture = EQUAL(extension.c_str(), "png");
  if (to_stdout && isatty(STDOUT_FILENO) == 1) {
    throw WrongUsage("-o: found none, wanted FILE.npy or FILE.png (stdout is a terminal)");
  }
  if (!to_stdout && !picture && !EQUAL(extension.c_str(), "npy")) {
    throw WrongUsage("-o: found " + arguments.output + ", wanted a name that ends in .npy or .png");
  }
  const DatasetPointer dataset = OpenRaster(GdalName(arguments.file));
  RequireBands(*dataset, arguments.file);
  CheckWindow(*dataset, arguments);
  const PixelSize size = OutputSize(arguments);
  if (!to_stdout) RefuseToReplace(*dataset, arguments.output);
  if (picture) {
    const std::string scale =
        WritePicture(*dataset, arguments.window, size, arguments.bands, arguments.output);
    std::fputs(scale.c_str(), stdout);
  } else {
    WriteArray(*dataset, arguments, size, to_stdout ? kStdout : arguments.output);
  }
  return kDone;
}

}  // namespace ndarray::tools
