// Deflated members and CRC-32, against zlib's own functions over all bytes at once.
#include "driver/store/archive/deflated_file.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <memory>
#include <new>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "driver/store/archive/crc32.h"
#include "tests/support/memory_file.h"
#include "tests/support/status_matchers.h"

namespace ndarray {
namespace {

using testing::FailsWith;
using testing::IsOk;
using testing::MemoryFile;

std::string Deflated(const std::string& content) {
  z_stream state = {};
  deflateInit2(&state, 1, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  std::string packed(deflateBound(&state, content.size()), '\0');
  state.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(content.data()));
  state.avail_in = static_cast<uInt>(content.size());
  state.next_out = reinterpret_cast<Bytef*>(packed.data());
  state.avail_out = static_cast<uInt>(packed.size());
  EXPECT_EQ(deflate(&state, Z_FINISH), Z_STREAM_END);
  packed.resize(state.total_out);
  deflateEnd(&state);
  return packed;
}

// Some of it repeats.
const std::string& Content() {
  static const auto* const content = [] {
    auto* const bytes = new std::string(5'000'000, '\0');
    std::mt19937 random(1);
    for (char& byte : *bytes) byte = static_cast<char>(random() % 7);
    return bytes;
  }();
  return *content;
}

std::shared_ptr<DeflatedFile> Open(const std::string& packed, size_t size_bytes) {
  return std::make_shared<DeflatedFile>("a.npz:x", std::make_shared<MemoryFile>(packed),
                                        size_bytes);
}

TEST(DeflatedFile, ReadsAnyRangesInAnyOrder) {
  const auto file = Open(Deflated(Content()), Content().size());
  std::mt19937 random(2);
  for (int i = 0; i < 60; ++i) {
    const size_t at = random() % Content().size();
    const size_t count =
        std::min<size_t>(random() % (i % 10 == 0 ? 3'000'000 : 3000), Content().size() - at);
    std::string bytes;
    ASSERT_THAT(ReadBytes(*file, at, count, bytes), IsOk());
    ASSERT_EQ(bytes, Content().substr(at, count)) << at;
  }
  std::string all;
  ASSERT_THAT(ReadBytes(*file, 0, Content().size(), all), IsOk());
  EXPECT_EQ(all, Content());
  EXPECT_FALSE(file->is_mapped());
}

TEST(DeflatedFile, GoesBackWithoutStartingAnew) {
  const auto packed = std::make_shared<MemoryFile>(Deflated(Content()));
  const DeflatedFile file("a.npz:x", packed, Content().size());
  char byte;
  ASSERT_THAT(file.Read({{4'999'999, 1, &byte}}), IsOk());
  const uint64_t whole = packed->bytes_read();
  ASSERT_THAT(file.Read({{4'000'000, 1, &byte}}), IsOk());
  EXPECT_LT(packed->bytes_read() - whole, whole / 3);
}

TEST(DeflatedFile, ServesSeveralThreads) {
  const auto file = Open(Deflated(Content()), Content().size());
  std::vector<std::thread> threads;
  for (size_t i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      for (size_t at = i * 1'000'000; at < (i + 1) * 1'000'000; at += 250'000) {
        std::string bytes;
        EXPECT_THAT(ReadBytes(*file, at, 1000, bytes), IsOk());
        EXPECT_EQ(bytes, Content().substr(at, 1000));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(DeflatedFile, SaysWhatIsDamaged) {
  const std::string packed = Deflated(Content().substr(0, 100'000));
  std::string bytes;
  EXPECT_THAT(
      ReadBytes(*Open(packed, 100'001), 0, 100'001, bytes),
      FailsWith(StatusCode::kCorrupt,
                "a.npz:x: damaged (copy it again): content: found its end after 100000 bytes"));
  EXPECT_THAT(ReadBytes(*Open(packed.substr(0, 1000), 100'000), 0, 100'000, bytes),
              FailsWith(StatusCode::kCorrupt, "deflated data: found their end, wanted more"));
  EXPECT_THAT(ReadBytes(*Open("\xff\xff\xff", 100), 0, 100, bytes),
              FailsWith(StatusCode::kCorrupt, "deflated data: found "));
  const auto file = Open(packed, 100'000);
  EXPECT_THAT(ReadBytes(*file, 99'999, 2, bytes), FailsWith(StatusCode::kCorrupt, "cut short"));
  EXPECT_THAT(ReadBytes(*file, UINT64_MAX, 1, bytes), FailsWith(StatusCode::kCorrupt, "cut short"));
  EXPECT_THAT(ReadBytes(*file, 99'999, 1, bytes), IsOk());
}

// Whose third read fails as where memory is short.
class FileOfShortMemory final : public ByteFile {
 public:
  explicit FileOfShortMemory(const std::string& bytes)
      : ByteFile("memory", bytes.size(), {}), file_(bytes) {}

  Status Read(const std::vector<ByteRange>& ranges) const override {
    if (++calls_ == 3) throw std::bad_alloc();
    return file_.Read(ranges);
  }

 private:
  const MemoryFile file_;
  mutable int calls_ = 0;
};

TEST(DeflatedFile, KnowsWhereItIsAfterAnException) {
  const auto packed = std::make_shared<FileOfShortMemory>(Deflated(Content()));
  const DeflatedFile file("a.npz:x", packed, Content().size());
  std::string bytes;
  EXPECT_THROW(ReadBytes(file, 0, 1'000'000, bytes), std::bad_alloc);
  ASSERT_THAT(ReadBytes(file, 500'000, 1'000'000, bytes), IsOk());
  EXPECT_EQ(bytes, Content().substr(500'000, 1'000'000));
}

TEST(Crc32, IsThatOfAllBytes) {
  const std::string& content = Content();
  const auto* const bytes = reinterpret_cast<const Bytef*>(content.data());
  for (const size_t count :
       {size_t{0}, size_t{1}, size_t{131'072}, size_t{131'073}, content.size()}) {
    EXPECT_EQ(Crc32(content.data(), count), crc32_z(0, bytes, count)) << count;
  }
  const Result<uint32_t> sum = Crc32Of(MemoryFile(content));
  ASSERT_THAT(sum, IsOk());
  EXPECT_EQ(*sum, crc32_z(0, bytes, content.size()));
  EXPECT_EQ(JoinedCrc32(Crc32("ab", 2), Crc32("cd", 2), 2), Crc32("abcd", 4));
  EXPECT_THAT(Crc32Of(MemoryFile(content), [](double) { return false; }),
              FailsWith(StatusCode::kCancelled, "interrupted"));
  EXPECT_THAT(CheckCrc32(0x1a, 0xffffffff),
              FailsWith(StatusCode::kCorrupt, "CRC-32: found 0x0000001a, wanted 0xffffffff"));
}

}  // namespace
}  // namespace ndarray
