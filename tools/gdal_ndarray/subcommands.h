// What each subcommand of gdal_ndarray takes, and does. The words of the command line, their help
// and their defaults are main.cpp's.
//
// Each function does all of its work, results on stdout, and returns the exit code, or throws a
// Failure or WrongUsage (command.h).
#ifndef GDAL_NDARRAY_TOOLS_SUBCOMMANDS_H_
#define GDAL_NDARRAY_TOOLS_SUBCOMMANDS_H_

#include <optional>
#include <string>
#include <vector>

#include "tools/gdal_ndarray/command.h"
#include "tools/gdal_ndarray/picture.h"

namespace ndarray::tools {

// Describes a .npy or .b2nd file, or one of its subdatasets.
struct InfoArguments {
  std::string file;
  bool json = false;
  bool chunks = false;
};
ExitCode Info(const InfoArguments& arguments);

// Writes a window of any raster as .npy or .png; an empty `output` is stdout. `size` is that of the
// output: 0, 0: the window's; a width alone: the longer side, of a window that is larger.
struct WindowArguments {
  std::string file, output;
  PixelWindow window;
  PixelSize size;
  std::vector<int> bands;  // from 1; empty: all
};
ExitCode WriteWindow(const WindowArguments& arguments);

// Writes any raster, or a stack of TIFF pages, as .npy or .b2nd.
struct ConvertArguments {
  std::string source, destination;
  std::optional<std::string> access;          // of ParseReading
  std::vector<std::string> creation_options;  // NAME=VALUE
  std::vector<int> bands;                     // or pages, from 1; empty: all
  std::string checksum;                       // "sha256", of a .npy; empty: none
  bool overviews = false;
  bool quiet = false;
};
ExitCode Convert(const ConvertArguments& arguments);

// Finds creation options of .b2nd for an image by trying them.
struct TuneArguments {
  std::string source;
  std::string access = "window=512";   // of ParseReading
  std::string objective = "balanced";  // or speed, size
  double budget_s = 30;
  bool json = false;
  bool quiet = false;
};
ExitCode TuneOptions(const TuneArguments& arguments);

// Decodes all of a .npy or .b2nd file, and compares it with another raster unless `against` is
// empty.
struct VerifyArguments {
  std::string file, against;
  bool json = false;
  bool quiet = false;
};
ExitCode Verify(const VerifyArguments& arguments);

// Rewrites a .b2nd file without dead space.
struct CompactArguments {
  std::string file;
  bool quiet = false;
};
ExitCode Compact(const CompactArguments& arguments);

}  // namespace ndarray::tools

#endif  // GDAL_NDARRAY_TOOLS_SUBCOMMANDS_H_
