#include "tools/tune_findings.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace ndarray::tools {
namespace {

// Whether `one` is not worse in anything, and better in something.
bool Beats(const Figures& one, const Figures& other) {
  return one.ratio >= other.ratio && one.p50 <= other.p50 &&
         (one.ratio > other.ratio || one.p50 < other.p50);
}

}  // namespace

double Score(const Figures& figures, Objective objective) {
  if (objective == Objective::kSize) return -std::log(figures.ratio);
  return std::log(objective == Objective::kSpeed ? figures.p50 : figures.disk_p50());
}

void Findings::Rank(Objective objective) {
  const auto score = [objective](const Candidate& candidate) {
    return Score(candidate.figures, objective);
  };
  std::stable_sort(candidates.begin(), candidates.end(),
                   [&](const Candidate& a, const Candidate& b) { return score(a) < score(b); });
  for (Candidate& candidate : candidates) {
    candidate.on_front = std::none_of(
        candidates.begin(), candidates.end(),
        [&](const Candidate& other) { return Beats(other.figures, candidate.figures); });
  }
  const auto distance = [this](const Candidate& candidate) {
    return std::make_pair(candidate.configuration.DifferencesFrom(standard().configuration),
                          Score(candidate.figures, Objective::kBalanced));
  };
  Candidate* best = nullptr;
  Candidate* nearest = nullptr;
  for (Candidate& candidate : candidates) {
    if (!candidate.is_eligible) continue;
    if (best == nullptr) best = &candidate;
    if (score(candidate) > score(*best) + kNearTie) break;
    if (nearest == nullptr || distance(candidate) < distance(*nearest)) nearest = &candidate;
  }
  nearest->is_chosen = true;
}

const Candidate& Findings::chosen() const {
  return *std::find_if(candidates.begin(), candidates.end(),
                       [](const Candidate& candidate) { return candidate.is_chosen; });
}

const Candidate& Findings::standard() const {
  return *std::find_if(candidates.begin(), candidates.end(),
                       [](const Candidate& candidate) { return candidate.is_default; });
}

}  // namespace ndarray::tools
