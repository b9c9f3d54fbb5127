// gdal_ndarray window: one window of an image as .npy, or as a picture to look at.

#include <gdal_utils.h>
#include <unistd.h>

#include <cstdio>

#include "tools/picture.h"
#include "tools/subcommands.h"

namespace ndarray::tools {
namespace {

const std::string kStdout = "/vsistdout/";

bool EndsWith(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && EQUAL(text.c_str() + (text.size() - end.size()), end.c_str());
}

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
  for (const int band : arguments.bands) {
    if (band < 1 || band > dataset.GetRasterCount()) {
      Check(Mismatch(StatusCode::kInvalidArgument, "band", std::to_string(band),
                     "1 to " + std::to_string(dataset.GetRasterCount()))
                .At(arguments.file));
    }
  }
}

struct FreeOptions {
  void operator()(GDALTranslateOptions* options) const { GDALTranslateOptionsFree(options); }
};

// With the window's part of the georeferencing in a sidecar, as every .npy of the driver.
void WriteArray(GDALDataset& dataset, const WindowArguments& arguments, const std::string& path) {
  const PixelWindow& window = arguments.window;
  CPLStringList words;
  for (const char* const word : {"-of", "NPY", "-srcwin"}) words.AddString(word);
  for (const int number : {window.x, window.y, window.width, window.height}) {
    words.AddString(std::to_string(number).c_str());
  }
  for (const int band : arguments.bands) {
    words.AddString("-b");
    words.AddString(std::to_string(band).c_str());
  }
  const std::unique_ptr<GDALTranslateOptions, FreeOptions> options(
      GDALTranslateOptionsNew(words.List(), nullptr));
  const bool to_stdout = path == kStdout;
  GDALTranslateOptionsSetProgress(options.get(), to_stdout ? WatchForInterrupt : ShowProgress,
                                  nullptr);
  ForgetGdalErrors();
  const DatasetPointer written(GDALDataset::FromHandle(
      GDALTranslate(path.c_str(), GDALDataset::ToHandle(&dataset), options.get(), nullptr)));
  if (written == nullptr) ThrowGdalFailure(path + ": cannot write");
}

}  // namespace

ExitCode WriteWindow(const WindowArguments& arguments) {
  const bool to_stdout = arguments.output.empty() || arguments.output == "-";
  const bool picture = EndsWith(arguments.output, ".png");
  if (to_stdout && isatty(STDOUT_FILENO) == 1) {
    throw WrongUsage("-o: found none, wanted FILE.npy or FILE.png (stdout is a terminal)");
  }
  if (!to_stdout && !picture && !EndsWith(arguments.output, ".npy")) {
    throw WrongUsage("-o: found " + arguments.output + ", wanted a name that ends in .npy or .png");
  }
  const DatasetPointer dataset = OpenRaster(arguments.file);
  if (dataset->GetRasterCount() == 0) {
    Check(Mismatch(StatusCode::kInvalidArgument, "bands", "none",
                   "some; open a part of a stack by the name of its subdataset")
              .At(arguments.file));
  }
  CheckWindow(*dataset, arguments);
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
