// StridedCopy beside memcpy of the same bytes, by layout of the source:
//   cmake -S . -B build -DNDARRAY_BENCHMARKS=ON && cmake --build build --target strided_copy_bench
//   build/tests/bench/strided_copy_bench
// Every case checks one element of its result before it counts time.

#include <benchmark/benchmark.h>

#include <cstdint>
#include <cstring>
#include <numeric>
#include <vector>

#include "driver/store/strided_copy.h"

namespace ndarray {
namespace {

constexpr int64_t kImageSide = 8192;
constexpr ByteOrder kOtherOrder =
    kNativeOrder == ByteOrder::kLittle ? ByteOrder::kBig : ByteOrder::kLittle;

const std::vector<uint16_t>& Image() {
  static const std::vector<uint16_t> image = [] {
    std::vector<uint16_t> pixels(kImageSide * kImageSide);
    std::iota(pixels.begin(), pixels.end(), uint16_t{0});
    return pixels;
  }();
  return image;
}

void Run(benchmark::State& state, const DType& dtype, const AxisVector& from_strides) {
  const int64_t side = state.range(0);
  std::vector<uint16_t> to(static_cast<size_t>(side * side));
  const AxisVector to_strides = {2 * side, 2};
  const auto threads = static_cast<int>(state.range(1));
  const auto copy = [&] {
    StridedCopy(dtype, {side, side}, {Image().data(), from_strides}, {to.data(), to_strides},
                threads);
  };
  copy();
  const uint16_t source = Image()[static_cast<size_t>((from_strides[0] + from_strides[1]) / 2)];
  const uint16_t wanted = dtype.swapped() ? __builtin_bswap16(source) : source;
  if (to[static_cast<size_t>(side + 1)] != wanted) state.SkipWithError("wrong pixels");
  for (auto _ : state) {
    copy();
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * side * side * 2);
}

void Memcpy(benchmark::State& state) {
  const auto bytes = static_cast<size_t>(state.range(0) * state.range(0) * 2);
  std::vector<char> to(bytes);
  for (auto _ : state) {
    std::memcpy(to.data(), Image().data(), bytes);
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(bytes));
}

void Rows(benchmark::State& state) { Run(state, {ScalarType::kUInt16}, {2 * kImageSide, 2}); }

void SwappedRows(benchmark::State& state) {
  Run(state, {ScalarType::kUInt16, kOtherOrder}, {2 * kImageSide, 2});
}

void Columns(benchmark::State& state) { Run(state, {ScalarType::kUInt16}, {2, 2 * kImageSide}); }

void EveryThird(benchmark::State& state) { Run(state, {ScalarType::kUInt16}, {2 * kImageSide, 6}); }

void Sides(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"side", "threads"});
  for (const int64_t side : {64, 512, 2048}) bench->Args({side, 1});
  bench->Args({2048, 2});
}

BENCHMARK(Memcpy)->Arg(64)->Arg(512)->Arg(2048);
BENCHMARK(Rows)->Apply(Sides)->UseRealTime();
BENCHMARK(SwappedRows)->Apply(Sides)->UseRealTime();
BENCHMARK(Columns)->Apply(Sides)->UseRealTime();
BENCHMARK(EveryThird)->Apply(Sides)->UseRealTime();

}  // namespace
}  // namespace ndarray

BENCHMARK_MAIN();
