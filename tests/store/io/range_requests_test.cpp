#include "driver/store/io/range_requests.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/array_conformance.h"
#include "tests/support/status_matchers.h"

namespace ndarray {
namespace {

using testing::FailsWith;
using testing::IsOk;
using testing::RandomInt;

constexpr RequestLimits kLimits = {4, 10, 100, 250};

// Reads ranges of a file of bytes 0, 1, 2, ... (modulo 251), each to memory of its own.
class RangeRequests : public ::testing::Test {
 protected:
  static char ByteAt(uint64_t offset) { return static_cast<char>(offset % 251); }

  void Ask(uint64_t offset, size_t size_bytes) { asked_.emplace_back(offset, size_bytes); }

  Status Read(const RequestLimits& limits) {
    std::vector<ByteRange> ranges;
    memory_.clear();
    for (const auto& [offset, size_bytes] : asked_) {
      memory_.emplace_back(size_bytes, '\0');
      ranges.push_back({offset, size_bytes, nullptr});
    }
    for (size_t i = 0; i < ranges.size(); ++i) ranges[i].to = memory_[i].data();
    return ReadInRequests(ranges, limits, [this](const std::vector<ByteRange>& some) {
      std::vector<std::pair<uint64_t, size_t>> call;
      for (const ByteRange& range : some) {
        if (range.offset_bytes + range.size_bytes > file_bytes_) {
          return Status(StatusCode::kIo, "beyond the end");
        }
        for (size_t i = 0; i < range.size_bytes; ++i) {
          static_cast<char*>(range.to)[i] = ByteAt(range.offset_bytes + i);
        }
        call.emplace_back(range.offset_bytes, range.size_bytes);
      }
      calls_.push_back(call);
      return Status();
    });
  }

  void ExpectBytes() const {
    for (size_t i = 0; i < asked_.size(); ++i) {
      for (size_t j = 0; j < asked_[i].second; ++j) {
        ASSERT_EQ(memory_[i][j], ByteAt(asked_[i].first + j)) << "range " << i << " byte " << j;
      }
    }
  }

  using Call = std::vector<std::pair<uint64_t, size_t>>;
  uint64_t file_bytes_ = UINT64_MAX;
  Call asked_;
  std::vector<std::string> memory_;
  std::vector<Call> calls_;
};

TEST_F(RangeRequests, AskNothingForNothing) {
  Ask(7, 0);
  EXPECT_THAT(Read(kLimits), IsOk());
  EXPECT_TRUE(calls_.empty());
}

TEST_F(RangeRequests, KeepTheirNumberInFlightBounded) {
  for (uint64_t i = 0; i < 10; ++i) Ask(i * 1000, 5);
  EXPECT_THAT(Read(kLimits), IsOk());
  ASSERT_EQ(calls_.size(), 3u);
  EXPECT_EQ(calls_[0], (Call{{0, 5}, {1000, 5}, {2000, 5}, {3000, 5}}));
  EXPECT_EQ(calls_[2], (Call{{8000, 5}, {9000, 5}}));
  ExpectBytes();
}

TEST_F(RangeRequests, ReadOverSmallGapsInFileOrder) {
  Ask(30, 5);  // the next one is 11 bytes away
  Ask(0, 5);
  Ask(10, 10);  // 5 and 10 bytes away
  Ask(46, 5);
  EXPECT_THAT(Read(kLimits), IsOk());
  EXPECT_EQ(calls_, (std::vector<Call>{{{0, 35}, {46, 5}}}));
  ExpectBytes();
}

TEST_F(RangeRequests, JoinNoMoreThanTheLimit) {
  for (uint64_t i = 0; i < 30; ++i) Ask(i * 10, 5);
  EXPECT_THAT(Read(kLimits), IsOk());
  EXPECT_EQ(calls_, (std::vector<Call>{{{0, 95}, {100, 95}}, {{200, 95}}}))
      << "at most 100 bytes each, and 250 bytes of memory at a time";
  ExpectBytes();
}

TEST_F(RangeRequests, TakeLargeRangesAsTheyAre) {
  Ask(0, 5000);
  Ask(5005, 5);
  Ask(6000, 3000);
  EXPECT_THAT(Read(kLimits), IsOk());
  EXPECT_EQ(calls_, (std::vector<Call>{{{0, 5000}, {5005, 5}, {6000, 3000}}}));
  ExpectBytes();
}

TEST_F(RangeRequests, NeedNoMemoryForWhatLiesInOrderAnyway) {
  std::string memory(3000, '\0');
  std::vector<ByteRange> ranges;
  for (size_t i = 0; i < 3; ++i) ranges.push_back({500 + i * 1000, 1000, &memory[i * 1000]});
  int calls = 0;
  EXPECT_THAT(ReadInRequests(ranges, kLimits,
                             [&](const std::vector<ByteRange>& some) {
                               ++calls;
                               EXPECT_EQ(some.size(), 1u);
                               EXPECT_EQ(some[0].to, memory.data());
                               EXPECT_EQ(some[0].size_bytes, 3000u);
                               return Status();
                             }),
              IsOk());
  EXPECT_EQ(calls, 1);
}

TEST_F(RangeRequests, StopAtTheFirstFailure) {
  for (uint64_t i = 0; i < 20; ++i) Ask(i * 1000, 5);
  file_bytes_ = 6000;
  EXPECT_THAT(Read(kLimits), FailsWith(StatusCode::kIo, "beyond the end"));
  EXPECT_EQ(calls_.size(), 1u);
}

TEST_F(RangeRequests, FillAnyRanges) {
  testing::Random random(5);
  for (int round = 0; round < 200; ++round) {
    asked_.clear();
    calls_.clear();
    const int64_t count = RandomInt(random, 1, 40);
    for (int64_t i = 0; i < count; ++i) {
      Ask(static_cast<uint64_t>(RandomInt(random, 0, 2000)),
          static_cast<size_t>(RandomInt(random, 0, 60)));
    }
    const RequestLimits limits = {static_cast<size_t>(RandomInt(random, 1, 6)),
                                  static_cast<uint64_t>(RandomInt(random, 0, 30)),
                                  static_cast<uint64_t>(RandomInt(random, 0, 300)),
                                  static_cast<uint64_t>(RandomInt(random, 0, 600))};
    ASSERT_THAT(Read(limits), IsOk());
    ExpectBytes();
    for (const Call& call : calls_) ASSERT_LE(call.size(), limits.max_in_flight);
  }
}

}  // namespace
}  // namespace ndarray
