#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "driver/raster/create/overwrite.h"
#include "driver/raster/files/vsi_file.h"
#include "driver/raster/threads.h"
#include "tools/gdal_ndarray/report.h"
#include "tools/gdal_ndarray/tune/tune.h"

namespace ndarray::tools {
namespace {

constexpr char kRow[] = "%-3s %-9s %-10s %-6s %9s %9s %7s %7s %9s %9s %9s%s\n";

std::string Short(double value) { return NumberText(value, value < 1000 ? 3 : 10); }

void PrintRow(const Candidate& candidate, const Findings& findings) {
  const auto option = [&](const char* name) {
    return candidate.options.FetchNameValueDef(name, "");
  };
  const auto sides = [&](const std::string& what) {
    return std::string(option((what + "XSIZE").c_str())) + "x" + option((what + "YSIZE").c_str());
  };
  const std::string marks = std::string(&candidate == findings.chosen ? ">" : " ") +
                            (candidate.on_front ? "*" : " ") + (candidate.is_final ? " " : "~");
  const std::string codec = std::string(option("COMPRESS")) + " " + option("LEVEL");
  std::printf(kRow, marks.c_str(), codec.c_str(), option("FILTER"), option("INTERLEAVE"),
              sides("BLOCK").c_str(), sides("CHUNK").c_str(), Short(candidate.ratio).c_str(),
              Short(candidate.write_bytes_per_s / 1e6).c_str(), Short(1000 * candidate.p50).c_str(),
              Short(1000 * candidate.p99).c_str(),
              Short((candidate.memory + candidate.cache_bytes) / 1e6).c_str(),
              &candidate == findings.default_candidate ? "  default" : "");
}

// Logarithmic, from `start` to `end` in the picture.
struct Axis {
  void Cover(double value) {
    min = std::min(min, value / 1.05);
    max = std::max(max, value * 1.05);
  }
  double At(double value) const {
    return start + std::log(value / min) / std::log(max / min) * (end - start);
  }

