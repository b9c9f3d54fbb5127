// gdal_ndarray tune: the creation options of the driver B2ND that suit an image.

#include "tools/tune.h"

#include <cstdio>

#include "tools/source.h"
#include "tools/subcommands.h"

namespace ndarray::tools {
namespace {

// "30s", "2m", "0.5s", "1h", or seconds alone.
double ParseBudget(const std::string& text) {
  constexpr double kMax = 24 * 3600;
  char* end = nullptr;
  double seconds = CPLStrtod(text.c_str(), &end);
  const std::string unit = end;
  if (unit == "m") seconds *= 60;
  if (unit == "h") seconds *= 3600;
  const bool known = unit.empty() || unit == "s" || unit == "m" || unit == "h";
  if (end == text.c_str() || !known || !(seconds > 0 && seconds <= kMax)) {
    throw WrongUsage("--budget: found " + text + ", wanted a time such as 30s, 2m or 0.5s");
  }
  return seconds;
}

}  // namespace

ExitCode TuneOptions(const TuneArguments& arguments) {
  const bool shows = !arguments.quiet && !arguments.json;
  const Task task{ParseReading(arguments.access), arguments.objective,
                  ParseBudget(arguments.budget), shows};
  const bool plots = !arguments.plot.empty();
  if (plots && !EQUAL(CPLGetExtension(arguments.plot.c_str()), "svg")) {
    throw WrongUsage("--plot: found " + arguments.plot + ", wanted a name that ends in .svg");
  }
  const DatasetPointer source = OpenRaster(arguments.source);
  if (plots) RefuseToReplace(*source, arguments.plot);
  const Findings findings = Tune(*source, task);
  if (shows) ShowProgress(1, nullptr, nullptr);
  if (arguments.json) {
    PrintJson(arguments.source, task, findings);
  } else if (arguments.quiet) {
    std::printf("%s\n", OptionsLine(findings.chosen->options).c_str());
  } else {
    PrintTable(arguments.source, task, findings);
  }
  // Last, so that what took long to find out is shown where this fails.
  if (plots) PlotFindings(arguments.plot, findings);
  return kDone;
}

}  // namespace ndarray::tools
