#include "driver/store/blosc2/frame_header.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "tests/support/frame_bytes.h"
#include "tests/support/status_matchers.h"

namespace ndarray {
namespace {

using testing::Big;
using testing::FailsWith;
using testing::FrameBytes;
using testing::FrameParts;
using testing::IsOk;
using testing::SmallFrame;

// A frame with one thing changed.
std::string Changed(const std::function<void(FrameParts&)>& change) {
  FrameParts parts = SmallFrame();
  change(parts);
  return FrameBytes(parts);
}

std::string WithBytes(size_t at, std::string_view bytes) {
  return FrameBytes(SmallFrame()).replace(at, bytes.size(), bytes);
}

size_t HeaderBytesOf(const std::string& frame) { return *FrameHeaderBytes(frame); }

TEST(FrameHeader, ReadsEveryField) {
  FrameParts parts = SmallFrame();
  parts.codec_flags = 0x94;  // ZSTD, level 9
  parts.filters = {0, 0, 0, 4, 35, 1};
  parts.more_metalayers = {{"other", "abc"}};
  const std::string frame = FrameBytes(parts);
  const auto header = ParseFrameHeader(frame);
  ASSERT_THAT(header, IsOk());
  EXPECT_EQ(header->header_bytes, testing::ChunkStart(parts, 0));
  EXPECT_EQ(header->frame_bytes, frame.size());
  EXPECT_EQ(header->uncompressed_bytes, 4 * 32);
  EXPECT_EQ(header->compressed_bytes, static_cast<int64_t>(4 * parts.chunks[0].size()));
  EXPECT_EQ(header->element_bytes, 2);
  EXPECT_EQ(header->chunk_bytes, 32);
  EXPECT_EQ(header->format_version, 2);
  EXPECT_FALSE(header->is_sparse);
  EXPECT_FALSE(header->has_varying_blocks);
  EXPECT_EQ(header->compressor, 4);
  EXPECT_EQ(header->level, 9);
  EXPECT_EQ(header->filters, (std::array<uint8_t, 6>{0, 0, 0, 4, 35, 1}));
  ASSERT_EQ(header->metalayers.size(), 2u);
  ASSERT_NE(header->Find("other"), nullptr);
  EXPECT_EQ(header->Find("other")->content, "abc");
  EXPECT_EQ(header->Find("b2nd")->content,
            testing::B2ndContent(parts.shape, parts.chunk_shape, parts.block_shape, "<u2"));
  EXPECT_EQ(header->Find("b2n"), nullptr);
}

TEST(FrameHeader, TakesThePluginsCodecFromItsOwnByte) {
  std::string frame = Changed([](FrameParts& parts) { parts.codec_flags = 0x56; });
  frame[77] = 33;  // after six filters
  const auto header = ParseFrameHeader(frame);
  ASSERT_THAT(header, IsOk());
  EXPECT_EQ(header->compressor, 33);
}

TEST(FrameHeader, TellsSparseFramesAndVaryingBlocks) {
  const std::string sparse = Changed([](FrameParts& parts) { parts.frame_type = 1; });
  EXPECT_TRUE(ParseFrameHeader(sparse)->is_sparse);
  const std::string varying = Changed([](FrameParts& parts) { parts.general_flags = 0x93; });
  EXPECT_TRUE(ParseFrameHeader(varying)->has_varying_blocks);
}

TEST(FrameHeader, KnowsItsMagic) {
  EXPECT_TRUE(HasFrameMagic(FrameBytes(SmallFrame())));
  EXPECT_TRUE(HasFrameMagic(FrameBytes(SmallFrame()).substr(0, 10)));
  EXPECT_FALSE(HasFrameMagic(FrameBytes(SmallFrame()).substr(0, 9)));
  EXPECT_FALSE(HasFrameMagic(""));
  EXPECT_FALSE(HasFrameMagic(WithBytes(9, "x")));
  EXPECT_THAT(FrameHeaderBytes(WithBytes(2, "B2FRAME")),
              FailsWith(StatusCode::kNotSupported,
                        "is not a .b2nd file: found bytes \\x9e\\xa8B2FRAME\\x00, wanted "
                        "\\x9e\\xa8b2frame\\x00"));
}

TEST(FrameHeader, RefusesAnyHeaderCutShort) {
  const std::string frame = FrameBytes(SmallFrame());
  const size_t header_bytes = HeaderBytesOf(frame);
  for (size_t size = 0; size < header_bytes; ++size) {
    // On the heap without a byte to spare: a sanitizer sees what is read beyond the end.
    const std::vector<char> cut(frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_EQ(ParseFrameHeader({cut.data(), cut.size()}).status().code(), StatusCode::kCorrupt);
    const auto bytes = FrameHeaderBytes({cut.data(), cut.size()});
    EXPECT_EQ(bytes.ok(), size >= kFrameHeaderMinBytes) << size;
  }
}

TEST(FrameHeader, RefusesVersionsFromTheFuture) {
  EXPECT_THAT(ParseFrameHeader(Changed([](FrameParts& parts) { parts.general_flags = 0x14; })),
              FailsWith(StatusCode::kNotSupported, "frame version: found 4, wanted at most 3"));
}

TEST(FrameHeader, RefusesLengthsThatContradictEachOther) {
  struct Case {
    std::function<void(FrameParts&)> change;
    const char* message;
  };
  for (const auto& [change, message] : std::vector<Case>{
           {[](FrameParts& p) { p.header_bytes = 86; }, "header length: found 86 bytes"},
           {[](FrameParts& p) { p.header_bytes = 0; }, "header length: found 0 bytes"},
           {[](FrameParts& p) { p.header_bytes = 0xFFFFFFFF; }, "header length: found 4294967295"},
           {[](FrameParts& p) { p.header_bytes = (16 << 20) + 1; },
            "header length: found 16777217"},
           {[](FrameParts& p) { p.header_bytes = 100000; }, "header: found"},
           {[](FrameParts& p) { p.frame_bytes = 0; }, "frame length: found 0 bytes"},
           {[](FrameParts& p) { p.frame_bytes = 189; }, "frame length: found 189 bytes"},
           {[](FrameParts& p) { p.compressed_bytes = -1; }, "compressed size: found -1 bytes"},
           {[](FrameParts& p) { p.compressed_bytes = INT64_MAX; }, "compressed size: found 92233"},
           {[](FrameParts& p) { p.compressed_bytes = INT64_MIN; }, "compressed size: found -9223"},
           {[](FrameParts& p) { p.uncompressed_bytes = -1; }, "uncompressed sizes: found -1"},
           {[](FrameParts& p) { p.chunk_bytes = 0xFFFFFFFE; }, "chunk -2"},
           {[](FrameParts& p) { p.element_bytes = 0; }, "element 0"},
           {[](FrameParts& p) { p.element_bytes = -5; }, "element -5"},
       }) {
    EXPECT_THAT(ParseFrameHeader(Changed(change)), FailsWith(StatusCode::kCorrupt, message));
  }
}

TEST(FrameHeader, AcceptsAFrameLengthNearTheLimit) {
  const std::string frame = Changed([](FrameParts& parts) { parts.frame_bytes = UINT64_MAX; });
  const auto header = ParseFrameHeader(frame);
  ASSERT_THAT(header, IsOk());
  EXPECT_EQ(header->frame_bytes, UINT64_MAX);
}

TEST(FrameHeader, RefusesOtherMarkers) {
  // In the numbers, the flags, the filters.
  for (const size_t at : {10u, 15u, 24u, 29u, 38u, 47u, 52u, 57u, 69u}) {
    EXPECT_EQ(ParseFrameHeader(WithBytes(at, "\x01")).status().code(), StatusCode::kCorrupt) << at;
  }
}

TEST(FrameHeader, RefusesMetalayersThatAreNotThere) {
  const size_t at = kFrameHeaderMinBytes;
  const std::string frame = FrameBytes(SmallFrame());
  const size_t name_at = at + 7;
  const size_t offset_at = name_at + 5 + 1;
  ASSERT_EQ(frame.substr(name_at, 5),
            "\xa4"
            "b2nd");
  struct Case {
    size_t at;
    std::string bytes;
  };
  for (const auto& [place, bytes] : std::vector<Case>{
           {at, "\x92"},                                   // an array of another length
           {at + 1, "\xce"},                               // no uint16
           {at + 4, "\xdf"},                               // no map
           {at + 5, Big(0xFFFF, 2)},                       // 65535 metalayers
           {at + 5, Big(8192, 2)},                         // more names than bytes
           {at + 5, Big(2, 2)},                            // one more than there are
           {name_at, "\xc4"},                              // no text
           {name_at, "\xbf"},                              // a name that swallows its offset
           {offset_at - 1, "\xd3"},                        // no int32
           {offset_at, Big(0xFFFFFFFF, 4)},                // beyond the header
           {offset_at, Big(0, 4)},                         // no content there
           {offset_at, Big(HeaderBytesOf(frame), 4)},      // one after the end
           {offset_at, Big(HeaderBytesOf(frame) - 1, 4)},  // the last byte
       }) {
    EXPECT_THAT(ParseFrameHeader(WithBytes(place, bytes)),
                FailsWith(StatusCode::kCorrupt, "metalayers"))
        << place;
  }
}

TEST(FrameHeader, RefusesContentsThatEndAfterTheHeader) {
  const std::string frame = FrameBytes(SmallFrame());
  const size_t length_at = frame.find("\xc6", kFrameHeaderMinBytes) + 1;
  for (const uint64_t size : {HeaderBytesOf(frame), size_t{0xFFFFFFFF}, size_t{0x80000000}}) {
    EXPECT_THAT(ParseFrameHeader(WithBytes(length_at, Big(size, 4))),
                FailsWith(StatusCode::kCorrupt, "metalayers 'b2nd': found"));
  }
}

TEST(FrameHeader, AcceptsMetalayersThatOverlap) {
  // Two names for one content harm nobody.
  FrameParts parts = SmallFrame();
  parts.more_metalayers = {{"same", ""}};
  std::string frame = FrameBytes(parts);
  const size_t first = frame.find("b2nd") + 5;
  frame.replace(frame.find("same") + 5, 4, frame, first, 4);
  const auto header = ParseFrameHeader(frame);
  ASSERT_THAT(header, IsOk());
  EXPECT_EQ(header->Find("same")->content, header->Find("b2nd")->content);
}

}  // namespace
}  // namespace ndarray
