#include "driver/store/blosc2/frame_trailer.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/frame_bytes.h"
#include "tests/support/status_matchers.h"

namespace ndarray {
namespace {

using testing::FailsWith;
using testing::FrameBytes;
using testing::FrameParts;
using testing::IsOk;
using testing::SmallFrame;

std::string TrailerOf(const std::string& frame) {
  const Result<uint64_t> size_bytes = FrameTrailerBytes(frame);
  EXPECT_THAT(size_bytes, IsOk());
  return frame.substr(frame.size() - *size_bytes);
}

std::string TrailerWith(testing::NamedContents contents) {
  FrameParts parts = SmallFrame();
  parts.vlmetalayers = std::move(contents);
  return TrailerOf(FrameBytes(parts));
}

std::string ContentAt(const std::string& trailer, uint64_t offset_bytes) {
  const std::string rest = trailer.substr(offset_bytes);
  const Result<uint64_t> size_bytes = ContentBytes(rest);
  EXPECT_THAT(size_bytes, IsOk());
  return rest.substr(kContentHeaderBytes, *size_bytes);
}

const testing::NamedContents kContents = {{"crs", "EPSG:4326"}, {"empty", ""}, {"crs", "again"}};

TEST(FrameTrailer, ReadsNamesAndWhereContentsAre) {
  const std::string trailer = TrailerWith(kContents);
  const auto entries = ParseFrameTrailer(trailer);
  ASSERT_THAT(entries, IsOk());
  ASSERT_EQ(entries->size(), 3u);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ((*entries)[i].name, kContents[i].first);
    EXPECT_EQ(ContentAt(trailer, (*entries)[i].offset_bytes), kContents[i].second);
  }
}

TEST(FrameTrailer, NeedsNoMoreThanTheBytesOfItsNames) {
  const std::string trailer = TrailerWith(kContents);
  const auto names_bytes = FrameTrailerNamesBytes(trailer.substr(0, kFrameTrailerStartBytes));
  ASSERT_THAT(names_bytes, IsOk());
  const auto entries = ParseFrameTrailer(trailer.substr(0, *names_bytes));
  ASSERT_THAT(entries, IsOk());
  EXPECT_EQ(entries->size(), 3u);
}

TEST(FrameTrailer, MayBeEmpty) {
  const auto entries = ParseFrameTrailer(TrailerWith({}));
  ASSERT_THAT(entries, IsOk());
  EXPECT_TRUE(entries->empty());
}

// The test's own writer makes trailers as c-blosc2 does (b2nd_interop_test reads ours with it).
TEST(FrameTrailer, IsWrittenAsItIsRead) {
  EXPECT_EQ(FormatFrameTrailer(kContents), TrailerWith(kContents));
  EXPECT_EQ(FormatFrameTrailer({}), TrailerWith({}));
}

TEST(FrameTrailer, RefusesAnyTrailerCutShort) {
  const std::string trailer = TrailerWith({{"crs", "EPSG:4326"}});
  const size_t names_bytes = kFrameTrailerStartBytes + 4 + 5;
  for (size_t size = 0; size < names_bytes; ++size) {
    const std::vector<char> cut(trailer.begin(),
                                trailer.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_EQ(ParseFrameTrailer({cut.data(), cut.size()}).status().code(), StatusCode::kCorrupt)
        << size;
    if (size < kFrameTrailerMinBytes) {
      EXPECT_THAT(FrameTrailerBytes({cut.data(), cut.size()}),
                  FailsWith(StatusCode::kCorrupt, "trailer: found"));
    }
  }
}

TEST(FrameTrailer, RefusesOtherBytes) {
  const std::string frame = FrameBytes(SmallFrame());
  const std::string trailer = TrailerOf(frame);
  for (const size_t at : {0u, 2u, 3u, 6u}) {
    std::string other = trailer;
    other[at] = '\x01';
    EXPECT_THAT(ParseFrameTrailer(other),
                FailsWith(StatusCode::kCorrupt, "trailer: found other bytes"));
    EXPECT_THAT(FrameTrailerNamesBytes(other),
                FailsWith(StatusCode::kCorrupt, "trailer: found other bytes"));
  }
  for (const size_t from_end : {23u, 18u}) {  // the markers of the length and of the fingerprint
    std::string other = frame;
    other[frame.size() - from_end] = '\x01';
    EXPECT_THAT(FrameTrailerBytes(other),
                FailsWith(StatusCode::kCorrupt, "trailer: found other bytes"));
  }
  EXPECT_THAT(ContentBytes("\xc5zzzz"), FailsWith(StatusCode::kCorrupt, "content: found"));
  EXPECT_THAT(ContentBytes("\xc6zzz"), FailsWith(StatusCode::kCorrupt, "content: found"));
}

}  // namespace
}  // namespace ndarray
