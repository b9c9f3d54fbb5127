// What fuzz targets share: checks, choices that follow from the input alone, and the bound of what
// an input may cost.
#ifndef GDAL_NDARRAY_TESTS_FUZZ_FUZZ_SUPPORT_H_
#define GDAL_NDARRAY_TESTS_FUZZ_FUZZ_SUPPORT_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <memory>
#include <random>
#include <string>
#include <string_view>

#include "driver/store/status.h"

namespace ndarray::fuzz {

// Not assert: checked in every build.
inline void Check(bool condition) {
  if (!condition) std::abort();
}

inline void CheckFailure(const Status& status) {
  Check(!status.message().empty());
  Check(status.code() == StatusCode::kCorrupt || status.code() == StatusCode::kNotSupported);
}

// A parser's promise: a value or a reason.
template <typename T>
void CheckResult(const Result<T>& result) {
  if (!result.ok()) CheckFailure(result.status());
}

using Random = std::minstd_rand;

// The same for the same bytes. What the fuzzer changes leads to other choices.
inline Random RandomOf(std::string_view bytes) {
  uint32_t sum = 1;
  for (const char byte : bytes) sum = sum * 31 + static_cast<unsigned char>(byte);
  return Random(sum);
}

// In [0, count). REQUIRES: count >= 1
inline int64_t Below(Random& random, int64_t count) {
  return std::uniform_int_distribution<int64_t>(0, count - 1)(random);
}

// Numbers and bytes out of the input, from its start on; zeros once it has ended.
class Choices {
 public:
  explicit Choices(std::string_view bytes) : rest_(bytes) {}

  // In [0, count). REQUIRES: 1 <= count <= 65536
  int64_t Below(int64_t count) {
    const int64_t high = count > 256 ? Byte() : 0;
    return (high << 8 | Byte()) % count;
  }
  std::string_view Bytes(size_t count) {
    const std::string_view taken = rest_.substr(0, count);
    rest_.remove_prefix(taken.size());
    return taken;
  }
  std::string_view rest() const { return rest_; }

 private:
  unsigned char Byte() {
    const std::string_view byte = Bytes(1);
    return byte.empty() ? 0 : static_cast<unsigned char>(byte[0]);
  }

  std::string_view rest_;
};

// No input may cost more processor time than this, of all threads, sanitizers included. (What it
// costs in memory is bounded by options of libFuzzer: tests/fuzz/run.)
constexpr double kMaxSeconds = 4;

class CostLimit {
 public:
  CostLimit() {
    // The kernel takes as long to count processor time as a parser takes for a header, and most
    // inputs are over before it could matter: so it is not asked for each.
    if (Now(CLOCK_MONOTONIC) - asked_ > kFewSeconds) AskKernel();
    start_ = Now(CLOCK_MONOTONIC);
  }
  CostLimit(const CostLimit&) = delete;
  CostLimit& operator=(const CostLimit&) = delete;
  ~CostLimit() {
    if (Now(CLOCK_MONOTONIC) - start_ < kFewSeconds) return;
    const double before = used_;
    AskKernel();
    const double seconds = used_ - before;
    if (seconds <= kMaxSeconds) return;
    std::fprintf(stderr, "%.1f s of processor time, wanted at most %.1f\n", seconds, kMaxSeconds);
    std::abort();
  }

 private:
  static constexpr double kFewSeconds = 0.1;

  static double Now(clockid_t clock) {
    timespec now;
    clock_gettime(clock, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
  }
  static void AskKernel() {
    asked_ = Now(CLOCK_MONOTONIC);
    used_ = Now(CLOCK_PROCESS_CPUTIME_ID);
  }

  inline static double asked_ = 0;  // when
  inline static double used_ = 0;   // processor time until then
  double start_;
};

}  // namespace ndarray::fuzz

// The entry point of libFuzzer and of the replay: calls run(std::string_view) with a copy of the
// input without a byte to spare, so that a sanitizer sees whatever is read beyond it.
#define NDARRAY_FUZZ_TARGET(run)                                                               \
  extern "C" __attribute__((visibility("default"))) int LLVMFuzzerTestOneInput(const uint8_t*, \
                                                                               size_t);        \
  extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {                    \
    const ndarray::fuzz::CostLimit limit;                                                      \
    const std::unique_ptr<char[]> copy(new char[size]);                                        \
    if (size > 0) std::memcpy(copy.get(), data, size);                                         \
    run({copy.get(), size});                                                                   \
    return 0;                                                                                  \
  }

#endif  // GDAL_NDARRAY_TESTS_FUZZ_FUZZ_SUPPORT_H_
