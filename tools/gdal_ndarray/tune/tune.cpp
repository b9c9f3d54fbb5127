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

#include "tools/gdal_ndarray/file_name.h"
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
  Candidates (*candidates)(const Sample& sample, const Candidates& best);
  double write_until, read_until;
  size_t rivals;
};
constexpr Stage kStages[] = {
    {CodecsToTry, 0.45, 0.55, 0}, {ShapesToTry, 0.68, 0.74, 3}, {nullptr, 0.84, 0.97, 6}};

// A folder for trials, removed with all that is in it.
struct TrialFolder {
  TrialFolder() {
    std::string parent = CPLGetConfigOption("CPL_TMPDIR", CPLGetConfigOption("TMPDIR", ""));
    if (parent.empty()) parent = "/tmp";
    path = parent + "/gdal_ndarray-tune-XXXXXX";
    if (mkdtemp(path.data()) == nullptr) {
      throw Failure(parent + ": cannot make a temporary folder: " + std::strerror(errno));
    }
  }
  ~TrialFolder() { VSIRmdirRecursive(path.c_str()); }

  std::string path;
};

class Search {
 public:
  Search(GDALDataset& source, const Task& task, GDALProgressFunc progress)
      : task_(task), progress_(progress) {
    found_.sample = std::make_unique<const Sample>(
        source, task.access,
        std::clamp(task.budget_s * kTargetBytesPerS, kMinTargetBytes, kMaxTargetBytes),
        At(kSampleUntil));
  }

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
    progress_(std::min((Now() - start_) / task_.budget_s, 1.0), nullptr, nullptr);
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
    std::vector<Candidate*> rivals;
    Candidates best;
    for (Candidate& one : all_) {
      if (rivals.size() >= stage.rivals && &one != found_.default_candidate) continue;
      rivals.push_back(&one);
      best.push_back(one);
    }
    if (stage.candidates != nullptr) {
      for (Candidate& one : stage.candidates(*found_.sample, best)) {
        if (!seen_.insert(OptionsLine(one.options)).second) continue;
        Candidate* const tried = Try(std::move(one), At(stage.write_until));
        if (tried != nullptr) rivals.push_back(tried);
        found_.not_tried += tried == nullptr ? 1 : 0;
        Rank();
      }
    }
    // Again, as time allows: other programs only slow writing down.
    for (size_t i = 0; i < 3 * rivals.size(); ++i) {
      Candidate& one = *rivals[i % rivals.size()];
      const double end = Now() + 3 * found_.sample->bytes() / one.write_bytes_per_s;
      if (one.file_bytes > 0 && end < At(stage.write_until)) one.Write(*found_.sample, HUGE_VAL);
    }
    for (Candidate* const rival : rivals) rival->is_final = &stage == std::end(kStages) - 1;
    ReadInTurns(std::move(rivals), At(stage.read_until));
    Rank();
  }

  // Writes a candidate, in at most half of the time that is left for that, and reads it once.
  // nullptr where it took longer, or its codec did at this level or a lower one.
  Candidate* Try(Candidate candidate, double until) {
    const std::string codec = candidate.options["COMPRESS"];
    const int level = candidate.options.value("LEVEL", 0);
    const auto slow = slow_level_.find(codec);
    if (slow != slow_level_.end() && slow->second <= level) return nullptr;
    candidate.path = folder_.path + "/" + std::to_string(seen_.size()) + ".b2nd";
    // There is no advice without the default.
    const double deadline = all_.empty() ? HUGE_VAL : (Now() + until) / 2;
    if (!candidate.Write(*found_.sample, deadline)) {
      slow_level_[codec] = level;
      return nullptr;
    }
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

  const double start_ = Now();
  const Task& task_;
  const GDALProgressFunc progress_;
  const TrialFolder folder_;
  Findings found_;
  std::list<Candidate>& all_ = found_.candidates;
  std::set<std::string> seen_;             // options
  std::map<std::string, int> slow_level_;  // of a codec, the lowest that took too long
  std::mt19937_64 random_{7};
};

}  // namespace

ExitCode TuneOptions(const TuneArguments& arguments) {
  const Task task{ParseReading(arguments.access), arguments.objective, arguments.budget_s};
  const DatasetPointer source = OpenRaster(GdalName(arguments.source));
  const GDALProgressFunc progress = GdalProgress(arguments.quiet || arguments.json);
  const Findings findings = Search(*source, task, progress).Run();
  progress(1, nullptr, nullptr);
  if (arguments.quiet && !arguments.json) {
    std::printf("%s\n", OptionsLine(findings.chosen->options).c_str());
  } else {
    PrintFindings(arguments.source, task, findings, arguments.json);
  }
  return kDone;
}

}  // namespace ndarray::tools
