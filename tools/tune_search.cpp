#include <cpl_conv.h>
#include <stdlib.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <map>
#include <random>
#include <system_error>

#include "tools/tune.h"

namespace ndarray::tools {
namespace {

constexpr double kMinTargetBytes = 2e6, kTargetBytesPerS = 0.75e6, kMaxTargetBytes = 64e6;
constexpr double kMaxFileBytes = 256 << 20;  // of all candidates together, and one more
constexpr double kSampleUntil = 0.2;         // of the budget
constexpr size_t kMaxRounds = 200;
constexpr double kNearTie = 0.03;  // of scores: timing is no better

// What is tried when: files are written and then read until these shares of the budget are used.
// The `rivals` best of the stages before, and the default, are written and read again.
struct Stage {
  const char* name;
  std::vector<Options> (*candidates)(GDALDataset&, const Reading&,
                                     const std::vector<Options>& best);
  double write_until, read_until;
  size_t rivals;
};
constexpr Stage kStages[] = {{"codecs", CodecsToTry, 0.45, 0.55, 0},
                             {"shapes", ShapesToTry, 0.70, 0.76, 3},
                             {"final", nullptr, 0.82, 0.97, 6}};

double SecondsUntil(Clock::time_point time) { return -SecondsSince(time); }

class Search {
 public:
  Search(GDALDataset& source, const Task& task)
      : start_(Clock::now()), source_(source), task_(task) {
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
  ~Search() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  Search(const Search&) = delete;
  Search& operator=(const Search&) = delete;

  Findings Run() {
    for (const Stage& stage : kStages) Run(stage);
    StopIfInterrupted();
    Rank();
    Choose();
    found_.seconds = SecondsSince(start_);
    return std::move(found_);
  }

 private:
  Clock::time_point At(double share) const {
    return start_ + std::chrono::duration_cast<Clock::duration>(
                        std::chrono::duration<double>(share * task_.budget_s));
  }

  // The lower the better; a difference of 0.1 is about a tenth.
  double Score(const Candidate& candidate) const {
    if (task_.objective == "size") return -std::log(candidate.ratio);
    return std::log(task_.objective == "speed" ? candidate.p50 : candidate.balanced());
  }

  // The best first; those that come after kMaxFileBytes lose their files.
  void Rank() {
    const double used = SecondsSince(start_) / task_.budget_s;
    if (task_.shows_progress) ShowProgress(std::min(used, 1.0), nullptr, nullptr);
    all_.sort([this](const Candidate& a, const Candidate& b) { return Score(a) < Score(b); });
    double bytes = 0;
    for (Candidate& one : all_) {
      bytes += one.file_bytes;
      if (bytes > kMaxFileBytes && &one != found_.default_candidate) one.Remove();
    }
  }

  void Run(const Stage& stage) {
    std::vector<Candidate*> rivals;
    std::vector<Options> best, list;
    for (Candidate& one : all_) {
      if (best.size() < stage.rivals)
        best.push_back(one.options);
      else if (&one != found_.default_candidate)
        continue;
      rivals.push_back(&one);
      WriteAgain(one, At(stage.write_until));
    }
    if (stage.candidates != nullptr) list = stage.candidates(source_, task_.access, best);
    for (const Options& options : list) {
      const auto same = [&](const Candidate& one) {
        return OptionsLine(one.options) == OptionsLine(options);
      };
      if (std::any_of(all_.begin(), all_.end(), same)) continue;
      Candidate* const candidate = Try(options, At(stage.write_until));
      if (candidate != nullptr) rivals.push_back(candidate);
      found_.not_tried += candidate == nullptr ? 1 : 0;
      Rank();
    }
    for (Candidate* const rival : rivals) rival->stage = stage.name;
    ReadInTurns(std::move(rivals), At(stage.read_until));
    Rank();
  }

  void WriteAgain(Candidate& candidate, Clock::time_point until) {
    const double seconds = found_.sample->bytes() / candidate.write_bytes_per_s;
    if (candidate.file_bytes == 0 || SecondsUntil(until) < 4 * seconds) return;
    candidate.Write(*found_.sample, Clock::time_point::max());
  }

  // Writes a candidate, in at most half of the time that is left for that, and reads it once.
  // nullptr where it took longer, or would, as it did at this level of the codec or a lower one.
  Candidate* Try(const Options& options, Clock::time_point until) {
    const Clock::time_point start = Clock::now();
    Clock::time_point deadline = start + (until - start) / 2;
    if (all_.empty()) deadline = Clock::time_point::max();  // no advice without the default
    const std::string codec = options.FetchNameValue("COMPRESS");
    const std::string key = codec + options.FetchNameValueDef("LEVEL", "");
    const auto above = write_s_.upper_bound(key);
    const bool known = above != write_s_.begin() && std::prev(above)->first.find(codec) == 0;
    if (known && std::prev(above)->second > SecondsUntil(deadline)) return nullptr;
    Candidate candidate;
    candidate.options = options;
    candidate.path = folder_ + "/" + std::to_string(all_.size()) + ".b2nd";
    const bool written = candidate.Write(*found_.sample, deadline);
    write_s_[key] = SecondsSince(start);
    if (!written) return nullptr;
    candidate.Read(*found_.sample, 0, until);
    all_.push_back(std::move(candidate));
    if (all_.size() == 1) found_.default_candidate = &all_.front();
    return &all_.back();
  }

  void ReadInTurns(std::vector<Candidate*> candidates, Clock::time_point until) {
    for (size_t round = 1; round <= kMaxRounds; ++round) {
      std::shuffle(candidates.begin(), candidates.end(), random_);
      for (Candidate* const candidate : candidates) {
        if (Clock::now() > until) return;
        if (candidate->file_bytes == 0) continue;
        candidate->Read(*found_.sample, round % Sample::kTurns, until);
      }
    }
  }

  // Marks the front, and chooses the best, or the default where that is as good.
  void Choose() {
    const auto final_one = [](const Candidate& one) { return one.is_final(); };
    found_.chosen = &*std::find_if(all_.begin(), all_.end(), final_one);
    if (Score(*found_.default_candidate) <= Score(*found_.chosen) + kNearTie) {
      found_.chosen = found_.default_candidate;
    }
    for (Candidate& one : all_) {
      one.on_front = std::none_of(all_.begin(), all_.end(), [&](const Candidate& other) {
        return other.ratio >= one.ratio && other.p50 <= one.p50 &&
               (other.ratio > one.ratio || other.p50 < one.p50);
      });
    }
  }

  const Clock::time_point start_;
  GDALDataset& source_;
  const Task& task_;
  std::string folder_;  // removed with all that is in it
  Findings found_;
  std::list<Candidate>& all_ = found_.candidates;
  std::map<std::string, double> write_s_;  // of codec and level, the last time
  std::mt19937_64 random_{7};
};

}  // namespace

Findings Tune(GDALDataset& source, const Task& task) { return Search(source, task).Run(); }

}  // namespace ndarray::tools
