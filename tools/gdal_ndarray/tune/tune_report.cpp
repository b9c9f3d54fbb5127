#include <cstdio>

#include "driver/raster/threads.h"
#include "tools/gdal_ndarray/report.h"
#include "tools/gdal_ndarray/tune/tune.h"

namespace ndarray::tools {
namespace {

// What was measured: a key of the JSON, and a column of the table.
struct Figure {
  const char *key, *heading, *unit;
  double (*of)(const Candidate& candidate);
};
constexpr Figure kFigures[] = {
    {"ratio", "ratio", "", [](const Candidate& one) { return one.ratio; }},
    {"write_mb_per_s", "write", "MB/s",
     [](const Candidate& one) { return one.write_bytes_per_s / 1e6; }},
    {"p50_ms", "p50", "ms", [](const Candidate& one) { return 1000 * one.p50; }},
    {"p99_ms", "p99", "ms", [](const Candidate& one) { return 1000 * one.p99; }},
    {"balanced_ms", "balanced", "ms", [](const Candidate& one) { return 1000 * one.balanced(); }},
};

std::string Short(double value) { return NumberText(value, value < 1000 ? 3 : 10); }

std::string By(int64_t x, int64_t y) { return std::to_string(x) + "x" + std::to_string(y); }

std::string SampleText(const Sample& sample) {
  if (sample.is_whole()) return "the whole image";
  const ImageSize& image = sample.image;
  return std::to_string(sample.squares) + " pieces of up to " + By(sample.side, sample.side) +
         " from all over the image, " +
         Short(100 * sample.pixels_read * image.bands / image.pixels()) + " % of it";
}

// All but the candidates.
Report Describe(const std::string& source, const Task& task, const Findings& findings) {
  const Sample& sample = *findings.sample;
  const ImageSize& image = sample.image;
  const double bytes = image.pixels() * GDALGetDataTypeSizeBytes(sample.type);
  std::string tried = std::to_string(findings.candidates.size()) + " configurations in " +
                      Short(findings.seconds) + " s";
  if (findings.not_tried > 0) {
    tried += ", " + std::to_string(findings.not_tried) + " more not, for want of time";
  }
  Report report;
  report.Add("source", "Source", source,
             source + ": " + By(image.width, image.height) + ", " + std::to_string(image.bands) +
                 (image.bands == 1 ? " band of " : " bands of ") +
                 GDALGetDataTypeName(sample.type) + ", " + BytesText(static_cast<uint64_t>(bytes)));
  report.Add("access", "Read in", task.access.Describe());
  report.AddValue("window_bytes", sample.window_bytes);
  report.Add("sample", "Sample",
             {{"pixels", static_cast<int64_t>(sample.pixels_read)},
              {"whole_image", sample.is_whole()},
              {"pieces", sample.is_whole() ? 0 : sample.squares}},
             SampleText(sample));
  report.Add("tried", "Tried", findings.candidates.size(), tried);
  report.AddValue("not_tried", findings.not_tried);
  report.AddValue("seconds", findings.seconds);
  report.AddValue("budget_s", task.budget_s);
  report.Add("objective", "Objective", task.objective);
  report.Add("threads", "Threads", DefaultThreads(), std::to_string(DefaultThreads()));
  return report;
}

Report::Json ToJson(const Candidate& candidate, const Findings& findings) {
  Report::Json values = {{"options", candidate.options}};
  for (const Figure& figure : kFigures) values[figure.key] = figure.of(candidate);
  values["pareto"] = candidate.on_front;
  values["final"] = candidate.is_final;
  values["default"] = &candidate == findings.default_candidate;
  values["recommended"] = &candidate == findings.chosen;
  return values;
}

void PrintRow(const std::vector<std::string>& cells) {
  constexpr int kWidths[] = {-3, -9, -10, -6, 9, 9, 7, 7, 9, 9, 9, 0};
  for (size_t i = 0; i < cells.size(); ++i) {
    std::printf("%*s%c", kWidths[i], cells[i].c_str(), i + 1 < cells.size() ? ' ' : '\n');
  }
}

void PrintTable(const Findings& findings) {
  std::vector<std::string> head = {"", "COMPRESS", "FILTER", "BANDS", "block", "chunk"};
  std::vector<std::string> units(head.size());
  for (const Figure& figure : kFigures) {
    head.emplace_back(figure.heading);
    units.emplace_back(figure.unit);
  }
  PrintRow(head);
  PrintRow(units);
  for (const Candidate& one : findings.candidates) {
    const bool is_default = &one == findings.default_candidate;
    if (!one.is_final && !one.on_front && !is_default) continue;
    const int level = one.options.value("LEVEL", 0);
    std::vector<std::string> cells = {
        std::string(&one == findings.chosen ? ">" : " ") + (one.on_front ? "*" : " ") +
            (one.is_final ? " " : "~"),
        one.options["COMPRESS"].get<std::string>() + (level > 0 ? " " + std::to_string(level) : ""),
        one.options["FILTER"],
        one.options.value("INTERLEAVE", ""),
        By(one.block('X'), one.block('Y')),
        By(one.chunk('X'), one.chunk('Y'))};
    for (const Figure& figure : kFigures) cells.push_back(Short(figure.of(one)));
    if (is_default) cells.emplace_back(" default");
    PrintRow(cells);
  }
  std::printf(
      "> recommended, * no other is both smaller and faster, ~ from the first stages only; "
      "--json shows all\n");
}

}  // namespace

void PrintFindings(const std::string& source, const Task& task, const Findings& findings,
                   bool as_json) {
  Report report = Describe(source, task, findings);
  if (as_json) {
    Report::Json all = Report::Json::array();
    for (const Candidate& one : findings.candidates) all.push_back(ToJson(one, findings));
    report.AddValue("configurations", all);
    report.AddValue("recommended", OptionsLine(findings.chosen->options));
    std::printf("%s", report.AsJson().c_str());
    return;
  }
  std::printf("%s\n", report.AsText().c_str());
  PrintTable(findings);
  std::printf("\n%s\n", OptionsLine(findings.chosen->options).c_str());
}

}  // namespace ndarray::tools
