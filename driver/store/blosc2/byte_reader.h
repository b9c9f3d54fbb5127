// Reads numbers out of bytes that may end anywhere. A step past the end is remembered and yields
// zeros, so that a caller may check ok() once after several steps.
#ifndef GDAL_NDARRAY_STORE_BLOSC2_BYTE_READER_H_
#define GDAL_NDARRAY_STORE_BLOSC2_BYTE_READER_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace ndarray {

class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : rest_(bytes) {}

  bool ok() const { return ok_; }

  std::string_view Take(size_t size_bytes) {
    if (size_bytes > rest_.size()) {
      ok_ = false;
      return {};
    }
    const std::string_view taken = rest_.substr(0, size_bytes);
    rest_.remove_prefix(size_bytes);
    return taken;
  }

  // Big-endian, as msgpack has them.
  template <typename T>
  T Big() {
    uint64_t value = 0;
    for (const char c : Take(sizeof(T))) value = value << 8 | static_cast<unsigned char>(c);
    return static_cast<T>(value);
  }

  // Little-endian, as Blosc chunks have them.
  template <typename T>
  T Little() {
    const std::string_view bytes = Take(sizeof(T));
    uint64_t value = 0;
    for (size_t i = bytes.size(); i-- > 0;) {
      value = value << 8 | static_cast<unsigned char>(bytes[i]);
    }
    return static_cast<T>(value);
  }

  // Takes one byte and fails unless it is that marker.
  void Expect(unsigned char marker) {
    if (Big<uint8_t>() != marker) ok_ = false;
  }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_BLOSC2_BYTE_READER_H_
