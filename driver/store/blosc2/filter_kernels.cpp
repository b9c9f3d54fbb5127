#include "driver/store/blosc2/filter_kernels.h"

namespace ndarray {

void Unshuffle(const std::byte* planes, size_t elements, size_t element_bytes, size_t first,
               size_t count, std::byte* to) {
  for (size_t i = 0; i < count; ++i) {
    for (size_t j = 0; j < element_bytes; ++j) {
      to[i * element_bytes + j] = planes[j * elements + first + i];
    }
  }
}

void UndeltaUnshuffle(const std::byte* planes, size_t elements, size_t element_bytes, size_t first,
                      size_t count, std::byte* to) {
  for (size_t j = 0; j < element_bytes; ++j) {
    unsigned sum = 0;
    for (size_t i = 0; i < first + count; ++i) {
      sum += static_cast<unsigned>(planes[j * elements + i]);
      if (i >= first) to[(i - first) * element_bytes + j] = static_cast<std::byte>(sum);
    }
  }
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

void BitUnshuffle(const std::byte* planes, size_t elements, size_t element_bytes, size_t first,
                  size_t count, std::byte* to) {
  for (size_t i = first; i < first + count; ++i) {
    for (size_t j = 0; j < element_bytes; ++j) {
      unsigned byte = 0;
      for (size_t k = 0; k < 8; ++k) {
        const auto bits = static_cast<unsigned>(planes[(j * 8 + k) * (elements / 8) + i / 8]);
        byte |= (bits >> (i % 8) & 1) << k;
      }
      to[(i - first) * element_bytes + j] = static_cast<std::byte>(byte);
    }
  }
}

}  // namespace ndarray
