// Numbers as most binary files have them: little-endian, at any place in their bytes.
#ifndef GDAL_NDARRAY_STORE_LITTLE_ENDIAN_H_
#define GDAL_NDARRAY_STORE_LITTLE_ENDIAN_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace ndarray {

// REQUIRES: at + sizeof(T) <= bytes.size()
template <typename T>
T LittleAt(std::string_view bytes, size_t at) {
  uint64_t value = 0;
  for (size_t i = sizeof(T); i-- > 0;) {
    value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  }
  return static_cast<T>(value);
}

// REQUIRES: at + sizeof(T) <= bytes.size()
template <typename T>
void PutLittle(std::string& bytes, size_t at, T value) {
  for (size_t i = 0; i < sizeof(T); ++i) {
    bytes[at + i] = static_cast<char>(static_cast<uint64_t>(value) >> (8 * i));
  }
}

// The lowest `count` bytes of it.
inline void AppendLittle(std::string& bytes, uint64_t value, size_t count) {
  for (size_t i = 0; i < count; ++i) bytes.push_back(static_cast<char>(value >> (8 * i)));
}

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_LITTLE_ENDIAN_H_
