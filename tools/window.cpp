// gdal_ndarray window: one window of an image as .npy, or as a picture to look at.

#include <cpl_conv.h>
#include <unistd.h>

#include <cstdio>

#include "tools/picture.h"
#include "tools/source.h"
#include "tools/subcommands.h"

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

// As (bands, lines, pixels), with the window's part of the georeferencing in a sidecar, as every
// .npy of the driver.
void WriteArray(GDALDataset& dataset, const WindowArguments& arguments, const std::string& path) {
  const PixelWindow& window = arguments.window;
  std::vector<std::string> words = {"-of", "NPY", "-co", "INTERLEAVE=BAND", "-srcwin"};
  for (const int number : {window.x, window.y, window.width, window.height}) {
    words.push_back(std::to_string(number));
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
  const DatasetPointer dataset = OpenRaster(arguments.file);
  RequireBands(*dataset, arguments.file);
  CheckWindow(*dataset, arguments);
  if (!to_stdout) RefuseToReplace(*dataset, arguments.output);
  if (picture) {
    const std::string scale =
        WritePicture(*dataset, arguments.window, arguments.bands, arguments.output);
    std::fputs(scale.c_str(), stdout);
  } else {
    WriteArray(*dataset, arguments, to_stdout ? kStdout : arguments.output);
  }
  return kDone;
}

}  // namespace ndarray::tools
