// gdal_ndarray tune: the creation options of the driver B2ND that suit an image.

#include <CLI/CLI.hpp>
#include <cstdio>
#include <map>

#include "tools/command.h"
#include "tools/tune_plot.h"
#include "tools/tune_report.h"
#include "tools/tune_search.h"

namespace ndarray::tools {
namespace {

struct Arguments {
  std::string source;
  std::string access = "window=512";
  std::string objective = "balanced";
  std::string budget = "30s";
  std::string plot;
  bool json = false;
  bool quiet = false;
};

const std::map<std::string, Objective> kObjectives = {
    {"speed", Objective::kSpeed}, {"size", Objective::kSize}, {"balanced", Objective::kBalanced}};

// "30s", "2m", "0.5s", "1h", or seconds alone.
double ParseBudget(const std::string& text) {
  constexpr double kMost = 24 * 3600;
  char* end = nullptr;
  double seconds = CPLStrtod(text.c_str(), &end);
  const std::string unit = end;
  if (unit == "m") seconds *= 60;
  if (unit == "h") seconds *= 3600;
  const bool known = unit.empty() || unit == "s" || unit == "m" || unit == "h";
  if (end == text.c_str() || !known || !(seconds > 0 && seconds <= kMost)) {
    throw WrongUsage("--budget: found " + text + ", wanted a time such as 30s, 2m or 0.5s");
  }
  return seconds;
}

ExitCode Run(const Arguments& arguments) {
  Task task;
  task.access = ParseReading(arguments.access);
  task.objective = kObjectives.at(arguments.objective);
  task.budget_s = ParseBudget(arguments.budget);
  const bool shows = !arguments.quiet && !arguments.json;
  if (shows) task.progress = [](double share) { ShowProgress(share, nullptr, nullptr); };
  const DatasetPointer source = OpenRaster(arguments.source);
  const Findings findings = Tune(*source, task);
  if (shows) ShowProgress(1, nullptr, nullptr);
  if (arguments.json) {
    PrintJson(arguments.source, task, findings);
  } else if (arguments.quiet) {
    std::printf("%s\n", OptionsLine(findings.chosen().configuration).c_str());
  } else {
    PrintTable(arguments.source, task, findings);
  }
  // Last, so that what took long to find out is told where this fails.
  if (!arguments.plot.empty()) PlotFindings(arguments.plot, findings);
  return kDone;
}

const char* const kFooter =
    "It writes samples of SRC with the driver B2ND, each with other options, into a temporary\n"
    "folder (CPL_TMPDIR or TMPDIR, else /tmp; up to 512 MB), reads windows of them, and\n"
    "recommends what did best:\n"
    "  speed     the least time of a window (its median, p50)\n"
    "  size      the highest ratio\n"
    "  balanced  the least time of a window from a disk: p50, and its compressed bytes at\n"
    "            500 MB/s\n"
    "Below differences of 3 % the default is preferred, or what is nearest to it.\n\n"
    "Exit code: 0 done, 1 failed, 2 wrong usage.\n\n"
    "Example:\n"
    "  gdal_ndarray tune scene.tif --access window=256 --budget 1m --plot scene.png\n"
    "  gdal_translate -of B2ND $(gdal_ndarray tune -q scene.tif) scene.tif scene.b2nd";

}  // namespace

void AddTune(CLI::App& program, Runner& runner) {
  const auto arguments = std::make_shared<Arguments>();
  CLI::App* const command =
      program.add_subcommand("tune", "Find creation options of .b2nd for an image by trying them");
  command->footer(kFooter);
  command->add_option("SRC", arguments->source, "Any raster that GDAL reads")->required();
  command
      ->add_option("--access", arguments->access,
                   "How it will be read: window=PIXELS (squares at random places, all bands), rows "
                   "(64 whole lines at a time), bands (one whole band at a time), whole")
      ->capture_default_str();
  command->add_option("--objective", arguments->objective, "What is best: speed, size or balanced")
      ->check(CLI::IsMember({"speed", "size", "balanced"}))
      ->capture_default_str();
  command->add_option("--budget", arguments->budget, "The time to spend, such as 30s, 2m or 0.5s")
      ->capture_default_str();
  command->add_option("--plot", arguments->plot, "Also draw ratios and times into this PNG file");
  command->add_flag("--json", arguments->json, "Print all that was measured as JSON");
  command->add_flag("-q,--quiet", arguments->quiet, "Print nothing but the recommended options");
  command->callback([arguments, &runner] { runner = [arguments] { return Run(*arguments); }; });
}

}  // namespace ndarray::tools
