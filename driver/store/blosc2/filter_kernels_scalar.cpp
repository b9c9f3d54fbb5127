#include <algorithm>
#include <cstdint>

#include "driver/store/blosc2/filter_kernel_table.h"

namespace ndarray {
namespace {

// Where byte j of the first element of a run goes.
std::byte* Target(const FilterRows& rows, size_t run, size_t j) {
  return rows.to + static_cast<std::ptrdiff_t>(run) * rows.to_step_bytes + j;
}

void ScalarUnshuffle(const std::byte* planes, size_t elements, size_t element_bytes,
                     const FilterRows& rows) {
  for (size_t run = 0; run < rows.rows; ++run) {
    for (size_t j = 0; j < element_bytes; ++j) {
      const std::byte* const from = planes + j * elements + rows.first + run * rows.step;
      std::byte* const to = Target(rows, run, j);
      for (size_t i = 0; i < rows.count; ++i) to[i * element_bytes] = from[i];
    }
  }
}

std::byte Add(std::byte a, std::byte b) {
  return static_cast<std::byte>(std::to_integer<unsigned>(a) + std::to_integer<unsigned>(b));
}

void ScalarUndeltaUnshuffle(const std::byte* planes, size_t elements, size_t element_bytes,
                            const FilterRows& rows) {
  for (size_t j = 0; j < element_bytes; ++j) {
    const std::byte* from = planes + j * elements;
    std::byte sum{0};
    size_t gap = rows.first;
    for (size_t run = 0; run < rows.rows; ++run) {
      for (; gap > 0; --gap) sum = Add(sum, *from++);
      std::byte* const to = Target(rows, run, j);
      for (size_t i = 0; i < rows.count; ++i) {
        sum = Add(sum, *from++);
        to[i * element_bytes] = sum;
      }
      gap = rows.step - rows.count;
    }
  }
}

// Exchanges the bits that `low` << distance selects with those that `low` does.
uint64_t Exchange(uint64_t bits, uint64_t low, int distance) {
  const uint64_t changed = (bits ^ (bits >> distance)) & low;
  return bits ^ changed ^ (changed << distance);
}

// Byte j of 8 elements, in its eight bytes, of the 8 planes of its bits.
uint64_t EightBytes(const std::byte* bits, size_t plane_bytes) {
  uint64_t rows = 0;  // row k are bits 8 * k to 8 * k + 7
  for (size_t k = 0; k < 8; ++k) {
    rows |= std::to_integer<uint64_t>(bits[k * plane_bytes]) << (8 * k);
  }
  rows = Exchange(rows, 0x00AA00AA00AA00AAu, 7);
  rows = Exchange(rows, 0x0000CCCC0000CCCCu, 14);
  return Exchange(rows, 0x00000000F0F0F0F0u, 28);
}

void ScalarBitUnshuffle(const std::byte* planes, size_t elements, size_t element_bytes,
                        const FilterRows& rows) {
  const size_t plane_bytes = elements / 8;
  for (size_t run = 0; run < rows.rows; ++run) {
    const size_t first = rows.first + run * rows.step;
    for (size_t j = 0; j < element_bytes; ++j) {
      const std::byte* const bits = planes + j * elements;
      std::byte* to = Target(rows, run, j);
      for (size_t i = first; i < first + rows.count;) {
        uint64_t bytes = EightBytes(bits + i / 8, plane_bytes) >> (i % 8 * 8);
        const size_t end = std::min(i / 8 * 8 + 8, first + rows.count);
        for (; i < end; ++i, to += element_bytes, bytes >>= 8) {
          *to = static_cast<std::byte>(bytes & 0xFF);
        }
      }
    }
  }
}

void ScalarUndelta(std::byte* planes, size_t plane_bytes, size_t streams) {
  for (size_t stream = 0; stream < streams; ++stream) {
    std::byte sum{0};
    for (std::byte* const end = planes + plane_bytes; planes != end; ++planes) {
      sum = Add(sum, *planes);
      *planes = sum;
    }
  }
}

}  // namespace

const FilterKernels kScalarFilterKernels = {"SCALAR", ScalarUnshuffle, ScalarUndeltaUnshuffle,
                                            ScalarBitUnshuffle, ScalarUndelta};

}  // namespace ndarray
