#include "tools/tune_plot.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <string_view>
#include <vector>

#include "tools/picture.h"
#include "tools/report.h"

namespace ndarray::tools {
namespace {

constexpr int kWidth = 900, kHeight = 600;
constexpr int kLeft = 90, kRight = 30, kTop = 40, kBottom = 60;

using Colour = std::array<uint8_t, 3>;
constexpr Colour kBlack = {0, 0, 0}, kGrey = {225, 225, 225}, kPoint = {120, 120, 120},
                 kFront = {200, 40, 40}, kChosen = {20, 140, 60}, kDefault = {30, 80, 200};

// Three dots a line, five lines a sign, the first in the highest bits.
struct Sign {
  char letter;
  uint16_t dots;
};
constexpr Sign kSigns[] = {
    {'0', 075557}, {'1', 026227}, {'2', 071747}, {'3', 071717}, {'4', 055711}, {'5', 074717},
    {'6', 074757}, {'7', 071111}, {'8', 075757}, {'9', 075717}, {'.', 000002}, {'a', 007577},
    {'c', 007447}, {'d', 011757}, {'e', 007747}, {'f', 034644}, {'i', 020222}, {'l', 022223},
    {'m', 005775}, {'n', 007555}, {'o', 007557}, {'r', 007444}, {'s', 003636}, {'t', 027223},
    {'u', 005557}, {'w', 005577},
};

class Picture {
 public:
  Picture() : planes_(3, std::vector<GByte>(size_t{kWidth} * kHeight, 255)) {}

  void Dot(int x, int y, Colour colour) {
    if (x < 0 || y < 0 || x >= kWidth || y >= kHeight) return;
    const size_t at = static_cast<size_t>(y) * kWidth + static_cast<size_t>(x);
    for (size_t plane = 0; plane < colour.size(); ++plane) planes_[plane][at] = colour[plane];
  }

  void Line(double x0, double y0, double x1, double y1, Colour colour) {
    const int steps = static_cast<int>(std::max(std::abs(x1 - x0), std::abs(y1 - y0))) + 1;
    for (int step = 0; step <= steps; ++step) {
      const double part = static_cast<double>(step) / steps;
      Dot(static_cast<int>(x0 + part * (x1 - x0)), static_cast<int>(y0 + part * (y1 - y0)), colour);
    }
  }

  // A ring, a disc where it has no hole.
  void Ring(double x, double y, double radius, double hole, Colour colour) {
    const auto reach = static_cast<int>(radius) + 1;
    for (int dy = -reach; dy <= reach; ++dy) {
      for (int dx = -reach; dx <= reach; ++dx) {
        const double distance = std::hypot(dx, dy);
        if (distance <= radius && distance >= hole) {
          Dot(static_cast<int>(x) + dx, static_cast<int>(y) + dy, colour);
        }
      }
    }
  }

  static constexpr int kDot = 2;
  static int TextWidth(std::string_view text) { return 4 * kDot * static_cast<int>(text.size()); }

  void Text(int x, int y, std::string_view text, Colour colour) {
    for (const char letter : text) {
      for (const Sign& sign : kSigns) {
        for (int dot = 0; sign.letter == letter && dot < 15 * kDot * kDot; ++dot) {
          const int column = dot % (3 * kDot);
          const int line = dot / (3 * kDot);
          if ((sign.dots >> (14 - line / kDot * 3 - column / kDot) & 1) != 0) {
            Dot(x + column, y + line, colour);
          }
        }
      }
      x += 4 * kDot;
    }
  }

  void Write(const std::string& path) const { WritePng(planes_, kWidth, kHeight, path); }

 private:
  std::vector<std::vector<GByte>> planes_;
};

// From numbers to places on an axis; logarithms where values are times.
class Axis {
 public:
  Axis(bool logarithmic, int from, int to) : logarithmic_(logarithmic), from_(from), to_(to) {}

  void Cover(double value) {
    least_ = std::min(least_, Place(value));
    most_ = std::max(most_, Place(value));
  }
  void AddMargin() {
    const double margin = std::max(0.06 * (most_ - least_), 0.01);
    least_ -= margin;
    most_ += margin;
  }
  double At(double value) const {
    return from_ + (Place(value) - least_) / (most_ - least_) * (to_ - from_);
  }

