// The kernels that undo Blosc2's filters, by target and size of elements, on a block of 128 x 128:
//   cmake -S . -B build -DNDARRAY_BENCHMARKS=ON && cmake --build build --target
//   filter_kernels_bench build/tests/bench/filter_kernels_bench [--benchmark_filter=AVX2]
// Each writes to one contiguous buffer; `rows` to 128 rows of a wider image, `quarter` a window of
// 64 x 64 into one, over and over; `image` to one block of a large image after another, which are
// in no cache but the last. Planes are aligned, what they go to is not. Every case is compared with
// the plain kernels before it counts time.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "driver/store/blosc2/filter_kernels.h"

namespace ndarray {
namespace {

constexpr size_t kSide = 128;
constexpr size_t kElements = kSide * kSide;
constexpr size_t kImageSide = 1024;  // of the image that rows go to
constexpr size_t kImages = 8;        // of them there are, as far as a benchmark uses them

using Kernel = void (*)(const std::byte*, size_t, size_t, const FilterRows&);
using Sizes = std::vector<size_t>;
using Bytes = std::vector<std::byte>;

struct alignas(64) Line {
  std::byte bytes[64];
};

Bytes RandomBytes(size_t size) {
  std::mt19937 random(1);
  Bytes bytes(size);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random());
  return bytes;
}

// `to` and its step are filled in later.
FilterRows Shape(const std::string& shape) {
  if (shape == "rows" || shape == "image") return {0, kSide, kSide, kSide, nullptr, 0};
  if (shape == "quarter") return {32 * kSide + 32, kSide / 2, kSide, kSide / 2, nullptr, 0};
  return {0, kElements, kElements, 1, nullptr, 0};
}

void Undo(benchmark::State& state, const std::string& target, Kernel kernel, size_t element_bytes,
          const std::string& shape) {
  FilterRows rows = Shape(shape);
  const Bytes planes = RandomBytes(kElements * element_bytes);
  std::vector<Line> lines(planes.size() / sizeof(Line));  // a decoder's buffer is aligned
  std::memcpy(lines.data(), planes.data(), planes.size());
  const std::byte* const from = lines.data()->bytes;
  const size_t step = rows.rows == 1 ? 0 : kImageSide * element_bytes;
  const size_t blocks_across = kImageSide / kSide;
  const size_t blocks = shape == "image" ? kImages * blocks_across * blocks_across : 1;
  Bytes to(blocks == 1 ? std::max(planes.size(), rows.rows * step) : kImages * kImageSide * step);
  rows.to = to.data();
  rows.to_step_bytes = static_cast<std::ptrdiff_t>(step);
  UseFilterTarget("SCALAR");
  kernel(from, kElements, element_bytes, rows);
  const Bytes wanted = to;
  std::fill(to.begin(), to.end(), std::byte{0});
  UseFilterTarget(target);
  kernel(from, kElements, element_bytes, rows);
  if (to != wanted) state.SkipWithError("wrong bytes");
  size_t block = 0;
  for (auto _ : state) {
    rows.to = to.data() + block / blocks_across * kSide * step +
              block % blocks_across * kSide * element_bytes;
    block = (block + 1) % blocks;
    kernel(from, kElements, element_bytes, rows);
    benchmark::ClobberMemory();
  }
  const size_t bytes = rows.count * rows.rows * element_bytes;
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(bytes));
}

void UndoInPlace(benchmark::State& state, const std::string& target, size_t streams) {
  Bytes planes = RandomBytes(kElements * streams);
  UseFilterTarget(target);
  for (auto _ : state) {
    Undelta(planes.data(), kElements, streams);
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(planes.size()));
}

void Register() {
  const struct {
    const char* name;
    Kernel kernel;
  } kernels[] = {{"unshuffle", Unshuffle},
                 {"undelta_unshuffle", UndeltaUnshuffle},
                 {"bit_unshuffle", BitUnshuffle}};
  for (const std::string& target : FilterTargets()) {
    for (const auto& [name, kernel] : kernels) {
      for (const size_t element_bytes : Sizes{1, 2, 3, 4, 8, 12, 16}) {
        for (const std::string shape : {"block", "rows", "quarter", "image"}) {
          if (shape != "block" && element_bytes != 2) continue;
          const std::string title = std::string(name) + "/" + std::to_string(element_bytes) +
                                    " bytes/" + shape + "/" + target;
          benchmark::RegisterBenchmark(title.c_str(), Undo, target, kernel, element_bytes, shape);
        }
      }
    }
    for (const size_t streams : Sizes{1, 4}) {
      const std::string title = "undelta/" + std::to_string(streams) + " streams/block/" + target;
      benchmark::RegisterBenchmark(title.c_str(), UndoInPlace, target, streams);
    }
  }
}

}  // namespace
}  // namespace ndarray

int main(int argc, char** argv) {
  ndarray::Register();
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