  double start, end, min = HUGE_VAL, max = 0;
};

}  // namespace

void PrintTable(const std::string& source, const Task& task, const Findings& findings) {
  const Sample& sample = *findings.sample;
  const ImageSize& image = sample.image;
  const int threads = DefaultThreads();
  std::printf("%s: %d x %d, %d band%s of %s, %s MB; read in %s\nsample: ", source.c_str(),
              image.width, image.height, image.bands, image.bands == 1 ? "" : "s",
              GDALGetDataTypeName(sample.type),
              Short(image.pixels() * GDALGetDataTypeSizeBytes(sample.type) / 1e6).c_str(),
              task.access.Describe().c_str());
  if (sample.is_whole()) {
    std::printf("the whole image, %.0f pixels\n", sample.pixels_read);
  } else {
    std::printf("%d pieces of up to %dx%d from all over the image, %.0f pixels (%s %%)\n",
                sample.squares, sample.side, sample.side, sample.pixels_read,
                Short(100 * sample.pixels_read * image.bands / image.pixels()).c_str());
  }
  std::printf("%zu configurations tried in %.1f s", findings.candidates.size(), findings.seconds);
  const int not_tried = findings.not_tried;
  if (not_tried > 0) std::printf(", %d more not, for want of time", not_tried);
  std::printf("; objective %s; %d thread%s\n\n", task.objective.c_str(), threads,
              threads == 1 ? "" : "s");
  std::printf(kRow, "", "COMPRESS", "FILTER", "BANDS", "block", "chunk", "ratio", "write", "p50",
              "p99", "memory", "");
  std::printf(kRow, "", "", "", "", "", "", "", "MB/s", "ms", "ms", "MB", "");
  size_t rows = 0;
  size_t hidden = 0;
  for (const Candidate& one : findings.candidates) {
    const bool shown = rows++ < 12 || one.is_final || one.on_front;
    if (shown) PrintRow(one, findings);
    hidden += shown ? 0 : 1;
  }
  std::printf("> recommended, * no other is both smaller and faster, ~ from the first stages only");
  if (hidden > 0) std::printf("; %zu worse ones not shown, see --json", hidden);
  std::printf("\n\n%s\n", OptionsLine(findings.chosen->options).c_str());
}

void PrintJson(const std::string& source, const Task& task, const Findings& findings) {
  using Json = nlohmann::ordered_json;
  Json all = Json::array();
  for (const Candidate& candidate : findings.candidates) {
    Json options = Json::object();
    for (int i = 0; i < candidate.options.size(); ++i) {
      const std::string word = candidate.options[i];
      options[word.substr(0, word.find('='))] = word.substr(word.find('=') + 1);
    }
    all.push_back({{"options", options},
                   {"ratio", candidate.ratio},
                   {"write_mb_per_s", candidate.write_bytes_per_s / 1e6},
                   {"p50_ms", 1000 * candidate.p50},
                   {"p99_ms", 1000 * candidate.p99},
                   {"balanced_ms", 1000 * candidate.balanced()},
                   {"memory_bytes", static_cast<int64_t>(candidate.memory + candidate.cache_bytes)},
                   {"pareto", candidate.on_front},
                   {"stage", candidate.stage},
                   {"final", candidate.is_final},
                   {"default", &candidate == findings.default_candidate},
                   {"recommended", &candidate == findings.chosen}});
  }
  const Sample& sample = *findings.sample;
  const Json report = {{"source", source},
                       {"width", sample.image.width},
                       {"height", sample.image.height},
                       {"bands", sample.image.bands},
                       {"type", GDALGetDataTypeName(sample.type)},
                       {"access", task.access.Describe()},
                       {"objective", task.objective},
                       {"budget_s", task.budget_s},
                       {"seconds", findings.seconds},
                       {"window_bytes", sample.window_bytes},
                       {"threads", DefaultThreads()},
                       {"sample",
                        {{"pixels", static_cast<int64_t>(sample.pixels_read)},
                         {"whole_image", sample.is_whole()},
                         {"pieces", sample.is_whole() ? 0 : sample.squares}}},
                       {"tried", findings.candidates.size()},
                       {"not_tried", findings.not_tried},
                       {"configurations", all},
                       {"recommended", OptionsLine(findings.chosen->options)}};
  std::printf("%s\n", report.dump(2, ' ', false, Json::error_handler_t::replace).c_str());
}

void PlotFindings(const std::string& path, const Findings& findings) {
  Axis ratios{90, 870};
  Axis times{540, 40};
  for (const Candidate& one : findings.candidates) {
    ratios.Cover(one.ratio);
    times.Cover(1000 * one.p50);
  }
  const auto x = [&](const Candidate& one) { return ratios.At(one.ratio); };
  const auto y = [&](const Candidate& one) { return times.At(1000 * one.p50); };
  std::ostringstream svg;
  svg << "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 900 600' font-family='sans-serif'>\n"
         "<rect width='900' height='600' fill='white'/>\n"
         "<path d='M90 40V540H870' fill='none' stroke='black'/>\n";
  const auto text = [&](double left, double bottom, const std::string& words) {
    svg << "<text x='" << left << "' y='" << bottom << "' text-anchor='"
        << (left > 700 ? "end" : "start") << "'>" << words << "</text>\n";
  };
  const auto circle = [&](const Candidate& one, int radius, const char* style) {
    svg << "<circle cx='" << x(one) << "' cy='" << y(one) << "' r='" << radius << "' " << style
        << "><title>" << OptionsLine(one.options) << "</title></circle>\n";
  };
  const auto mark = [&](const Candidate& one, const char* style, int below, const char* name) {
    circle(one, 7, style);
    text(x(one), y(one) + below, name + Short(one.ratio) + ", " + Short(1000 * one.p50) + " ms");
  };
  for (const double share : {0.0, 0.25, 0.5, 0.75, 1.0}) {
    text(90 + 780 * share, 560, Short(ratios.min * std::pow(ratios.max / ratios.min, share)));
    text(10, 540 - 500 * share, Short(times.min * std::pow(times.max / times.min, share)));
  }
  text(870, 590, "ratio");
  text(10, 20, "ms a window");
  std::map<double, double> front;
  for (const Candidate& one : findings.candidates) {
    circle(one, 3, one.on_front ? "fill='#c82828'" : "fill='#787878'");
    if (one.on_front) front[x(one)] = y(one);
  }
  svg << "<polyline fill='none' stroke='#c82828' points='";
  for (const auto& [at_x, at_y] : front) svg << at_x << "," << at_y << " ";
  svg << "'/>\n";
  mark(*findings.default_candidate, "fill='none' stroke='#1e50c8'", 22, "default: ");
  mark(*findings.chosen, "fill='#148c3c'", -12, "recommended: ");
  const std::string content = svg.str() + "</svg>\n";
  const std::unique_ptr<OutputFile> file = Value(CreateOutputFile(path));
  Check(file->WriteAt(0, content.data(), content.size()));
  Check(CommitOver(*file));
}

}  // namespace ndarray::tools
