#include "driver/store/blosc2/filter_kernels.h"

#include <vector>

namespace ndarray {
namespace {

template <typename ByteAt>
void ForEachByte(const FilterRows& rows, size_t element_bytes, const ByteAt& byte_at) {
  for (size_t r = 0; r < rows.rows; ++r) {
    std::byte* const to = rows.to + static_cast<std::ptrdiff_t>(r) * rows.to_step_bytes;
    for (size_t i = 0; i < rows.count; ++i) {
      for (size_t j = 0; j < element_bytes; ++j) {
        to[i * element_bytes + j] = byte_at(rows.first + r * rows.step + i, j);
      }
    }
  }
}

}  // namespace

void Unshuffle(const std::byte* planes, size_t elements, size_t element_bytes,
               const FilterRows& rows) {
  ForEachByte(rows, element_bytes, [&](size_t i, size_t j) { return planes[j * elements + i]; });
}

void UndeltaUnshuffle(const std::byte* planes, size_t elements, size_t element_bytes,
                      const FilterRows& rows) {
  std::vector<std::byte> sums(planes, planes + elements * element_bytes);
  Undelta(sums.data(), elements, element_bytes);
  Unshuffle(sums.data(), elements, element_bytes, rows);
}

void Undelta(std::byte* planes, size_t plane_bytes, size_t streams) {
  for (size_t j = 0; j < streams; ++j) {
    unsigned sum = 0;
    for (size_t i = 0; i < plane_bytes; ++i) {
      std::byte& byte = planes[j * plane_bytes + i];
      sum += static_cast<unsigned>(byte);
      byte = static_cast<std::byte>(sum);
    }
  }
}

void BitUnshuffle(const std::byte* planes, size_t elements, size_t element_bytes,
                  const FilterRows& rows) {
  ForEachByte(rows, element_bytes, [&](size_t i, size_t j) {
    unsigned byte = 0;
    for (size_t k = 0; k < 8; ++k) {
      const auto bits = static_cast<unsigned>(planes[(j * 8 + k) * (elements / 8) + i / 8]);
      byte |= (bits >> (i % 8) & 1) << k;
    }
    return static_cast<std::byte>(byte);
  });
}

}  // namespace ndarray
