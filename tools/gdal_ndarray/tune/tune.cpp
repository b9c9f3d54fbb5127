// gdal_ndarray tune: finds the creation options of the driver B2ND that suit an image.
//
// A sample of the image is written with the options of each candidate, stage by stage. All files of
// a stage are written first, and then read in turns, round after round, so that what else the
// machine does hits all alike. The best take part in the next stage.

#include "tools/gdal_ndarray/tune/tune.h"

#include <cpl_conv.h>
#include <cpl_vsi.h>
#include <stdlib.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <iterator>
#include <map>
#include <random>
#include <set>

#include "tools/gdal_ndarray/source.h"
#include "tools/gdal_ndarray/subcommands.h"

namespace ndarray::tools {
namespace {

constexpr double kMinTargetBytes = 2e6, kTargetBytesPerS = 0.75e6, kMaxTargetBytes = 64e6;
constexpr double kMaxFileBytes = 256 << 20;  // of all candidates together, and one more
constexpr double kSampleUntil = 0.2;         // of the budget
constexpr size_t kMaxRounds = 200;
constexpr double kNearTie = 0.03;  // of scores: timing is no better

// What is tried when: files are written and then read until these shares of the budget are used.
// The `rivals` best of the stages before, and the default, take part, too.
struct Stage {
  const char* name;
  OptionsList (*candidates)(GDALDataset&, const Reading&, const OptionsList& best);
  double write_until, read_until;
  size_t rivals;
};
constexpr Stage kStages[] = {{"codecs", CodecsToTry, 0.45, 0.55, 0},
                             {"shapes", ShapesToTry, 0.68, 0.74, 3},
                             {"final", nullptr, 0.84, 0.97, 6}};

class Search {
 public:
  Search(GDALDataset& source, const Task& task) : start_(Now()), source_(source), task_(task) {
    const double bytes = task.budget_s * kTargetBytesPerS;
    found_.sample = std::make_unique<const Sample>(
        source, TypeInFile(source), task.access,
        std::clamp(bytes, kMinTargetBytes, kMaxTargetBytes), At(kSampleUntil));
    std::string parent = CPLGetConfigOption("CPL_TMPDIR", CPLGetConfigOption("TMPDIR", ""));
    if (parent.empty()) parent = "/tmp";
    folder_ = parent + "/gdal_ndarray-tune-XXXXXX";
    if (mkdtemp(folder_.data()) == nullptr) {
      throw Failure(parent + ": cannot make a temporary folder: " + std::strerror(errno));
    }
  }
  ~Search() { VSIRmdirRecursive(folder_.c_str()); }

  Findings Run() {
    for (const Stage& stage : kStages) Run(stage);
    Choose();
    found_.seconds = Now() - start_;
    return std::move(found_);
  }

 private:
  double At(double share) const { return start_ + share * task_.budget_s; }

  // The lower the better; a difference of 0.1 is about a tenth.
  double Score(const Candidate& candidate) const {
    if (task_.objective == "size") return -std::log(candidate.ratio);
    return std::log(task_.objective == "speed" ? candidate.p50 : candidate.balanced());
  }

  // The best first; those that come after kMaxFileBytes lose their files.
  void Rank() {
    const double used = (Now() - start_) / task_.budget_s;
    if (task_.shows_progress) ShowProgress(std::min(used, 1.0), nullptr, nullptr);
    all_.sort([this](const Candidate& a, const Candidate& b) { return Score(a) < Score(b); });
    double bytes = 0;
    for (Candidate& one : all_) {
      bytes += one.file_bytes;
      if (bytes <= kMaxFileBytes || &one == found_.default_candidate) continue;
      VSIUnlink(one.path.c_str());
      one.file_bytes = 0;
    }
  }

  void Run(const Stage& stage) {
    const Sample& sample = *found_.sample;
    std::vector<Candidate*> rivals;
    OptionsList best, list;
    for (Candidate& one : all_) {
      if (best.size() >= stage.rivals && &one != found_.default_candidate) continue;
      best.push_back(one.options);
      rivals.push_back(&one);
    }
    if (stage.candidates != nullptr) list = stage.candidates(source_, task_.access, best);
    for (const Options& options : list) {
      if (!seen_.insert(OptionsLine(options)).second) continue;
      Candidate* const candidate = Try(options, At(stage.write_until));
      if (candidate != nullptr) rivals.push_back(candidate);
      found_.not_tried += candidate == nullptr ? 1 : 0;
      Rank();
    }
    // Again, as time allows: other programs only slow writing down.
    for (size_t i = 0; i < 3 * rivals.size(); ++i) {
      Candidate& one = *rivals[i % rivals.size()];
      const double end = Now() + 3 * sample.bytes() / one.write_bytes_per_s;
      if (one.file_bytes > 0 && end < At(stage.write_until)) one.Write(sample, HUGE_VAL);
    }
    for (Candidate* const rival : rivals) {
      rival->stage = stage.name;
      rival->is_final = &stage == std::end(kStages) - 1;
    }
    ReadInTurns(std::move(rivals), At(stage.read_until));
    Rank();
  }

