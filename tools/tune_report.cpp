#include "tools/tune_report.h"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "driver/raster/threads.h"

namespace ndarray::tools {
namespace {

constexpr size_t kBest = 12;  // of which rows are shown in any case

std::string Format(const char* format, double value) {
  char text[64];
  std::snprintf(text, sizeof(text), format, value);
  return text;
}

// Three digits, whatever the unit makes of it.
std::string Short(double value) {
  return Format(value < 10 ? "%.2f" : value < 100 ? "%.1f" : "%.0f", value);
}

std::string Milliseconds(double seconds) {
  return 1000 * seconds < 0.1 ? Format("%.4f", 1000 * seconds)
         : 1000 * seconds < 1 ? Format("%.3f", 1000 * seconds)
                              : Short(1000 * seconds);
}

std::string Sides(int x, int y) { return std::to_string(x) + "x" + std::to_string(y); }

std::string Megabytes(double bytes) { return Short(bytes / 1e6) + " MB"; }

std::string Marks(const Candidate& candidate) {
  return std::string(candidate.is_chosen ? ">" : " ") + (candidate.on_front ? "*" : " ") +
         (candidate.is_final ? " " : "~");
}

void PrintRow(const Candidate& candidate) {
  const Configuration& configuration = candidate.configuration;
  const Figures& figures = candidate.figures;
  const std::string codec =
      configuration.compress +
      (configuration.level > 0 ? " " + std::to_string(configuration.level) : "");
  std::printf("%s %-9s %-10s %-6s %9s %9s %7s %7s %9s %9s %9s%s\n", Marks(candidate).c_str(),
              codec.c_str(), configuration.filter.c_str(),
              configuration.interleave.empty() ? "-" : configuration.interleave.c_str(),
              Sides(configuration.block_x, configuration.block_y).c_str(),
              Sides(configuration.chunk_x, configuration.chunk_y).c_str(),
              Short(figures.ratio).c_str(), Short(figures.write_bytes_per_s / 1e6).c_str(),
              Milliseconds(figures.p50).c_str(), Milliseconds(figures.p99).c_str(),
              Short(figures.memory / 1e6).c_str(), candidate.is_default ? "  default" : "");
}

std::string Tried(const Findings& findings) {
  std::string text = std::to_string(findings.candidates.size()) + " configurations tried in " +
                     Format("%.1f", findings.seconds) + " s";
  if (findings.not_tried > 0) {
    text += ", " + std::to_string(findings.not_tried) + " more not, for want of time";
  }
  return text;
}

std::string SampleText(const Findings& findings) {
  const std::string pixels =
      Format("%.0f", findings.sample_share * findings.image.pixels() / findings.image.bands) +
      " pixels";
  if (findings.pieces == 0) return "the whole image, " + pixels;
  return std::to_string(findings.pieces) + " pieces of up to " +
         Sides(findings.side, findings.side) + " from all over the image, " + pixels + " (" +
         Short(100 * findings.sample_share) + " %)";
}

}  // namespace

std::string OptionsLine(const Configuration& configuration) {
  std::string line;
  for (const auto& [name, value] : configuration.Options()) {
    line += (line.empty() ? "-co " : " -co ") + name + "=" + value;
  }
  return line;
}

const char* ObjectiveName(Objective objective) {
  return objective == Objective::kSpeed  ? "speed"
         : objective == Objective::kSize ? "size"
                                         : "balanced";
}

void PrintTable(const std::string& source, const Task& task, const Findings& findings) {
  const Extent& image = findings.image;
  std::printf("%s: %d x %d, %d band%s of %s, %s; read in %s\n", source.c_str(), image.width,
              image.height, image.bands, image.bands == 1 ? "" : "s",
              GDALGetDataTypeName(findings.type),
              Megabytes(image.pixels() * GDALGetDataTypeSizeBytes(findings.type)).c_str(),
              task.access.Describe().c_str());
  std::printf("sample: %s\n", SampleText(findings).c_str());
  std::printf("%s; objective %s; %d thread%s\n\n", Tried(findings).c_str(),
              ObjectiveName(task.objective), DefaultThreads(), DefaultThreads() == 1 ? "" : "s");
  std::printf("%3s %-9s %-10s %-6s %9s %9s %7s %7s %9s %9s %9s\n", "", "COMPRESS", "FILTER",
              "BANDS", "block", "chunk", "ratio", "write", "p50", "p99", "memory");
  std::printf("%3s %-9s %-10s %-6s %9s %9s %7s %7s %9s %9s %9s\n", "", "", "", "", "", "", "",
              "MB/s", "ms", "ms", "MB");
  size_t row = 0;
  size_t hidden = 0;
  for (const Candidate& candidate : findings.candidates) {
    const bool shown = row++ < kBest || candidate.is_chosen || candidate.is_default ||
                       candidate.is_final || candidate.on_front;
    if (shown) PrintRow(candidate);
    hidden += shown ? 0 : 1;
  }
  std::printf("> recommended, * no other is both smaller and faster, ~ from the first stages only");
  if (hidden > 0) std::printf("; %zu worse ones not shown, see --json", hidden);
  std::printf("\n\n%s\n", OptionsLine(findings.chosen().configuration).c_str());
}

void PrintJson(const std::string& source, const Task& task, const Findings& findings) {
  using Json = nlohmann::ordered_json;
  const auto described = [](const Candidate& candidate) {
    Json options = Json::object();
    for (const auto& [name, value] : candidate.configuration.Options()) options[name] = value;
    return Json{{"options", options},
                {"ratio", candidate.figures.ratio},
                {"write_mb_per_s", candidate.figures.write_bytes_per_s / 1e6},
                {"p50_ms", 1000 * candidate.figures.p50},
                {"p99_ms", 1000 * candidate.figures.p99},
                {"memory_bytes", static_cast<int64_t>(candidate.figures.memory)},
                {"pareto", candidate.on_front},
                {"final", candidate.is_final},
                {"default", candidate.is_default},
                {"recommended", candidate.is_chosen}};
  };
  Json all = Json::array();
  for (const Candidate& candidate : findings.candidates) all.push_back(described(candidate));
  const Extent& image = findings.image;
  const double pixels = image.pixels() / image.bands;
  const Json report = {{"source", source},
                       {"width", image.width},
                       {"height", image.height},
                       {"bands", image.bands},
                       {"type", GDALGetDataTypeName(findings.type)},
                       {"access", task.access.Describe()},
                       {"objective", ObjectiveName(task.objective)},
                       {"budget_s", task.budget_s},
                       {"seconds", findings.seconds},
                       {"window_bytes", findings.chosen().figures.window_bytes},
                       {"threads", DefaultThreads()},
                       {"sample",
                        {{"pixels", static_cast<int64_t>(findings.sample_share * pixels + 0.5)},
                         {"whole_image", findings.pieces == 0},
                         {"pieces", findings.pieces}}},
                       {"tried", findings.candidates.size()},
                       {"not_tried", findings.not_tried},
                       {"configurations", all},
                       {"recommended", OptionsLine(findings.chosen().configuration)}};
  std::printf("%s\n", report.dump(2, ' ', false, Json::error_handler_t::replace).c_str());
}

}  // namespace ndarray::tools
