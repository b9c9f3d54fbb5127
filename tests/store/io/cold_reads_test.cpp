#include "driver/store/io/cold_reads.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "driver/store/io/local_file.h"
#include "driver/store/io/parallel_read.h"
#include "tests/support/mapped_bytes.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_folder.h"

namespace ndarray {
namespace {

using testing::FailsWith;
using testing::IsOk;
using testing::MappedBytes;
using testing::TempFolder;
using testing::WriteFile;

using Ranges = std::vector<std::pair<uint64_t, uint64_t>>;  // offsets and sizes

constexpr uint64_t kKilobyte = 1024;
constexpr uint64_t kMegabyte = 1024 * kKilobyte;

Ranges Asked(const MappedBytes& file) {
  Ranges ranges;
  for (const ByteRange& range : file.advised()) {
    ranges.emplace_back(range.offset_bytes, range.size_bytes);
  }
  return ranges;
}

TEST(ColdReads, AsksInFileOrderAndOnceForNeighbours) {
  const MappedBytes file("");
  AskFor(file, {{100000, 100100}, {0, 10}, {5, 20}, {36, 40}, {50000, 50000}}, 1);
  EXPECT_EQ(Asked(file), (Ranges{{0, 40}, {100000, 100}}));
}

// The kernel may read no more for one call.
TEST(ColdReads, AsksForLongRangesInPieces) {
  const MappedBytes file("");
  AskFor(file, {{10, 10 + 300 * kKilobyte}}, 1);
  EXPECT_EQ(Asked(file), (Ranges{{10, 128 * kKilobyte},
                                 {10 + 128 * kKilobyte, 128 * kKilobyte},
                                 {10 + 256 * kKilobyte, 44 * kKilobyte}}));
}

TEST(ColdReads, AsksForOneGroupBeyondTheOneThatRuns) {
  const MappedBytes file("");
  std::vector<std::pair<int64_t, int64_t>> groups;
  std::vector<uint64_t> asked;
  const Status status = RunAhead(
      file, 10, 1,
      [](int64_t item, std::vector<FileRange>& to) {
        const uint64_t start = static_cast<uint64_t>(item) * 5 * kMegabyte;
        to.push_back({start, start + 5 * kMegabyte});
      },
      [&](int64_t first, int64_t stop) {
        groups.emplace_back(first, stop);
        uint64_t bytes = 0;
        for (const ByteRange& range : file.advised()) bytes += range.size_bytes;
        asked.push_back(bytes / kMegabyte);
        return Status();
      });
  EXPECT_THAT(status, IsOk());
  EXPECT_EQ(groups, (std::vector<std::pair<int64_t, int64_t>>{{0, 3}, {3, 6}, {6, 9}, {9, 10}}));
  EXPECT_EQ(asked, (std::vector<uint64_t>{30, 45, 50, 50}));
}

TEST(ColdReads, StopsWhereAGroupFails) {
  const MappedBytes file("");
  int runs = 0;
  const Status status = RunAhead(
      file, 10, 1,
      [](int64_t, std::vector<FileRange>& to) {
        to.push_back({0, 20 * kMegabyte});
      },
      [&](int64_t, int64_t) { return ++runs < 2 ? Status() : Status(StatusCode::kIo, "gone"); });
  EXPECT_THAT(status, FailsWith(StatusCode::kIo, "gone"));
  EXPECT_EQ(runs, 2);
}

Box Window(int64_t y, int64_t x) { return {{y, x}, {y + 64, x + 64}}; }

// How many of 1000 windows are looked at.
int Looks(ColdReads& reads, const MappedBytes& file, uint64_t window_bytes) {
  int looks = 0;
  for (int64_t i = 0; i < 1000; ++i) {
    if (!reads.IsDue(window_bytes)) continue;
    ++looks;
    reads.IsCold(file, Window(i * 7919 % 5000, i * 104729 % 5000), {0, 10}, window_bytes);
  }
  return looks;
}

TEST(ColdReads, RarelyLooksAtSmallWindowsOfAFileInMemory) {
  const MappedBytes file("");
  ColdReads reads;
  EXPECT_LE(Looks(reads, file, 8 * kKilobyte), 15);
  EXPECT_EQ(Looks(reads, file, 2 * kMegabyte), 1000);
}

TEST(ColdReads, LooksAtEachWindowOfAFileThatIsNot) {
  MappedBytes file("");
  file.set_resident(false);
  ColdReads reads;
  EXPECT_EQ(Looks(reads, file, 8 * kKilobyte), 1000);
}

TEST(ColdReads, LeavesSweepsToTheSystem) {
  MappedBytes file("");
  file.set_resident(false);
  ColdReads reads;
  const auto is_cold = [&](int64_t y, int64_t x) {
    return reads.IsCold(file, Window(y, x), {0, 10}, 8192);
  };
  EXPECT_TRUE(is_cold(640, 0));
  EXPECT_FALSE(is_cold(640, 64));
  EXPECT_FALSE(is_cold(640, 100)) << "windows may overlap";
  file.set_resident(true);
  EXPECT_FALSE(is_cold(640, 164));
  file.set_resident(false);
  EXPECT_FALSE(is_cold(640, 228)) << "what was read ahead is in memory";
  EXPECT_FALSE(is_cold(704, 0)) << "the next line";
  EXPECT_TRUE(is_cold(704, 640)) << "somewhere else";
  EXPECT_TRUE(is_cold(3000, 640));
}

// Without a map.
TEST(ColdReads, ManyRangesAreAskedForBeforeTheFirstIsRead) {
  MappedBytes file(std::string(1000000, 'x'));
  std::string to(8, ' ');
  std::vector<ByteRange> ranges;
  for (size_t i = 0; i < to.size(); ++i) ranges.push_back({i * 100000, 1, &to[i]});
  ASSERT_THAT(ReadRangesInParallel(file, ranges, 1), IsOk());
  EXPECT_TRUE(file.advised().empty());
  file.set_resident(false);
  ASSERT_THAT(ReadRangesInParallel(file, ranges, 1), IsOk());
  EXPECT_EQ(file.advised().size(), 8u);
  EXPECT_EQ(to, "xxxxxxxx");
}

// What the system says of a real file. On file systems in memory nothing can be evicted.
TEST(ColdReads, AFileIsInMemoryUntilItIsEvicted) {
  const TempFolder folder;
  const std::string path = folder.Path("file");
  WriteFile(path, std::string(4 * kMegabyte, 'x'));
  const auto file = OpenLocalFile(path);
  ASSERT_THAT(file, IsOk());
  EXPECT_TRUE((*file)->IsResident(0));
  EXPECT_TRUE((*file)->IsResident(4 * kMegabyte - 1));
  EXPECT_TRUE((*file)->IsResident(4 * kMegabyte)) << "cannot be told";
  EXPECT_TRUE((*file)->IsResident(UINT64_MAX));
  const int descriptor = open(path.c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_EQ(fsync(descriptor), 0);
  posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED);
  close(descriptor);
  if ((*file)->IsResident(2 * kMegabyte)) GTEST_SKIP() << "not evicted, or it cannot be told";
  std::string first(10, ' ');
  ASSERT_THAT((*file)->Read({{2 * kMegabyte, first.size(), first.data()}}), IsOk());
  EXPECT_TRUE((*file)->IsResident(2 * kMegabyte));
  EXPECT_EQ(first, "xxxxxxxxxx");
}

}  // namespace
}  // namespace ndarray
