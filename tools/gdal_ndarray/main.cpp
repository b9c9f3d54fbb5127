// gdal_ndarray SUBCOMMAND ...: its command line, which is parsed here alone.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <climits>
#include <cstdio>
#include <functional>
#include <map>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include "driver/raster/formats/array_driver.h"
#include "tools/gdal_ndarray/subcommands.h"

namespace ndarray::tools {
namespace {

// Set by the subcommand that was chosen; called once all arguments are parsed.
using Runner = std::function<ExitCode()>;

// Adds a subcommand, to be run with its arguments if it is chosen.
template <typename Arguments>
std::pair<CLI::App&, Arguments&> Add(CLI::App& program, Runner& runner, const char* name,
                                     const char* what, ExitCode (*run)(const Arguments&)) {
  CLI::App* const command = program.add_subcommand(name, what);
  const auto arguments = std::make_shared<Arguments>();
  command->callback([=, &runner] { runner = [=] { return run(*arguments); }; });
  return {*command, *arguments};
}

void AddInfo(CLI::App& program, Runner& runner) {
  auto [command, arguments] = Add(program, runner, "info", "Describe a .npy or .b2nd file", Info);
  command.add_option("FILE", arguments.file, "Path, or name of a subdataset")->required();
  command.add_flag("--json", arguments.json, "Print one JSON object");
  command.add_flag("--chunks", arguments.chunks, "Also report the sizes of the chunks of a .b2nd");
  command.footer(
      "Example:\n"
      "  gdal_ndarray info scene.b2nd --chunks\n"
      "  gdal_ndarray info scene.npy --json | jq -r .memmap\n");
}

// "1024" or "800x600".
PixelSize ParseSize(const std::string& text) {
  PixelSize size;
  const size_t x = text.find('x');
  const CLI::Range side(1, INT_MAX);
  const auto parse = [&](const std::string& number, int& to) {
    return CLI::detail::lexical_cast(number, to) && side(std::to_string(to)).empty();
  };
  if (!parse(text.substr(0, x), size.width) ||
      (x != std::string::npos && !parse(text.substr(x + 1), size.height))) {
    throw CLI::ValidationError("--size", "found " + text + ", wanted PIXELS or WIDTHxHEIGHT");
  }
  return size;
}

void AddWindow(CLI::App& program, Runner& runner) {
  auto [command, arguments] = Add(program, runner, "window",
                                  "One window of an image, as .npy or as a picture", WriteWindow);
  command.add_option("FILE", arguments.file, "Any raster that GDAL reads")->required();
  PixelWindow& window = arguments.window;
  const CLI::Range coordinate(0, INT_MAX);
  const CLI::Range size(1, INT_MAX);
  command.add_option("X", window.x, "First column")->required()->check(coordinate);
  command.add_option("Y", window.y, "First line")->required()->check(coordinate);
  command.add_option("W", window.width, "Columns")->required()->check(size);
  command.add_option("H", window.height, "Lines")->required()->check(size);
  command
      .add_option("--bands", arguments.bands,
                  "Which bands, from 1, as 3,2,1 (default: all; in a picture the colour bands, or "
                  "the first)")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->check(size);
  command.add_option_function<std::string>(
      "--size", [&to = arguments.size](const std::string& text) { to = ParseSize(text); },
      "Size of the output: pixels of its longer side, or WIDTHxHEIGHT; smaller than the window, "
      "read from an overview if there is one. Default: the window's size");
  command.add_option("-o,--output", arguments.output,
                     "FILE.npy: (bands, H, W), or (H, W) for one band. "
                     "FILE.png: the lowest 2 % of the values black, the highest 2 % white; colour "
                     "bands of bytes as they are; nodata transparent. Default: .npy to a pipe");
  command.footer(
      "Example:\n"
      "  gdal_ndarray window scene.b2nd 1000 2000 512 512 -o look.png\n"
      "  band 1: black 212, white 3071\n"
      "  gdal_ndarray window scene.b2nd 0 0 40000 40000 --size 1024 -o all.png\n");
}

void AddConvert(CLI::App& program, Runner& runner) {
  auto [command, arguments] =
      Add(program, runner, "convert",
          "Write any raster that GDAL reads, a stack of TIFF pages, or an array of many axes as "
          ".npy or .b2nd",
          Convert);
  command.add_option("SRC", arguments.source, "Path, or name of a subdataset")->required();
  command.add_option("DST", arguments.destination, "FILE.npy or FILE.b2nd")->required();
  command.add_option("--access", arguments.access,
                     "How DST will be read, to choose blocks, chunks and interleaving: "
                     "window=PIXELS (squares of about that side), rows (whole lines), bands (whole "
                     "bands, one at a time) or whole (all at once). Default: the driver's choice");
  command
      .add_option("--co", arguments.creation_options,
                  "Creation option NAME=VALUE, which overrides --access; may be repeated; also -co")
      ->allow_extra_args(false);
  command
      .add_option("--bands", arguments.bands,
                  "Which bands, from 1, in which order: 3,2,1; pages, if SRC is a stack of pages")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->check(CLI::Range(1, INT_MAX));
  command.add_flag("--overviews", arguments.overviews,
                   "Build overviews, too: DST.ovr, halved until they are below 256 pixels");
  command
      .add_option("--checksum", arguments.checksum,
                  "Also write DST.sha256, of a .npy, which verify and sha256sum -c check")
      ->check(CLI::IsMember({"sha256"}));
  command.add_flag("-q,--quiet", arguments.quiet, "No progress bar");
  command.footer(
      "A TIFF of several pages of one size and type becomes one array: (page, y, x), with a last\n"
      "axis if pixels have several samples. An ImageJ hyperstack, or an OME-TIFF of one image,\n"
      "becomes (t, z, c, y, x) without axes of size 1. GDAL opens arrays of 3 axes as bands, "
      "those\n"
      "with more axes as subdatasets. GTIFF_DIR:NUMBER:PATH as SRC is one page alone. A .npy or\n"
      ".b2nd of four and more axes is copied as it is, to either.\n"
      "\n"
      "Example:\n"
      "  gdal_ndarray convert scene.tif scene.b2nd --access window=512 -co COMPRESS=LZ4 "
      "--overviews\n"
      "  gdal_ndarray convert cells.tif cells.b2nd && python3 -c \\\n"
      "    'import blosc2; print(blosc2.open(\"cells.b2nd\").shape)'\n"
      "  (10, 5, 2, 1024, 1024)\n");
}

void AddVerify(CLI::App& program, Runner& runner) {
  auto [command, arguments] =
      Add(program, runner, "verify",
          "Decode all of a .npy or .b2nd file, report damage, compare with a source", Verify);
  command.add_option("FILE", arguments.file, "Path of a .npy or .b2nd file")->required();
  command.add_option("--against", arguments.against,
                     "Compare with this, value by value: anything that GDAL reads, .npy, .b2nd");
  CLI::Option* const json = command.add_flag("--json", arguments.json, "Write the report as JSON");
  command.add_flag("-q,--quiet", arguments.quiet, "Write no report, only the exit code")
      ->excludes(json);
  command.footer(
      "Exit code: 0 no damage found (and equal), 1 damaged or different, 2 wrong usage.\n\n"
      "Example:\n"
      "  gdal_ndarray verify /backup/scene.b2nd                      # does all of it decode?\n"
      "  gdal_ndarray verify /backup/scene.b2nd --against scene.tif  # is it the same image?");
}

#ifdef NDARRAY_HAS_B2ND
void AddTune(CLI::App& program, Runner& runner) {
  auto [command, arguments] =
      Add(program, runner, "tune", "Find creation options of .b2nd for an image by trying them",
          TuneOptions);
  command.add_option("SRC", arguments.source, "Any raster that GDAL reads")->required();
  command
      .add_option("--access", arguments.access,
                  "How it will be read: window=PIXELS (squares at random places, all bands), rows "
                  "(64 whole lines at a time), bands (one whole band at a time), whole")
      ->capture_default_str();
  command.add_option("--objective", arguments.objective, "What is best: speed, size or balanced")
      ->check(CLI::IsMember({"speed", "size", "balanced"}))
      ->capture_default_str();
  command.add_option("--budget", arguments.budget_s, "The time to spend, such as 30s, 2m or 0.5s")
      ->check(CLI::Range(0.01, 24 * 3600.0))
      ->transform(
          CLI::AsNumberWithUnit(std::map<std::string, double>{{"s", 1}, {"m", 60}, {"h", 3600}}))
      ->default_str("30s");
  command.add_flag("--json", arguments.json, "Print all that was measured as JSON");
  command.add_flag("-q,--quiet", arguments.quiet, "Print nothing but the recommended options");
  command.footer(
      "It writes a sample of SRC with the driver B2ND, each time with other options, into a "
      "temporary\n"
      "folder (CPL_TMPDIR or TMPDIR, else /tmp; up to 512 MB), reads windows of it, and\n"
      "recommends what did best:\n"
      "  speed     the shortest time of a window (its median, p50)\n"
      "  size      the highest ratio\n"
      "  balanced  the shortest time of a window from a disk that reads 500 MB/s, plus a tenth of\n"
      "            the time of writing its pixels: a file is read ten times\n"
      "Below differences of 3 % the default is preferred.\n\n"
      "Exit code: 0 done, 1 failed, 2 wrong usage.\n\n"
      "Example:\n"
      "  gdal_ndarray tune scene.tif --access window=256 --budget 1m\n"
      "  gdal_translate -of B2ND $(gdal_ndarray tune -q scene.tif) scene.tif scene.b2nd");
}

void AddCompact(CLI::App& program, Runner& runner) {
  auto [command, arguments] = Add(program, runner, "compact",
                                  "Rewrite a .b2nd file without the space of old chunks", Compact);
  command.add_option("FILE", arguments.file, "Path of a .b2nd file")->required();
  command.add_flag("-q,--quiet", arguments.quiet, "Print nothing");
  command.footer(
      "Exit code: 0 done, or nothing to reclaim; 1 failed: the file is as it was; 2 wrong "
      "usage.\n\n"
      "Example:\n"
      "  gdal_ndarray compact scene.b2nd  # after many updates; 'info' shows the dead space");
}

void AddB2ndSubcommands(CLI::App& program, Runner& runner) {
  AddCompact(program, runner);
  AddTune(program, runner);
}
#else
void AddB2ndSubcommands(CLI::App&, Runner&) {}
#endif

// Before GDAL's own, so that a plugin of another version of this project is not used instead.
void RegisterDrivers() {
  for (const ArrayFormat* const format : Formats()) RegisterDriver(*format);
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
  AddInfo(program, runner);
  AddConvert(program, runner);
  AddWindow(program, runner);
  AddVerify(program, runner);
  AddB2ndSubcommands(program, runner);
  const std::string_view first = count > 1 ? arguments[1] : "-";
  const auto is_first = [&](const CLI::App* app) { return app->get_name() == first; };
  if (first.substr(0, 1) != "-" && program.get_subcommands(is_first).empty()) {
    return Fail(program,
                "unknown subcommand '" + std::string(first) + "' (see gdal_ndarray --help)",
                kWrongUsage);
  }
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
  InstallHandlers();
  const ExitCode code = Run(count, arguments);
  GDALDestroyDriverManager();
  return code;
}

}  // namespace ndarray::tools

int main(int count, char** arguments) { return ndarray::tools::Main(count, arguments); }
