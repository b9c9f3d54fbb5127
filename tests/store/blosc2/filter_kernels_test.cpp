#include "driver/store/blosc2/filter_kernels.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <ostream>
#include <random>

namespace ndarray {
namespace {

// Memory of exactly its size, for ASan to see a byte too many, at any alignment.
class Bytes {
 public:
  explicit Bytes(size_t size, size_t shift = 0)
      : memory_(new std::byte[size + shift]), size_(size), shift_(shift) {}

  std::byte* data() { return memory_.get() + shift_; }
  size_t size() const { return size_; }
  std::byte& operator[](size_t i) { return data()[i]; }
  void FillRandom(std::mt19937& random) {
    for (size_t i = 0; i < size_; ++i) data()[i] = static_cast<std::byte>(random());
  }
  void Fill(std::byte value) { std::memset(data(), std::to_integer<int>(value), size_); }

 private:
  std::unique_ptr<std::byte[]> memory_;
  size_t size_;
  size_t shift_;
};

// What the kernels are to do, byte by byte.
std::byte Shuffled(Bytes& planes, size_t elements, size_t i, size_t j) {
  return planes[j * elements + i];
}

std::byte BitShuffled(Bytes& planes, size_t elements, size_t i, size_t j) {
  unsigned value = 0;
  for (size_t k = 0; k < 8; ++k) {
    const auto byte = std::to_integer<unsigned>(planes[(j * 8 + k) * (elements / 8) + i / 8]);
    value |= (byte >> (i % 8) & 1u) << k;
  }
  return static_cast<std::byte>(value);
}

Bytes Summed(Bytes& planes, size_t plane_bytes, size_t streams) {
  Bytes sums(planes.size());
  for (size_t stream = 0; stream < streams; ++stream) {
    unsigned sum = 0;
    for (size_t i = stream * plane_bytes; i < (stream + 1) * plane_bytes; ++i) {
      sum += std::to_integer<unsigned>(planes[i]);
      sums[i] = static_cast<std::byte>(sum);
    }
  }
  return sums;
}

using Sizes = std::vector<size_t>;
using Kernel = void (*)(const std::byte*, size_t, size_t, const FilterRows&);
using Reference = std::byte (*)(Bytes&, size_t elements, size_t i, size_t j);

struct Case {
  size_t elements;
  size_t element_bytes;
  size_t first;
  size_t count;
  size_t step;
  size_t rows;
  size_t gap_bytes;  // between the runs in memory

  friend std::ostream& operator<<(std::ostream& out, const Case& c) {
    return out << c.elements << " elements of " << c.element_bytes << " bytes, runs of " << c.count
               << " from " << c.first << ", " << c.rows << " times, step " << c.step << ", gap "
               << c.gap_bytes;
  }
};

class FilterKernels : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override { ASSERT_TRUE(UseFilterTarget(GetParam())); }
  void TearDown() override { UseFilterTarget(FilterTargets().front()); }

  // A case with random bytes, guards before, between and behind the runs.
  void Expect(const Case& c, Kernel kernel, Reference reference, bool deltas) {
    Bytes planes(c.elements * c.element_bytes, random_() % 32);
    planes.FillRandom(random_);
    Bytes sums = Summed(planes, c.elements, deltas ? c.element_bytes : 0);
    Bytes& from = deltas ? sums : planes;

    const size_t run_bytes = c.count * c.element_bytes;
    const size_t step_bytes = run_bytes + c.gap_bytes;
    const size_t guard = random_() % 80;
    // Behind the last run is its gap, or the end of the memory.
    const bool ends = random_() % 2 == 0;
    Bytes to(guard + c.rows * step_bytes - (ends && c.rows > 0 ? c.gap_bytes : 0));
    to.Fill(std::byte{0xA5});
    kernel(planes.data(), c.elements, c.element_bytes,
           {c.first, c.count, c.step, c.rows, to.data() + guard,
            static_cast<std::ptrdiff_t>(step_bytes)});

    for (size_t at = 0; at < to.size(); ++at) {
      const size_t run = at < guard ? 0 : (at - guard) / step_bytes;
      const size_t in_run = at < guard ? run_bytes : (at - guard) % step_bytes;
      const size_t element = c.first + run * c.step + in_run / c.element_bytes;
      const std::byte wanted = in_run < run_bytes
                                   ? reference(from, c.elements, element, in_run % c.element_bytes)
                                   : std::byte{0xA5};
      if (to[at] == wanted) continue;  // an assertion costs more than the kernels
      FAIL() << c << ", byte " << at << " of " << to.size() << ", guard " << guard;
    }
  }

  void ExpectAll(const Case& c) {
    Expect(c, Unshuffle, Shuffled, false);
    Expect(c, UndeltaUnshuffle, Shuffled, true);
    if (c.elements % 8 == 0) Expect(c, BitUnshuffle, BitShuffled, false);
  }

  size_t Random(size_t first, size_t last) {
    return std::uniform_int_distribution<size_t>(first, last)(random_);
  }

  // Up to max_elements in all, of which runs of any length are wanted.
  Case RandomCase(size_t element_bytes, size_t max_elements) {
    Case c = {};
    c.element_bytes = element_bytes;
    c.elements = Random(1, max_elements);
    if (Random(0, 1) == 0) c.elements = (c.elements + 7) / 8 * 8;
    c.first = Random(0, 2) == 0 ? 0 : Random(0, c.elements - 1);
    c.step = Random(1, c.elements - c.first);
    c.rows = (c.elements - c.first) / c.step;
    c.count = Random(0, 1) == 0 ? c.step : Random(0, c.step);
    c.gap_bytes = Random(0, 1) == 0 ? 0 : Random(1, 80);
    return c;
  }

