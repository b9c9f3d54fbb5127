#include "driver/store/io/resident_limit.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "driver/store/io/local_file.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_folder.h"

namespace ndarray {
namespace {

using testing::IsOk;
using testing::TempFolder;
using testing::WriteFile;

constexpr uint64_t kMegabyte = uint64_t{1} << 20;
constexpr uint64_t kPageBytes = 4096;
// What is mapped beyond what was touched: the kernel may read ahead in pieces as large as this, and
// map each as one.
constexpr uint64_t kPieceOfKernel = 2 * kMegabyte;

// What of the map at an address counts as memory of this process, by the kernel's account.
uint64_t ResidentBytes(const std::byte* map) {
  char start[32];
  std::snprintf(start, sizeof(start), "%lx-", reinterpret_cast<unsigned long>(map));
  std::ifstream smaps("/proc/self/smaps");
  std::string line;
  bool here = false;
  while (std::getline(smaps, line)) {
    if (line.rfind(start, 0) == 0) here = true;
    if (here && line.rfind("Rss:", 0) == 0) return std::stoull(line.substr(4)) << 10;
  }
  return UINT64_MAX;
}

class ResidentLimitTest : public ::testing::Test {
 protected:
  // A file of holes: it takes no space, and its pages no time.
  std::shared_ptr<ByteFile> Open(uint64_t size_bytes, std::optional<uint64_t> max_resident_bytes,
                                 const std::string& name = "file") const {
    const std::string path = folder_.Path(name);
    WriteFile(path, "");
    EXPECT_EQ(truncate(path.c_str(), static_cast<off_t>(size_bytes)), 0);
    MapPolicy policy;
    policy.max_resident_bytes = max_resident_bytes;
    auto file = OpenLocalFile(path, policy);
    EXPECT_THAT(file, IsOk());
    return *file;
  }

  static const std::byte* Map(const ByteFile& file) { return *file.View(0, file.size_bytes()); }

  // Touches each page, and says so.
  static void Read(const ByteFile& file, uint64_t offset_bytes, uint64_t size_bytes) {
    const std::byte* const map = Map(file);
    for (uint64_t at = offset_bytes; at < offset_bytes + size_bytes; at += kPageBytes) {
      static_cast<void>(*static_cast<const volatile std::byte*>(map + at));
    }
    file.NoteRead(offset_bytes, size_bytes);
  }

  const TempFolder folder_;
};

TEST_F(ResidentLimitTest, ReleasesWhatWasReadInOrder) {
  const auto file = Open(64 * kMegabyte, 4 * kMegabyte);
  uint64_t most = 0;
  for (uint64_t at = 0; at < 64 * kMegabyte; at += kMegabyte) {
    Read(*file, at, kMegabyte);
    most = std::max(most, ResidentBytes(Map(*file)));
  }
  EXPECT_GE(most, 3 * kMegabyte) << "nothing stays";
  EXPECT_LE(most, 5 * kMegabyte + kPieceOfKernel);
}

// What the kernel maps around a page counts, too.
TEST_F(ResidentLimitTest, ReleasesWhatWasReadHereAndThere) {
  const auto file = Open(64 * kMegabyte, 4 * kMegabyte);
  constexpr uint64_t kPages = 64 * kMegabyte / kPageBytes;
  uint64_t most = 0;
  for (uint64_t i = 0, page = 0; i < 4096; ++i, page = (page + 6151) % kPages) {
    Read(*file, page * kPageBytes, kPageBytes);
    if (i % 64 == 0) most = std::max(most, ResidentBytes(Map(*file)));
  }
  EXPECT_LE(most, 5 * kMegabyte + kPieceOfKernel);
}

TEST_F(ResidentLimitTest, KeepsWhatFits) {
  const auto file = Open(3 * kMegabyte, 4 * kMegabyte);
  for (int i = 0; i < 10; ++i) Read(*file, 0, 3 * kMegabyte);
  EXPECT_GE(ResidentBytes(Map(*file)), 3 * kMegabyte);
}

TEST_F(ResidentLimitTest, CountsAllFilesThatHaveNoLimitOfTheirOwn) {
  ResidentLimit& limit = ResidentLimit::Process();
  EXPECT_EQ(limit.max_bytes(), uint64_t{128} << 20);
  limit.SetMaxBytes(4 * kMegabyte);
  const uint64_t before = limit.touched_bytes();
  {
    std::vector<std::shared_ptr<ByteFile>> files;
    uint64_t most = 0;
    for (int i = 0; i < 16; ++i) {
      files.push_back(Open(3 * kMegabyte, std::nullopt, "file" + std::to_string(i)));
      Read(*files.back(), 0, 3 * kMegabyte);
      uint64_t resident = 0;
      for (const auto& file : files) resident += ResidentBytes(Map(*file));
      most = std::max(most, resident);
    }
    EXPECT_LE(most, 7 * kMegabyte + kPieceOfKernel);
  }
  EXPECT_EQ(limit.touched_bytes(), before) << "files that are gone still count";
  limit.SetMaxBytes(ResidentLimit::kDefaultMaxBytes);
}

TEST_F(ResidentLimitTest, HoldsWithManyThreads) {
  const auto file = Open(64 * kMegabyte, 2 * kMegabyte);
  constexpr uint64_t kPiece = kMegabyte / 4;
  std::atomic<uint64_t> next{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (uint64_t at = next++ * kPiece; at < 64 * kMegabyte; at = next++ * kPiece) {
        Read(*file, at, kPiece);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(ResidentBytes(Map(*file)), 2 * kMegabyte + 4 * (kPiece + kPieceOfKernel));
}

}  // namespace
}  // namespace ndarray
