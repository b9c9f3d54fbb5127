#include "driver/raster/multidim/unwritten.h"

#include <algorithm>
#include <utility>

namespace ndarray {
namespace {

constexpr size_t kMaxBoxes = 256;

bool Overlap(const Box& a, const Box& b) {
  for (int axis = 0; axis < a.start.size(); ++axis) {
    if (a.start[axis] >= b.stop[axis] || b.start[axis] >= a.stop[axis]) return false;
  }
  return true;
}

// Makes `a` the box of both, where together they are one: neighbours along one axis and alike along
// all others, or one within the other.
bool Join(Box& a, const Box& b) {
  int apart = -1;
  for (int axis = 0; axis < a.start.size(); ++axis) {
    if (a.start[axis] == b.start[axis] && a.stop[axis] == b.stop[axis]) continue;
    const bool meet = a.start[axis] <= b.stop[axis] && b.start[axis] <= a.stop[axis];
    if (apart >= 0 || !meet) return false;
    apart = axis;
  }
  if (apart < 0) return true;
  a.start[apart] = std::min(a.start[apart], b.start[apart]);
  a.stop[apart] = std::max(a.stop[apart], b.stop[apart]);
  return true;
}

// Adds what is left of `box` without `hole` to `pieces`.
void Cut(Box box, const Box& hole, std::vector<Box>& pieces) {
  if (!Overlap(box, hole)) return pieces.push_back(box);
  for (int axis = 0; axis < box.start.size(); ++axis) {
    if (box.start[axis] < hole.start[axis]) {
      pieces.push_back(box);
      pieces.back().stop[axis] = box.start[axis] = hole.start[axis];
    }
    if (box.stop[axis] > hole.stop[axis]) {
      pieces.push_back(box);
      pieces.back().start[axis] = box.stop[axis] = hole.stop[axis];
    }
  }
}

}  // namespace

// Copies write row by row: what joins the box before may then join the one before that.
void Unwritten::Add(Box box) {
  while (!written_.empty() && Join(box, written_.back())) written_.pop_back();
  written_.push_back(box);
}

Status Unwritten::NoteWrite(const ElementWindow& window, WritableArray& array) {
  Box box{shape_, shape_};
  bool is_dense = true;
  for (int axis = 0; axis < shape_.size(); ++axis) {
    const auto first = static_cast<int64_t>(window.start[axis]);
    const auto count = static_cast<int64_t>(window.count[axis]);
    const int64_t last = first + (count - 1) * window.step[axis];
    box.start[axis] = std::min(first, last);
    box.stop[axis] = std::max(first, last) + 1;
    is_dense = is_dense && (count == 1 || window.step[axis] == 1 || window.step[axis] == -1);
    // Nothing will be written.
    if (count < 1 || box.start[axis] < 0 || box.stop[axis] > shape_[axis]) return {};
  }
  if (!is_dense && !is_settled_) {
    Status status = Fill(box, array);
    if (!status.ok()) return status;
  }
  Add(box);
  if (written_.size() <= kMaxBoxes) return {};
  Status status = Settle(array);
  if (status.ok()) written_ = {Box{AxisVector(shape_.size(), 0), shape_}};
  return status;
}

void Unwritten::Take(std::vector<std::byte> element) {
  const bool are_zeros = std::all_of(element.begin(), element.end(),
                                     [](std::byte byte) { return byte == std::byte{0}; });
  if (element_.empty() && are_zeros) return;
  element_ = std::move(element);
  is_settled_ = false;
}

Status Unwritten::Fill(const Box& box, WritableArray& array) const {
  if (element_.empty()) return {};
  std::vector<Box> rest = {box};
  for (const Box& hole : written_) {
    std::vector<Box> pieces;
    for (const Box& piece : rest) Cut(piece, hole, pieces);
    rest = std::move(pieces);
  }
  for (const Box& piece : rest) {
    Status status = array.Write(0, piece, {element_.data(), AxisVector(shape_.size(), 0)});
    if (!status.ok()) return status;
  }
  return {};
}

Status Unwritten::Settle(WritableArray& array) {
  if (is_settled_) return {};
  Status status = Fill(Box{AxisVector(shape_.size(), 0), shape_}, array);
  is_settled_ = status.ok();
  return status;
}

}  // namespace ndarray