  // Round numbers, some of them.
  std::vector<double> Ticks() const {
    const double low = logarithmic_ ? std::pow(10, least_) : least_;
    const double high = logarithmic_ ? std::pow(10, most_) : most_;
    double step = std::pow(10, std::floor(std::log10(std::max(high - low, 1e-9) / 4)));
    for (const double factor : {2.0, 2.5, 2.0}) {
      if ((high - low) / step > 9) step *= factor;
    }
    std::vector<double> ticks;
    double last = -1e9;
    for (double tick = std::ceil(low / step) * step; tick <= high; tick += step) {
      if (tick <= 0 || std::abs(At(tick) - last) < 24) continue;
      ticks.push_back(tick);
      last = At(tick);
    }
    return ticks;
  }

 private:
  double Place(double value) const { return logarithmic_ ? std::log10(value) : value; }

  const bool logarithmic_;
  const int from_, to_;
  double least_ = 1e300, most_ = -1e300;
};

// Ticks are round numbers, which need no exponent.
std::string TickText(double value) { return NumberText(value, value >= 1000 ? 6 : 3); }

}  // namespace

void PlotFindings(const std::string& path, const Findings& findings) {
  Axis ratios(false, kLeft, kWidth - kRight);
  Axis times(true, kHeight - kBottom, kTop);
  std::vector<const Candidate*> front;
  for (const Candidate& candidate : findings.candidates) {
    ratios.Cover(candidate.figures.ratio);
    times.Cover(1000 * candidate.figures.p50);
    if (candidate.on_front) front.push_back(&candidate);
  }
  ratios.AddMargin();
  times.AddMargin();
  const auto x = [&](const Candidate& candidate) { return ratios.At(candidate.figures.ratio); };
  const auto y = [&](const Candidate& candidate) { return times.At(1000 * candidate.figures.p50); };

  Picture picture;
  constexpr int kEnd = kHeight - kBottom;
  for (const double tick : ratios.Ticks()) {
    const double at = ratios.At(tick);
    picture.Line(at, kTop, at, kEnd, kGrey);
    const std::string text = TickText(tick);
    picture.Text(static_cast<int>(at) - Picture::TextWidth(text) / 2, kEnd + 8, text, kBlack);
  }
  for (const double tick : times.Ticks()) {
    const double at = times.At(tick);
    picture.Line(kLeft, at, kWidth - kRight, at, kGrey);
    const std::string text = TickText(tick);
    picture.Text(kLeft - 8 - Picture::TextWidth(text), static_cast<int>(at) - 5, text, kBlack);
  }
  picture.Line(kLeft, kTop, kLeft, kEnd, kBlack);
  picture.Line(kLeft, kEnd, kWidth - kRight, kEnd, kBlack);
  picture.Text(kWidth - kRight - Picture::TextWidth("ratio"), kEnd + 30, "ratio", kBlack);
  picture.Text(12, kTop - 24, "ms a window", kBlack);

  std::sort(front.begin(), front.end(),
            [&](const Candidate* a, const Candidate* b) { return x(*a) < x(*b); });
  for (size_t i = 1; i < front.size(); ++i) {
    picture.Line(x(*front[i - 1]), y(*front[i - 1]), x(*front[i]), y(*front[i]), kFront);
  }
  for (const Candidate& candidate : findings.candidates) {
    picture.Ring(x(candidate), y(candidate), 3, 0, candidate.on_front ? kFront : kPoint);
  }
  const auto label = [&](const Candidate& candidate, double hole, const char* text, Colour colour,
                         int dy) {
    picture.Ring(x(candidate), y(candidate), 7, hole, colour);
    const int width = Picture::TextWidth(text);
    const int right = static_cast<int>(x(candidate)) + 12;
    picture.Text(right + width > kWidth ? right - width - 24 : right,
                 static_cast<int>(y(candidate)) + dy, text, colour);
  };
  label(findings.chosen(), 0, "recommended", kChosen, -16);
  label(findings.standard(), 5, "default", kDefault, 6);
  picture.Write(path);
}

}  // namespace ndarray::tools
