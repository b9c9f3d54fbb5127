#include "driver/raster/threads.h"

#include <cpl_conv.h>
#include <cpl_string.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>

#include "driver/store/thread_pool.h"

namespace ndarray {

namespace {

constexpr int kMax = 1024;

}  // namespace

int DefaultThreads() {
  if (const char* const config = CPLGetConfigOption("GDAL_NUM_THREADS", nullptr)) {
    return EQUAL(config, "ALL_CPUS") ? AvailableProcessors()
                                     : std::clamp(std::atoi(config), 1, kMax);
  }
  if (IsForkedChild()) return 1;
  // A list has a number for each level of nesting; the first one counts here.
  const int told = std::atoi(CPLGetConfigOption("OMP_NUM_THREADS", "0"));
  return told > 0 ? std::min(told, AvailableProcessors()) : AvailableProcessors();
}

Result<int> ThreadsFromOption(const char* option) {
  if (option == nullptr) return DefaultThreads();
  if (EQUAL(option, "ALL_CPUS")) return AvailableProcessors();
  const char* const end = option + std::strlen(option);
  int number = 0;
  const auto [stop, error] = std::from_chars(option, end, number);
  if (error != std::errc() || stop != end || number < 0) {
    return Mismatch(StatusCode::kInvalidArgument, "NUM_THREADS", option, "a number or ALL_CPUS");
  }
  return std::clamp(number, 1, kMax);
}

}  // namespace ndarray