  std::mt19937 random_{1};
};

TEST_P(FilterKernels, UndoWholeBlocksOfAnyElementSize) {
  for (size_t element_bytes = 1; element_bytes <= 40; ++element_bytes) {
    for (const size_t elements : Sizes{1, 8, 31, 64, 200}) {
      ExpectAll({elements, element_bytes, 0, elements, elements, 1, 0});
    }
  }
  for (const size_t element_bytes : Sizes{1, 2, 3, 4, 8, 12, 16}) {
    for (const size_t elements : Sizes{7, 15, 16, 17, 32, 63, 65, 127, 512, 520, 1048}) {
      ExpectAll({elements, element_bytes, 0, elements, elements, 1, 0});
    }
  }
  for (const size_t element_bytes : Sizes{63, 64, 127, 255, 256, 300}) {
    for (const size_t elements : Sizes{5, 64}) {
      ExpectAll({elements, element_bytes, 0, elements, elements, 1, 0});
    }
  }
}

TEST_P(FilterKernels, UndoEveryRangeOfASmallBlock) {
  for (const size_t element_bytes : Sizes{1, 2, 3, 4}) {
    for (size_t first = 0; first <= 40; ++first) {
      for (size_t count = 0; first + count <= 40; ++count) {
        ExpectAll({40, element_bytes, first, count, count, 1, 0});
      }
    }
  }
}

TEST_P(FilterKernels, UndoRandomRunsOfRandomBlocks) {
  for (const size_t element_bytes : Sizes{1, 2, 3, 4, 6, 8, 12, 16, 24}) {
    for (int i = 0; i < 40; ++i) ExpectAll(RandomCase(element_bytes, 600));
    for (int i = 0; i < 2; ++i) ExpectAll(RandomCase(element_bytes, 3000));
  }
}

TEST_P(FilterKernels, UndoWindowsOfBlocksAsTheyAreInFiles) {
  for (const size_t element_bytes : Sizes{1, 2, 4, 8}) {
    ExpectAll({4096, element_bytes, 0, 4096, 4096, 1, 0});
    ExpectAll({4096, element_bytes, 0, 64, 64, 64, 1000});           // whole rows
    ExpectAll({4096, element_bytes, 64 * 3 + 5, 37, 64, 60, 1000});  // some columns
    ExpectAll({4096, element_bytes, 1024, 3, 1024, 3, 8});           // far between
  }
}

TEST_P(FilterKernels, RunsMayGoBackwardsInMemory) {
  Bytes planes(1024 * 2);
  planes.FillRandom(random_);
  Bytes to(1024 * 2);
  BitUnshuffle(planes.data(), 1024, 2, {0, 64, 64, 16, to.data() + 15 * 128, -128});
  for (size_t at = 0; at < to.size(); ++at) {
    const size_t element = (15 - at / 128) * 64 + at % 128 / 2;
    ASSERT_EQ(to[at], BitShuffled(planes, 1024, element, at % 2)) << at;
  }
}

TEST_P(FilterKernels, UndoDifferencesInPlace) {
  for (const size_t streams : Sizes{1, 2, 3, 7, 255}) {
    for (const size_t plane_bytes : Sizes{0, 1, 15, 16, 31, 32, 33, 64, 100, 1000}) {
      Bytes planes(streams * plane_bytes, random_() % 32);
      planes.FillRandom(random_);
      Bytes wanted = Summed(planes, plane_bytes, streams);
      Undelta(planes.data(), plane_bytes, streams);
      ASSERT_EQ(std::memcmp(planes.data(), wanted.data(), planes.size()), 0)
          << streams << " streams of " << plane_bytes;
    }
  }
}

TEST_P(FilterKernels, NothingWantedIsNothingWritten) {
  Bytes planes(64 * 2);
  planes.FillRandom(random_);
  for (const Kernel kernel : {Kernel{Unshuffle}, Kernel{UndeltaUnshuffle}, Kernel{BitUnshuffle}}) {
    kernel(planes.data(), 64, 2, {0, 0, 8, 8, nullptr, 16});
    kernel(planes.data(), 64, 2, {0, 8, 8, 0, nullptr, 16});
    kernel(planes.data(), 64, 2, {64, 0, 0, 1, nullptr, 0});
  }
}

INSTANTIATE_TEST_SUITE_P(Targets, FilterKernels, ::testing::ValuesIn(FilterTargets()),
                         [](const auto& target) { return target.param; });

TEST(FilterTarget, IsOneOfThoseThatTheMachineHas) {
  const std::vector<std::string> targets = FilterTargets();
  EXPECT_EQ(targets.back(), "SCALAR");
  for (const std::string& target : targets) {
    EXPECT_TRUE(UseFilterTarget(target));
    EXPECT_EQ(FilterTarget(), target);
  }
  EXPECT_FALSE(UseFilterTarget("PENCIL"));
  EXPECT_EQ(FilterTarget(), "SCALAR");
  EXPECT_TRUE(UseFilterTarget(targets.front()));
}

// A process of its own, since the variable counts at the first use.
TEST(FilterTargetDeathTest, IsTheOneThatTheEnvironmentNames) {
  ::testing::GTEST_FLAG(death_test_style) = "threadsafe";
  EXPECT_EXIT(
      {
        setenv("NDARRAY_SIMD", "SCALAR", 1);
        std::exit(FilterTarget() == "SCALAR" ? 3 : 1);
      },
      ::testing::ExitedWithCode(3), "");
  EXPECT_EXIT(
      {
        setenv("NDARRAY_SIMD", "PENCIL", 1);
        std::exit(FilterTarget() == FilterTargets().front() ? 3 : 1);
      },
      ::testing::ExitedWithCode(3), "");
}

}  // namespace
}  // namespace ndarray
