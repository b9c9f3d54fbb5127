#include "driver/store/b2nd/chunk_changes.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "driver/store/b2nd/decoded_chunk.h"
#include "driver/store/box.h"

namespace ndarray {
namespace {

constexpr size_t kMaxParts = 64;

int64_t ElementsOf(const B2ndLayout& layout) {
  return layout.chunk_bytes / layout.element.element_bytes;
}

// A few bits are set by one step, which may touch so many bytes after them.
constexpr size_t kBytesAfter = sizeof(uint64_t);

void SetBits(std::vector<uint8_t>& bits, int64_t first, int64_t count) {
  if (count <= 56 && kNativeOrder == ByteOrder::kLittle) {
    uint64_t word;
    uint8_t* const at = bits.data() + first / 8;
    std::memcpy(&word, at, sizeof(word));
    word |= ((uint64_t{1} << count) - 1) << (first % 8);
    std::memcpy(at, &word, sizeof(word));
    return;
  }
  const int64_t stop = first + count;
  for (; first < stop && first % 8 != 0; ++first) {
    bits[static_cast<size_t>(first / 8)] |= static_cast<uint8_t>(1U << (first % 8));
  }
  const int64_t bytes = std::max<int64_t>(stop - first, 0) / 8;
  std::memset(bits.data() + first / 8, 0xFF, static_cast<size_t>(bytes));
  for (first += 8 * bytes; first < stop; ++first) {
    bits[static_cast<size_t>(first / 8)] |= static_cast<uint8_t>(1U << (first % 8));
  }
}

}  // namespace

ChunkChanges::Part ChunkChanges::PartOf(const B2ndLayout& layout, const Numbers& numbers) {
  Part part{static_cast<size_t>(numbers[0]), {}};
  for (size_t axis = 0; axis < static_cast<size_t>(layout.shape.size()); ++axis) {
    part.box.start.push_back(numbers[1 + 2 * axis]);
    part.box.stop.push_back(numbers[2 + 2 * axis]);
  }
  return part;
}

// Whether both make one box, which `to` then is: they differ along one axis at most, and touch
// there, or one holds the other.
bool ChunkChanges::Join(size_t count, const Numbers& part, Numbers& to) {
  if (part[0] != to[0]) return false;
  size_t differing = 0;
  bool holds = true;
  bool is_held = true;
  for (size_t i = 1; i < count; i += 2) {
    const bool same = part[i] == to[i] && part[i + 1] == to[i + 1];
    if (!same) differing += 1;
    if (part[i] > to[i + 1] || to[i] > part[i + 1]) return false;
    holds = holds && to[i] <= part[i] && part[i + 1] <= to[i + 1];
    is_held = is_held && part[i] <= to[i] && to[i + 1] <= part[i + 1];
  }
  if (!holds && !is_held && differing > 1) return false;
  for (size_t i = 1; i < count; i += 2) {
    to[i] = std::min(to[i], part[i]);
    to[i + 1] = std::max(to[i + 1], part[i + 1]);
  }
  return true;
}

// One that has grown may touch others then.
void ChunkChanges::AddPart(size_t count, Numbers part) {
  for (size_t i = 0; i < parts_.size();) {
    if (Join(count, parts_[i], part)) {
      parts_.erase(parts_.begin() + static_cast<std::ptrdiff_t>(i));
      i = 0;
    } else {
      ++i;
    }
  }
  parts_.push_back(part);
}

void ChunkChanges::Add(const B2ndLayout& layout, const AxisVector& position, size_t field,
                       const Box& part) {
  if (all_) return;
  if (!bits_.empty()) return AddBits(layout, position, {field, part});
  Numbers numbers{static_cast<int64_t>(field)};
  for (int axis = 0; axis < part.start.size(); ++axis) {
    numbers[static_cast<size_t>(1 + 2 * axis)] = part.start[axis];
    numbers[static_cast<size_t>(2 + 2 * axis)] = part.stop[axis];
  }
  AddPart(static_cast<size_t>(1 + 2 * part.start.size()), numbers);
  if (parts_.size() == 1 && !layout.element.is_record &&
      ElementsIn(PartOf(layout, parts_[0]).box) == ElementsIn(ChunkBox(layout, position))) {
    all_ = true;
    parts_.clear();
  }
  if (parts_.size() <= kMaxParts) return;
  bits_.resize(layout.element.fields.size() * static_cast<size_t>((ElementsOf(layout) + 7) / 8) +
               kBytesAfter);
  for (const Numbers& known : std::exchange(parts_, {})) {
    AddBits(layout, position, PartOf(layout, known));
  }
}

void ChunkChanges::AddBits(const B2ndLayout& layout, const AxisVector& position, const Part& part) {
  const int64_t field_at = static_cast<int64_t>(part.field) * ((ElementsOf(layout) + 7) / 8) * 8;
  const int64_t block_elements = layout.block_bytes / layout.element.element_bytes;
  const int last = part.box.start.size() - 1;
  const Box blocks = BlocksOf(layout, position, part.box);
  AxisVector block = blocks.start;
  do {
    const Box block_box = BlockBox(layout, position, block);
    const Box inner = Intersection(block_box, part.box);
    const int64_t block_at = field_at + GridIndex(layout.block_grid, block) * block_elements;
    Box lines = inner;
    lines.stop[last] = lines.start[last] + 1;
    Box at = lines;
    do {
      const int64_t offset = OffsetOf(layout.block_strides_bytes, block_box, at);
      SetBits(bits_, block_at + offset / layout.element.element_bytes, inner.count(last));
    } while (Advance(lines, at.start));
  } while (Advance(blocks, block));
}

void ChunkChanges::Copy(const B2ndLayout& layout, const AxisVector& position, const std::byte* from,
                        std::byte* to) const {
  if (all_) {
    std::memcpy(to, from, static_cast<size_t>(layout.chunk_bytes));
    return;
  }
  for (const Numbers& numbers : parts_) {
    const Part part = PartOf(layout, numbers);
    CopyBetweenChunks(layout, from, to, position, layout.element.fields[part.field], part.box);
  }
  if (!bits_.empty()) CopyBits(layout, from, to);
}

void ChunkChanges::CopyBits(const B2ndLayout& layout, const std::byte* from, std::byte* to) const {
  const int64_t field_bytes = (ElementsOf(layout) + 7) / 8;
  for (size_t field = 0; field < layout.element.fields.size(); ++field) {
    const Field& described = layout.element.fields[field];
    const uint8_t* const bits = bits_.data() + static_cast<int64_t>(field) * field_bytes;
    for (int64_t byte = 0; byte < field_bytes; ++byte) {
      for (int64_t bit = 0; bits[byte] >> bit != 0; ++bit) {
        if ((bits[byte] >> bit & 1) == 0) continue;
        const int64_t at = (8 * byte + bit) * layout.element.element_bytes + described.offset_bytes;
        std::memcpy(to + at, from + at, described.dtype.size_bytes());
      }
    }
  }
}

size_t ChunkChanges::size_bytes() const {
  return sizeof(*this) + bits_.capacity() + parts_.capacity() * sizeof(Numbers);
}

}  // namespace ndarray
