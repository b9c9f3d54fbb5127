#include "driver/store/checksum/xxh3_avx2.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace ndarray {

uint64_t Xxh3Avx2(const void* bytes, size_t size_bytes) { return XXH3_64bits(bytes, size_bytes); }

}  // namespace ndarray