  // Writes a candidate, in at most half of the time that is left for that, and reads it once.
  // nullptr where it took longer, or would, as it did at this level of the codec or a lower one.
  Candidate* Try(const Options& options, double until) {
    const double start = Now();
    // There is no advice without the default.
    const double deadline = all_.empty() ? HUGE_VAL : start + (until - start) / 2;
    const std::string codec = options.FetchNameValue("COMPRESS");
    const std::string key = codec + options.FetchNameValueDef("LEVEL", "");
    const auto above = write_s_.upper_bound(key);
    const bool known = above != write_s_.begin() && std::prev(above)->first.find(codec) == 0;
    if (known && start + std::prev(above)->second > deadline) return nullptr;
    Candidate candidate;
    candidate.options = options;
    candidate.path = folder_ + "/" + std::to_string(all_.size()) + ".b2nd";
    const bool written = candidate.Write(*found_.sample, deadline);
    write_s_[key] = Now() - start;
    if (!written) return nullptr;
    candidate.Read(*found_.sample, 0, until);
    all_.push_back(std::move(candidate));
    if (all_.size() == 1) found_.default_candidate = &all_.front();
    return &all_.back();
  }

  void ReadInTurns(std::vector<Candidate*> candidates, double until) {
    for (size_t round = 1; round <= kMaxRounds; ++round) {
      Rank();
      std::shuffle(candidates.begin(), candidates.end(), random_);
      for (Candidate* const candidate : candidates) {
        if (Now() > until) return;
        const size_t turn = round % Sample::kTurns;
        if (candidate->file_bytes > 0) candidate->Read(*found_.sample, turn, until);
      }
    }
  }

  // Marks the front, and chooses the best, or the default where that is as good.
  void Choose() {
    for (Candidate& one : all_) {
      if (found_.chosen == nullptr && one.is_final) found_.chosen = &one;
      one.on_front = std::none_of(all_.begin(), all_.end(), [&](const Candidate& other) {
        return other.ratio >= one.ratio && other.p50 <= one.p50 &&
               (other.ratio > one.ratio || other.p50 < one.p50);
      });
    }
    const double limit = Score(*found_.chosen) + kNearTie;
    if (Score(*found_.default_candidate) <= limit) found_.chosen = found_.default_candidate;
  }

  const double start_;
  GDALDataset& source_;
  const Task& task_;
  std::string folder_;  // removed with all that is in it
  Findings found_;
  std::list<Candidate>& all_ = found_.candidates;
  std::set<std::string> seen_;             // options
  std::map<std::string, double> write_s_;  // of codec and level, the last time
  std::mt19937_64 random_{7};
};

// "30s", "2m", "0.5s", "1h", or seconds alone.
double ParseBudget(const std::string& text) {
  char* end = nullptr;
  const double number = CPLStrtod(text.c_str(), &end);
  const std::string unit = end;
  const double unit_s = unit == "m" ? 60 : unit == "h" ? 3600 : unit.empty() || unit == "s" ? 1 : 0;
  if (end == text.c_str() || !(number * unit_s > 0 && number * unit_s <= 24 * 3600)) {
    throw WrongUsage("--budget: found " + text + ", wanted a time such as 30s, 2m or 0.5s");
  }
  return number * unit_s;
}

}  // namespace

ExitCode TuneOptions(const TuneArguments& arguments) {
  const Task task{ParseReading(arguments.access), arguments.objective,
                  ParseBudget(arguments.budget), !arguments.quiet && !arguments.json};
  const bool plots = !arguments.plot.empty();
  if (plots && !EQUAL(CPLGetExtension(arguments.plot.c_str()), "svg")) {
    throw WrongUsage("--plot: found " + arguments.plot + ", wanted a name that ends in .svg");
  }
  const DatasetPointer source = OpenRaster(arguments.source);
  if (plots) RefuseToReplace(*source, arguments.plot);
  const Findings findings = Search(*source, task).Run();
  if (task.shows_progress) ShowProgress(1, nullptr, nullptr);
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
