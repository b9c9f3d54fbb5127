#include "tools/tune_search.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <random>
#include <utility>

#include "tools/tune_candidates.h"

namespace ndarray::tools {
namespace {

constexpr double kMegabyte = 1 << 20;
constexpr double kMostFileBytes = 256 * kMegabyte;         // of all trials together, and one more
constexpr size_t kLeastFinalists = 3, kMostFinalists = 6;  // and the default
constexpr double kFinalistMargin = 0.3;                    // of the score

// Places where all trials of a stage read, in turns.
struct Places {
  std::vector<std::vector<Window>> turns;
  std::vector<size_t> first;  // number of each turn's first place
};

struct Attempt {
  Trial trial;
  Figures screened;  // in the small sample
  bool is_finalist = false;
  bool is_final = false;
};

// The share of an image in the chunks that hold it.
double FilledShare(const Configuration& configuration, const Extent& image) {
  const auto filled = [](int length, int chunk) {
    return length / (std::ceil(static_cast<double>(length) / chunk) * chunk);
  };
  return filled(image.width, configuration.chunk_x) * filled(image.height, configuration.chunk_y);
}

class Search {
 public:
  Search(GDALDataset& source, const Task& task)
      : start_(Clock::now()), source_(source), task_(task), candidates_(source, task.access) {}

  Findings Run() {
    TakeSamples();
    TryCodecs();
    TryShapes();
    TryFinalists();
    return Conclude();
  }

 private:
  using Attempts = std::vector<Attempt*>;

  Clock::time_point At(double share) const {
    return start_ + std::chrono::duration_cast<Clock::duration>(
                        std::chrono::duration<double>(share * task_.budget_s));
  }
  double SecondsUntil(double share) const {
    return std::chrono::duration<double>(At(share) - Clock::now()).count();
  }
  void ShowProgress() const {
    if (task_.progress) task_.progress(std::clamp(1 - SecondsUntil(1) / task_.budget_s, 0.0, 1.0));
  }

  void TakeSamples();
  void TryCodecs();
  void TryShapes();
  void TryFinalists();
  Findings Conclude();

  // The attempt, or nullptr where it would take, or took, too long.
  Attempt* Try(const Configuration& configuration, double share);
  void TryAll(const std::vector<Configuration>& configurations, double share, Attempts& attempts);
  Places ChoosePlaces(const Sample& sample, size_t attempts, double seconds, size_t most);
  // A round is a turn of each. One round at least.
  void ReadInTurns(const Attempts& attempts, const Places& places, double share, int most_rounds);
  double FileBytes() const;
  void MakeRoom();
  bool WriteFinalist(Attempt& attempt);

  Figures Result(const Attempt& attempt, const Sample& sample) const {
    const double window = task_.access.WindowOf(Image()).pixels();
    Figures figures =
        attempt.trial.Result(window / task_.access.WindowOf(sample.extent()).pixels());
    figures.window_bytes = window * GDALGetDataTypeSizeBytes(candidates_.type());
    // What fills up chunks at the edges counts, and the sample has edges of its own.
    const Configuration& configuration = attempt.trial.configuration();
    if (configuration.compress == "NONE") figures.ratio = FilledShare(configuration, Image());
    return figures;
  }
  double ScoreOf(const Attempt& attempt) const {
    return Score(Result(attempt, *small_), task_.objective);
  }
  Extent Image() const {
    return {source_.GetRasterXSize(), source_.GetRasterYSize(), source_.GetRasterCount()};
  }
  Attempts Ranked() const;
  Attempt& Standard() const { return *attempts_.front(); }

