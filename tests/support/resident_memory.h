// What this process has in memory.
#ifndef GDAL_NDARRAY_TESTS_SUPPORT_RESIDENT_MEMORY_H_
#define GDAL_NDARRAY_TESTS_SUPPORT_RESIDENT_MEMORY_H_

#include <unistd.h>

#include <cstdint>
#include <fstream>

namespace ndarray::testing {

inline int64_t ResidentBytes() {
  int64_t all_pages = 0;
  int64_t resident_pages = 0;
  std::ifstream("/proc/self/statm") >> all_pages >> resident_pages;
  return resident_pages * sysconf(_SC_PAGESIZE);
}

}  // namespace ndarray::testing

#endif  // GDAL_NDARRAY_TESTS_SUPPORT_RESIDENT_MEMORY_H_
