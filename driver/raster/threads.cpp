#include "driver/raster/threads.h"

#include <cpl_conv.h>
#include <cpl_string.h>

#include <algorithm>
#include <cstdlib>

#include "driver/store/thread_pool.h"

namespace ndarray {

int ThreadsFromOption(const char* option) {
  constexpr int kMost = 1024;
  if (option == nullptr) option = CPLGetConfigOption("GDAL_NUM_THREADS", "ALL_CPUS");
  if (EQUAL(option, "ALL_CPUS")) return AvailableProcessors();
  return std::clamp(std::atoi(option), 1, kMost);
}

}  // namespace ndarray