  const Clock::time_point start_;
  GDALDataset& source_;
  const Task& task_;
  const Candidates candidates_;
  TemporaryFolder folder_;
  std::unique_ptr<Sample> large_, own_small_;
  const Sample* small_ = nullptr;
  std::vector<std::unique_ptr<Attempt>> attempts_;  // the default first
  Places places_;                                   // of the first two stages
  int not_tried_ = 0;
  std::mt19937_64 random_{7};
};

void Search::TakeSamples() {
  const double small_bytes = std::max(task_.budget_s / 2, 2.0) * kMegabyte;
  large_ =
      std::make_unique<Sample>(source_, candidates_.type(), task_.access, 4 * small_bytes, At(0.2));
  small_ = large_.get();
  ShowProgress();
  if (large_->bytes() <= 1.5 * small_bytes) return;
  own_small_ = std::make_unique<Sample>(large_->dataset(), candidates_.type(), task_.access,
                                        small_bytes, At(0.25));
  if (own_small_->bytes() < large_->bytes()) small_ = own_small_.get();
}

Attempt* Search::Try(const Configuration& configuration, double share) {
  if (!attempts_.empty()) {
    const double seconds = small_->bytes() / Standard().trial.write_bytes_per_s() *
                           candidates_.Effort(configuration) / 2;
    if (seconds > SecondsUntil(share)) return nullptr;
  }
  const std::string path = folder_.path() + "/" + std::to_string(attempts_.size()) + ".b2nd";
  auto attempt = std::make_unique<Attempt>(Attempt{Trial(configuration, path), {}, false, false});
  // There is no advice without the first.
  const Clock::time_point deadline = attempts_.empty() ? Clock::time_point::max() : At(share);
  if (!attempt->trial.Write(*small_, deadline)) return nullptr;
  attempts_.push_back(std::move(attempt));
  return attempts_.back().get();
}

void Search::TryAll(const std::vector<Configuration>& configurations, double share,
                    Attempts& attempts) {
  for (const Configuration& configuration : configurations) {
    const bool is_new = std::all_of(attempts_.begin(), attempts_.end(), [&](const auto& other) {
      return configuration.DifferencesFrom(other->trial.configuration()) > 0;
    });
    if (!is_new) continue;
    Attempt* const attempt = Try(configuration, share);
    ShowProgress();
    if (attempt == nullptr) {
      ++not_tried_;
      continue;
    }
    attempts.push_back(attempt);
    if (places_.turns.empty()) places_ = ChoosePlaces(*small_, 30, 0.15 * task_.budget_s, 8);
    attempt->trial.ReadWindows(places_.turns[0], places_.first[0], At(share));
    MakeRoom();
  }
}

// So that a round of all attempts takes a fifth of the time.
Places Search::ChoosePlaces(const Sample& sample, size_t attempts, double seconds, size_t most) {
  Places places;
  const auto add = [&](size_t windows) {
    size_t next = 0;
    if (!places.turns.empty()) next = places.first.back() + places.turns.back().size();
    places.first.push_back(next);
    places.turns.push_back(task_.access.Places(sample.extent(), windows, random_));
  };
  Trial& trial = Standard().trial;
  double window_s = 0;
  if (trial.measured()) {
    window_s = trial
                   .Result(task_.access.WindowOf(sample.extent()).pixels() /
                           task_.access.WindowOf(small_->extent()).pixels())
                   .p50;
  } else {
    const Clock::time_point start = Clock::now();
    trial.ReadWindows(task_.access.Places(sample.extent(), 1, random_), 0, start);
    window_s = std::chrono::duration<double>(Clock::now() - start).count();
    trial.Forget();
  }
  const double windows = seconds / 5 / static_cast<double>(attempts) / std::max(window_s, 1e-6);
  const size_t turn = windows < static_cast<double>(most) ? static_cast<size_t>(windows) : most;
  do {
    add(std::max<size_t>(turn, 1));
  } while (places.turns.size() < 3 ||
           (places.turns.size() < 16 && places.first.back() + turn < 6 * most));
  return places;
}

void Search::ReadInTurns(const Attempts& attempts, const Places& places, double share,
                         int most_rounds) {
  Attempts order;
  std::copy_if(attempts.begin(), attempts.end(), std::back_inserter(order),
               [](const Attempt* attempt) { return attempt->trial.has_file(); });
  for (int round = 0; round < most_rounds; ++round) {
    const size_t turn = static_cast<size_t>(round) % places.turns.size();
    std::shuffle(order.begin(), order.end(), random_);
    for (Attempt* const attempt : order) {
      if ((round > 0 || attempt->trial.measured()) && SecondsUntil(share) < 0) return;
      attempt->trial.ReadWindows(places.turns[turn], places.first[turn], At(1));
    }
    ShowProgress();
  }
}

double Search::FileBytes() const {
  double bytes = 0;
  for (const auto& attempt : attempts_) bytes += attempt->trial.file_bytes();
  return bytes;
}

// Files of the worst go first.
void Search::MakeRoom() {
  double bytes = FileBytes();
  Attempts ranked = Ranked();
  while (bytes > kMostFileBytes && !ranked.empty()) {
    if (ranked.back() != &Standard()) {
      bytes -= ranked.back()->trial.file_bytes();
      ranked.back()->trial.Remove();
    }
    ranked.pop_back();
  }
}

// The best first. Of all that were read.
Search::Attempts Search::Ranked() const {
  std::vector<std::pair<double, Attempt*>> scored;
  for (const auto& attempt : attempts_) {
    if (attempt->trial.measured()) scored.emplace_back(ScoreOf(*attempt), attempt.get());
  }
  std::stable_sort(scored.begin(), scored.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  Attempts ranked;
  for (const auto& [score, attempt] : scored) ranked.push_back(attempt);
  return ranked;
}

void Search::TryCodecs() {
  Attempts tried;
  TryAll(candidates_.Codecs(), 0.42, tried);
  ReadInTurns(tried, places_, 0.5, 9);
}

void Search::TryShapes() {
  Attempts best = Ranked();
  if (best.size() > 3) best.resize(3);
  Attempts rivals = best;
  for (const Attempt* const attempt : best) {
    TryAll(candidates_.OtherBlocks(attempt->trial.configuration()), 0.6, rivals);
  }
  ReadInTurns(rivals, places_, 0.66, 9);
  best = Ranked();
  if (best.size() > 2) best.resize(2);
  for (const Attempt* const attempt : best) {
    TryAll(candidates_.OtherChunks(attempt->trial.configuration()), 0.7, rivals);
  }
  ReadInTurns(rivals, places_, 0.74, 9);
}

// Whether the attempt is in the large sample now.
bool Search::WriteFinalist(Attempt& attempt) {
  const double seconds = large_->bytes() / attempt.trial.write_bytes_per_s();
  if (seconds > SecondsUntil(0.88) || FileBytes() > kMostFileBytes) return false;
  attempt.is_final = attempt.trial.Write(*large_, At(0.92));
  return attempt.is_final;
}

void Search::TryFinalists() {
  const Attempts ranked = Ranked();
  const double limit = ScoreOf(*ranked.front()) + kFinalistMargin;
  Attempts finalists = {&Standard()};
  for (Attempt* const attempt : ranked) {
    if (finalists.size() > kMostFinalists) break;
    if (finalists.size() > kLeastFinalists && ScoreOf(*attempt) > limit) break;
    if (attempt != &Standard()) finalists.push_back(attempt);
  }
  for (const auto& attempt : attempts_) attempt->screened = Result(*attempt, *small_);
  for (Attempt* const attempt : finalists) attempt->is_finalist = true;
  if (small_ != large_.get()) {
    const double left = large_->bytes() / Standard().trial.write_bytes_per_s();
    if (static_cast<double>(finalists.size()) * left > SecondsUntil(0.88)) {
      large_.reset();  // there is no time for it
    }
  }
  if (large_ == nullptr || small_ == large_.get()) {
    const Places more = places_;
    ReadInTurns(finalists, more, 0.95, 200);
    for (Attempt* const attempt : finalists) {
      attempt->is_final = true;
      attempt->screened = Result(*attempt, *small_);
    }
    return;
  }
  const Places places = ChoosePlaces(*large_, finalists.size(), 0.2 * task_.budget_s, 24);
  for (const auto& attempt : attempts_) attempt->trial.Remove();
  Attempts written;
  for (Attempt* const attempt : finalists) {
    if (WriteFinalist(*attempt)) written.push_back(attempt);
    ShowProgress();
  }
  ReadInTurns(written, places, 0.95, 200);
}

Findings Search::Conclude() {
  StopIfInterrupted();
  const bool larger = large_ != nullptr && small_ != large_.get() && Standard().is_final;
  const Sample& sample = larger ? *large_ : *small_;
  Findings findings;
  findings.image = Image();
  findings.type = candidates_.type();
  findings.sample_bytes = sample.bytes();
  findings.sample_share = sample.extent().pixels() / findings.image.pixels();
  findings.pieces = sample.whole() ? 0 : sample.pieces();
  findings.side = sample.side();
  findings.not_tried = not_tried_;
  const Figures standard = larger ? Result(Standard(), sample) : Standard().screened;
  for (const auto& attempt : attempts_) {
    Candidate candidate;
    candidate.configuration = attempt->trial.configuration();
    candidate.is_default = attempt.get() == &Standard();
    candidate.is_final = attempt->is_final && attempt->trial.measured();
    candidate.is_eligible = attempt->is_finalist;
    candidate.figures = attempt->screened;
    if (larger && candidate.is_final) {
      candidate.figures = Result(*attempt, sample);
    } else if (larger) {
      if (candidate.configuration.compress != "NONE") {
        candidate.figures.ratio *= standard.ratio / Standard().screened.ratio;
      }
      candidate.figures.p50 *= standard.p50 / Standard().screened.p50;
      candidate.figures.p99 *= standard.p50 / Standard().screened.p50;
    }
    findings.candidates.push_back(std::move(candidate));
  }
  findings.Rank(task_.objective);
  findings.seconds = std::chrono::duration<double>(Clock::now() - start_).count();
  return findings;
}

}  // namespace

Findings Tune(GDALDataset& source, const Task& task) { return Search(source, task).Run(); }

}  // namespace ndarray::tools
