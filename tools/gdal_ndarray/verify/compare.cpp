#include "tools/gdal_ndarray/verify/compare.h"

#include <algorithm>
#include <complex>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <utility>

#include "driver/raster/gdal_types.h"
#include "driver/raster/threads.h"
#include "driver/store/box.h"
#include "driver/store/checked_math.h"
#include "driver/store/thread_pool.h"

namespace ndarray::tools {
namespace {

constexpr int64_t kPieceBytes = int64_t{8} << 20;

struct Half {
  uint16_t bits;
};

float ToFloat(Half half) {
  float value;
  HalfToFloat(&half.bits, &value, 1);
  return value;
}

template <typename T>
bool IsEqual(T a, T b) {
  return a == b || (a != a && b != b);
}
bool IsEqual(Half a, Half b) { return IsEqual(ToFloat(a), ToFloat(b)); }
template <typename T>
bool IsEqual(std::complex<T> a, std::complex<T> b) {
  return IsEqual(a.real(), b.real()) && IsEqual(a.imag(), b.imag());
}

template <typename T>
std::string Text(T value) {
  if constexpr (std::is_integral_v<T>) {
    return std::to_string(value);
  } else {
    char text[40];
    std::snprintf(text, sizeof(text), "%.*g", sizeof(T) == sizeof(float) ? 9 : 17,
                  static_cast<double>(value));
    return text;
  }
}
std::string Text(Half value) { return Text(ToFloat(value)); }
template <typename T>
std::string Text(std::complex<T> value) {
  const std::string imaginary = Text(value.imag());
  return Text(value.real()) + (imaginary[0] == '-' ? "" : "+") + imaginary + "j";
}

bool IsEarlier(const Difference& a, const Difference& b) {
  return std::lexicographical_compare(a.at.begin(), a.at.end(), b.at.begin(), b.at.end());
}

void Extend(Box& bounds, const Box& box) {
  if (bounds.start.empty()) {
    bounds = box;
    return;
  }
  for (int axis = 0; axis < box.start.size(); ++axis) {
    bounds.start[axis] = std::min(bounds.start[axis], box.start[axis]);
    bounds.stop[axis] = std::max(bounds.stop[axis], box.stop[axis]);
  }
}

template <typename T>
T At(const std::byte* values, int64_t number) {
  T value;
  std::memcpy(&value, values + number * static_cast<int64_t>(sizeof(T)), sizeof(T));
  return value;
}

template <typename T>
void CompareRow(const std::byte* a, const std::byte* b, int64_t count, const AxisVector& row,
                size_t max_listed, Comparison& result) {
  const int last = row.size() - 1;
  Box differing{row, row};
  for (int axis = 0; axis < last; ++axis) ++differing.stop[axis];
  bool any = false;
  for (int64_t i = 0; i < count; ++i) {
    const T here = At<T>(a, i);
    const T there = At<T>(b, i);
    if (IsEqual(here, there)) continue;
    ++result.different;
    if (!any) differing.start[last] = row[last] + i;
    any = true;
    differing.stop[last] = row[last] + i + 1;
    if (result.first.size() < max_listed) {
      Difference difference{row, Text(here), Text(there)};
      difference.at[last] += i;
      result.first.push_back(std::move(difference));
    }
  }
  if (any) Extend(result.bounds, differing);
}

using RowComparer = void (*)(const std::byte*, const std::byte*, int64_t, const AxisVector&, size_t,
                             Comparison&);

RowComparer ComparerOf(ScalarType type) {
  switch (type) {
    case ScalarType::kBool:
    case ScalarType::kUInt8:
      return CompareRow<uint8_t>;
    case ScalarType::kInt8:
      return CompareRow<int8_t>;
    case ScalarType::kInt16:
      return CompareRow<int16_t>;
    case ScalarType::kInt32:
      return CompareRow<int32_t>;
    case ScalarType::kInt64:
      return CompareRow<int64_t>;
    case ScalarType::kUInt16:
      return CompareRow<uint16_t>;
    case ScalarType::kUInt32:
      return CompareRow<uint32_t>;
    case ScalarType::kUInt64:
      return CompareRow<uint64_t>;
    case ScalarType::kFloat16:
      return CompareRow<Half>;
    case ScalarType::kFloat32:
      return CompareRow<float>;
    case ScalarType::kFloat64:
      return CompareRow<double>;
    case ScalarType::kComplex64:
      return CompareRow<std::complex<float>>;
    case ScalarType::kComplex128:
      return CompareRow<std::complex<double>>;
  }
  return nullptr;
}

// Compares one piece in memory.
Comparison ComparePiece(const Box& box, ScalarType type, const std::byte* a, const std::byte* b,
                        size_t max_listed) {
  const auto element_bytes = static_cast<int64_t>(SizeBytes(type));
  Comparison result;
  result.values = ElementsIn(box);
  if (std::memcmp(a, b, static_cast<size_t>(result.values * element_bytes)) == 0) return result;
  const int last = box.start.size() - 1;
  const int64_t count = box.count(last);
  const RowComparer compare_row = ComparerOf(type);
  Box rows = box;
  rows.stop[last] = rows.start[last] + 1;
  AxisVector row = rows.start;
  do {
    if (std::memcmp(a, b, static_cast<size_t>(count * element_bytes)) != 0) {
      compare_row(a, b, count, row, max_listed, result);
    }
    a += count * element_bytes;
    b += count * element_bytes;
  } while (Advance(rows, row));
  return result;
}

void Add(Comparison& all, Comparison piece, size_t max_listed) {
  all.values += piece.values;
  all.different += piece.different;
  all.unread += piece.unread;
  if (all.why_unread.empty()) all.why_unread = std::move(piece.why_unread);
  if (piece.different == 0) return;
  Extend(all.bounds, piece.bounds);
  std::move(piece.first.begin(), piece.first.end(), std::back_inserter(all.first));
  std::sort(all.first.begin(), all.first.end(), IsEarlier);
  if (all.first.size() > max_listed) {
    all.first.erase(all.first.begin() + static_cast<std::ptrdiff_t>(max_listed), all.first.end());
  }
}

// Reads a box on both sides, and adds what is found.
Status CompareBox(const Box& box, ScalarType type, const PieceReader& here,
                  const PieceReader& there, size_t max_listed, Comparison& result) {
  thread_local std::vector<std::byte> a, b;
  a.resize(static_cast<size_t>(ElementsIn(box)) * SizeBytes(type));
  b.resize(a.size());
  const Status read = here(box, a.data());
  if (!read.ok()) {
    Comparison unread;
    unread.unread = ElementsIn(box);
    unread.why_unread = read.message();
    Add(result, std::move(unread), max_listed);
    return {};
  }
  Status status = there(box, b.data());
  if (status.ok()) {
    Add(result, ComparePiece(box, type, a.data(), b.data(), max_listed), max_listed);
  }
  return status;
}

// The pieces that a box is cut into, along each axis, and one of them.
AxisVector GridOf(const Box& box, const AxisVector& piece) {
  AxisVector grid(piece.size());
  for (int axis = 0; axis < piece.size(); ++axis) {
    grid[axis] = DivideUp(box.count(axis), piece[axis]);
  }
  return grid;
}

Box PieceIn(const Box& box, const AxisVector& piece, const AxisVector& position) {
  Box part{position, position};
  for (int axis = 0; axis < position.size(); ++axis) {
    part.start[axis] = box.start[axis] + position[axis] * piece[axis];
    part.stop[axis] = std::min(part.start[axis] + piece[axis], box.stop[axis]);
  }
  return part;
}

}  // namespace

AxisVector PieceShape(const AxisVector& shape, const AxisVector& unit, int64_t element_bytes) {
  AxisVector piece = unit;
  double bytes = static_cast<double>(element_bytes);
  for (int axis = 0; axis < shape.size(); ++axis) {
    piece[axis] = std::min(piece[axis], shape[axis]);
    bytes *= static_cast<double>(piece[axis]);
  }
  for (int axis = 0; axis < shape.size(); ++axis) {
    while (bytes > kPieceBytes && piece[axis] > 1) {
      bytes /= static_cast<double>(piece[axis]);
      piece[axis] = (piece[axis] + 1) / 2;
      bytes *= static_cast<double>(piece[axis]);
    }
  }
  for (int axis = shape.size() - 1; axis >= 0; --axis) {
    const auto factor = static_cast<int64_t>(static_cast<double>(kPieceBytes) / bytes);
    if (factor < 2) break;
    bytes /= static_cast<double>(piece[axis]);
    piece[axis] = piece[axis] > shape[axis] / factor ? shape[axis] : piece[axis] * factor;
    bytes *= static_cast<double>(piece[axis]);
  }
  return piece;
}

Result<Comparison> Compare(const Pieces& pieces, ScalarType type, const PieceReader& here,
                           const PieceReader& there, size_t max_listed,
                           const ProgressFn& progress) {
  const Box all_values{AxisVector(pieces.shape.size(), 0), pieces.shape};
  const AxisVector grid = GridOf(all_values, pieces.piece);
  const int64_t count = *CheckedProduct(grid);
  std::mutex mutex;
  Comparison all;
  int64_t finished = 0;
  Status failure = TryParallelFor(count, DefaultThreads(), [&](int64_t number) {
    const Box box = PieceIn(all_values, pieces.piece, GridPosition(grid, number));
    Comparison found;
    Status status = CompareBox(box, type, here, there, max_listed, found);
    if (status.ok() && found.unread > 0) {
      // How little of it cannot be read?
      found = Comparison();
      const AxisVector parts = GridOf(box, pieces.min_piece);
      for (int64_t part = 0; status.ok() && part < *CheckedProduct(parts); ++part) {
        status = CompareBox(PieceIn(box, pieces.min_piece, GridPosition(parts, part)), type, here,
                            there, max_listed, found);
      }
    }
    if (!status.ok()) return status;
    const std::lock_guard<std::mutex> lock(mutex);
    Add(all, std::move(found), max_listed);
    ++finished;
    return ReportProgress(progress, static_cast<double>(finished) / static_cast<double>(count));
  });
  if (!failure.ok()) return failure;
  return all;
}

}  // namespace ndarray::tools
