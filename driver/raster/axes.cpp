#include "driver/raster/axes.h"

#include <algorithm>
#include <charconv>
#include <climits>

namespace ndarray {
namespace {

constexpr int64_t kMaxColours = 4;

std::string DefaultName(const AxisVector& shape, int first) {
  const int rank = shape.size() - first;
  if (rank == 1) return "X";
  if (rank == 2) return "YX";
  return shape[first + 2] <= kMaxColours && shape[first] > kMaxColours ? "YXB" : "BYX";
}

bool IsAxesName(std::string_view name) {
  const auto count = [name](char letter) { return std::count(name.begin(), name.end(), letter); };
  return count('X') == 1 && count('Y') <= 1 && count('B') <= 1 &&
         static_cast<size_t>(count('X') + count('Y') + count('B')) == name.size();
}

Status BadName(std::string_view name, std::string_view wanted) {
  return Mismatch(StatusCode::kInvalidArgument, "AXES", name, wanted);
}

Status CheckIndex(const AxisVector& shape, const AxisVector& index) {
  if (index.size() >= shape.size()) {
    return Mismatch(StatusCode::kInvalidArgument, "index", ShapeString(index),
                    "fewer numbers than the axes of shape " + ShapeString(shape));
  }
  for (int axis = 0; axis < index.size(); ++axis) {
    if (index[axis] < 0 || index[axis] >= shape[axis]) {
      return Mismatch(StatusCode::kInvalidArgument, "index", ShapeString(index),
                      "an index into shape " + ShapeString(shape));
    }
  }
  return {};
}

}  // namespace

const char* Axes::Interleave(bool fortran_order) const {
  if (band < 0) return "BAND";
  int inner_axes = 0;  // of the raster, that vary faster than the bands
  for (const int axis : {y, x}) {
    if (axis >= 0 && (fortran_order ? axis < band : axis > band)) ++inner_axes;
  }
  const int plane_axes = (y >= 0 ? 1 : 0) + 1;
  return inner_axes == plane_axes ? "BAND" : inner_axes == 0 ? "PIXEL" : "LINE";
}

Result<Axes> ChooseAxes(const AxisVector& shape, const AxisVector& index, std::string_view name) {
  Status status = CheckIndex(shape, index);
  if (!status.ok()) return status;
  const int first = index.size();
  const int rank = shape.size() - first;
  if (rank > kMaxRasterAxes) {
    return Mismatch(StatusCode::kInvalidArgument, "index", ShapeString(index),
                    "one that leaves at most 3 axes of shape " + ShapeString(shape));
  }
  Axes axes;
  axes.index = index;
  axes.name = name.empty() ? DefaultName(shape, first) : std::string(name);
  if (!IsAxesName(axes.name)) return BadName(name, "letters out of B, Y and X, X among them");
  if (axes.name.size() != static_cast<size_t>(rank)) {
    return BadName(name, std::to_string(rank) + " letters for shape " + ShapeString(shape));
  }
  for (int i = 0; i < rank; ++i) {
    const char letter = axes.name[static_cast<size_t>(i)];
    (letter == 'B' ? axes.band : letter == 'Y' ? axes.y : axes.x) = first + i;
    if (shape[first + i] > INT_MAX) {
      return Mismatch(StatusCode::kNotSupported, "shape", ShapeString(shape),
                      "raster axes below 2^31 elements");
    }
  }
  return axes;
}

std::string AxesForInterleave(std::string_view interleave, int bands) {
  if (bands == 1) return "YX";
  return interleave == "PIXEL" ? "YXB" : interleave == "LINE" ? "YBX" : "BYX";
}

Result<AxisVector> ShapeForAxes(std::string_view name, int64_t bands, int64_t height,
                                int64_t width) {
  if (!IsAxesName(name)) return BadName(name, "letters out of B, Y and X, X among them");
  if (bands > 1 && name.find('B') == std::string_view::npos) {
    return BadName(name, "a B for " + std::to_string(bands) + " bands");
  }
  if (height > 1 && name.find('Y') == std::string_view::npos) {
    return BadName(name, "a Y for " + std::to_string(height) + " lines");
  }
  AxisVector shape;
  for (const char letter : name) {
    shape.push_back(letter == 'B' ? bands : letter == 'Y' ? height : width);
  }
  return shape;
}

Result<AxisVector> ParseIndex(std::string_view text) {
  const Status bad =
      Mismatch(StatusCode::kInvalidArgument, "index", text, "i, or i,j,... (from 0)");
  if (!text.empty() && text.front() == '[') {
    if (text.back() != ']' || text.size() < 2) return bad;
    text = text.substr(1, text.size() - 2);
  }
  AxisVector index;
  const char* at = text.data();
  const char* const end = text.data() + text.size();
  while (true) {
    while (at != end && *at == ' ') ++at;
    int64_t value = 0;
    const auto [next, error] = std::from_chars(at, end, value);
    if (error != std::errc() || value < 0 || index.size() == kMaxAxes) return bad;
    index.push_back(value);
    at = next;
    while (at != end && *at == ' ') ++at;
    if (at == end) return index;
    if (*at++ != ',') return bad;
  }
}

}  // namespace ndarray
