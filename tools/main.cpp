// gdal_ndarray SUBCOMMAND ...: small tools for .npy and .b2nd files.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <new>
#include <string>
#include <vector>

#ifdef NDARRAY_HAS_B2ND
#include "driver/raster/b2nd_driver.h"
#endif
#include "driver/raster/npy_driver.h"
#include "tools/command.h"

namespace ndarray::tools {
namespace {

// Before GDAL's own, so that a plugin of another version of this project is not used instead.
void RegisterDrivers() {
  RegisterNpyDriver();
#ifdef NDARRAY_HAS_B2ND
  RegisterB2ndDriver();
#endif
  GDALAllRegister();
}

// "gdal_ndarray info", once a subcommand is known.
std::string ProgramName(const CLI::App& program) {
  std::string name = "gdal_ndarray";
  for (const CLI::App* chosen : program.get_subcommands()) name += " " + chosen->get_name();
  return name;
}

ExitCode Fail(const CLI::App& program, const std::string& message, ExitCode code) {
  EndProgress();
  std::fflush(stdout);
  std::fprintf(stderr, "%s: %s\n", ProgramName(program).c_str(), message.c_str());
  return code;
}

// The lines of help stay as they are here: versions of CLI11 that can would join those of examples.
template <typename Formatter>
auto KeepLines(Formatter& formatter, int) -> decltype(formatter.enable_footer_formatting(false)) {
  formatter.enable_footer_formatting(false);
}
template <typename Formatter>
void KeepLines(Formatter&, long) {}

// The last one first, as CLI11 wants them; with GDAL's "-co" and "-co=", which it takes for "-c o",
// as "--co".
std::vector<std::string> Words(int count, char** arguments) {
  std::vector<std::string> words(arguments + std::min(count, 1), arguments + count);
  for (std::string& word : words) {
    if (word == "--") break;  // paths follow
    if (word == "-co" || word.compare(0, 4, "-co=") == 0) word.insert(0, 1, '-');
  }
  std::reverse(words.begin(), words.end());
  return words;
}

ExitCode Run(int count, char** arguments) {
  CLI::App program("Small tools for images in .npy and .b2nd files.", "gdal_ndarray");
  program.set_version_flag("--version", "gdal_ndarray " NDARRAY_VERSION);
  program.require_subcommand(1);
  KeepLines(*program.get_formatter(), 0);
  Runner runner;
  AddConvert(program, runner);
  AddInfo(program, runner);
  AddWindow(program, runner);
  AddVerify(program, runner);
#ifdef NDARRAY_HAS_B2ND
  AddCompact(program, runner);
  AddTune(program, runner);
#endif
  try {
    program.parse(Words(count, arguments));
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success)) {
      program.exit(error);  // prints the help or the version
      return kDone;
    }
    const std::string name = ProgramName(program);
    return Fail(program, std::string(error.what()) + " (see " + name + " --help)", kWrongUsage);
  }
  try {
    RegisterDrivers();
    const ExitCode code = runner();
    if (std::fflush(stdout) != 0) throw Failure("cannot write to stdout");
    return code;
  } catch (const WrongUsage& error) {
    return Fail(program, error.what(), kWrongUsage);
  } catch (const std::bad_alloc&) {
    return Fail(program, "out of memory", kFailed);
  } catch (const std::exception& error) {
    return Fail(program, error.what(), kFailed);
  }
}

}  // namespace

int Main(int count, char** arguments) {
  WatchTheWorld();
  const ExitCode code = Run(count, arguments);
  GDALDestroyDriverManager();
  return code;
}

}  // namespace ndarray::tools

int main(int count, char** arguments) { return ndarray::tools::Main(count, arguments); }
