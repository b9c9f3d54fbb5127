// Files that change while they are opened: what a reader sees of another process's update.
#include "driver/store/frame/frame_open.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "driver/store/blosc2/frame_header.h"
#include "tests/support/frame_bytes.h"
#include "tests/support/memory_file.h"
#include "tests/support/status_matchers.h"

namespace ndarray {
namespace {

using testing::FailsWith;
using testing::FrameBytes;
using testing::FrameParts;
using testing::IsOk;
using testing::MemoryFile;
using testing::SpecialOffset;

// An array of four chunks of which the first `zeros` take no bytes.
FrameParts Frame(int zeros) {
  FrameParts parts;
  parts.shape = {8, 8};
  for (int i = 0; i < 4; ++i) {
    parts.chunks.push_back(testing::StoredChunk(std::string(32, static_cast<char>('a' + i)), 16));
  }
  for (int64_t i = 0; i < 4; ++i) parts.offsets.push_back(i < zeros ? SpecialOffset(1) : i * 64);
  return parts;
}

// The file after an update in place: new chunks, index and trailer behind the old ones, then the
// header. `frame` is where the old frame ends.
std::string Updated(const std::string& frame, int zeros) {
  FrameParts parts = Frame(zeros);
  const std::string fresh = FrameBytes(parts);
  const size_t header_bytes = testing::ChunkStart(parts, 0);
  const auto chunks_bytes = static_cast<size_t>(4 * 64);
  const std::string tail = fresh.substr(header_bytes + chunks_bytes);
  std::string file = frame + tail;
  PutFrameLengths(file, file.size(), 4 * 32, static_cast<int64_t>(frame.size() - header_bytes));
  return file;
}

// One opening after the other of a file that others write: each sees the bytes of its turn.
class ChangingFile final : public ByteFile {
 public:
  struct Opening {
    std::string bytes;
    uint64_t written_ns = 0;   // the state it is in
    std::string first_header;  // of the first read of the header's start, if not empty
    uint64_t size_bytes = 0;   // when it was opened; 0: of all bytes
  };

  explicit ChangingFile(std::vector<Opening> openings, size_t number = 0)
      : ByteFile("changing.b2nd", SizeOf(openings[number]), LocalTraits()),
        openings_(std::move(openings)),
        number_(number) {}

  Result<FileState> State() const override {
    return FileState{now().bytes.size(), now().written_ns, 0};
  }

  Status Read(const std::vector<ByteRange>& ranges) const override {
    for (const ByteRange& range : ranges) {
      std::string bytes = now().bytes;
      if (range.offset_bytes == 0 && !now().first_header.empty() && reads_++ == 0) {
        bytes.replace(0, now().first_header.size(), now().first_header);
      }
      if (range.offset_bytes > bytes.size() ||
          range.size_bytes > bytes.size() - range.offset_bytes) {
        return Status(StatusCode::kCorrupt, path() + ": range beyond the end of the file");
      }
      bytes.copy(static_cast<char*>(range.to), range.size_bytes, range.offset_bytes);
    }
    return {};
  }

  Result<std::shared_ptr<ByteFile>> OpenAgain() const override {
    const size_t next = std::min(number_ + 1, openings_.size() - 1);
    return std::shared_ptr<ByteFile>(std::make_shared<ChangingFile>(openings_, next));
  }

 private:
  static FileTraits LocalTraits() {
    FileTraits traits;
    traits.is_local = true;
    traits.id = FileId{1, 2};
    return traits;
  }
  static uint64_t SizeOf(const Opening& opening) {
    return opening.size_bytes != 0 ? opening.size_bytes : opening.bytes.size();
  }
  const Opening& now() const { return openings_[number_]; }

  const std::vector<Opening> openings_;
  const size_t number_;
  mutable int reads_ = 0;
};

int64_t SpecialChunks(const OpenedFrame& frame) { return frame.index->summary().special_chunks; }

TEST(OpenFrame, OpensAgainAFileThatGrewMeanwhile) {
  const std::string before = FrameBytes(Frame(0));
  const std::string after = Updated(before, 3);
  const ChangingFile::Opening early{after, 1, "", before.size()};
  const ChangingFile::Opening later{after, 2, "", before.size() + 1};
  const ChangingFile::Opening late{after, 2, "", 0};
  const auto frame = OpenFrame(
      std::make_shared<ChangingFile>(std::vector<ChangingFile::Opening>{early, later, late}));
  ASSERT_THAT(frame, IsOk());
  EXPECT_EQ(SpecialChunks(*frame), 3);
  EXPECT_EQ(frame->file->size_bytes(), after.size()) << "chunks would be outside of the map";
}

TEST(OpenFrame, SaysThatADamagedFileIsOne) {
  const std::string bytes = FrameBytes(Frame(0));
  const std::vector<ChangingFile::Opening> openings = {
      {bytes.substr(0, bytes.size() - 5), 1, "", 0}};
  EXPECT_THAT(OpenFrame(std::make_shared<ChangingFile>(openings)),
              FailsWith(StatusCode::kCorrupt, "changing.b2nd: cut short: "));
}

TEST(OpenFrame, GivesUpOnAFileThatNeverStaysTheSame) {
  const std::string bytes = FrameBytes(Frame(0));
  std::vector<ChangingFile::Opening> openings;
  for (int i = 0; i < 100; ++i) {
    openings.push_back({bytes.substr(0, bytes.size() - 5), static_cast<uint64_t>(i), "", 0});
  }
  EXPECT_THAT(OpenFrame(std::make_shared<ChangingFile>(openings)),
              FailsWith(StatusCode::kCorrupt, "cut short: "));
}

// A header that is read while it is overwritten: the frame's length is the new one, the length of
// its chunks, where the index begins, the old one.
TEST(OpenFrame, TakesNoHeaderThatIsHalfWritten) {
  const std::string before = FrameBytes(Frame(0));
  const std::string after = Updated(before, 3);
  std::string half = after.substr(0, kFrameHeaderMinBytes);
  const size_t length_end = kFrameLengthsAt + 8;
  half.replace(length_end, half.size() - length_end, before, length_end, half.size() - length_end);
  for (const std::string& seen : {half, before.substr(0, kFrameHeaderMinBytes)}) {
    const auto frame = OpenFrame(
        std::make_shared<ChangingFile>(std::vector<ChangingFile::Opening>{{after, 1, seen, 0}}));
    ASSERT_THAT(frame, IsOk());
    EXPECT_EQ(SpecialChunks(*frame), 3);
  }
}

// Where the times of files move in ticks, and the file had its length before the header was
// written, the two states differ in the header alone.
TEST(OpenFrame, SharesNoIndexOfAnotherStateOfTheFile) {
  const std::string before = FrameBytes(Frame(0));
  const std::string after = Updated(before, 3);
  std::string written = after;  // but for the header
  written.replace(0, kFrameHeaderMinBytes, before, 0, kFrameHeaderMinBytes);
  const auto open = [](const std::string& bytes) {
    return OpenFrame(
        std::make_shared<ChangingFile>(std::vector<ChangingFile::Opening>{{bytes, 1, "", 0}}));
  };
  const auto first = open(written);
  ASSERT_THAT(first, IsOk());
  EXPECT_EQ(SpecialChunks(*first), 0);
  const auto second = open(after);
  ASSERT_THAT(second, IsOk());
  EXPECT_EQ(SpecialChunks(*second), 3);
  EXPECT_EQ(open(after)->index, second->index);
}

TEST(OpenFrame, SharesNoIndexThatIsLongerThanTheMap) {
  const std::string before = FrameBytes(Frame(0));
  const std::string after = Updated(before, 3);
  const std::vector<ChangingFile::Opening> whole = {{after, 1, "", 0}};
  const auto first = OpenFrame(std::make_shared<ChangingFile>(whole));
  ASSERT_THAT(first, IsOk());
  const ChangingFile::Opening early{after, 1, "", before.size()};
  const auto second = OpenFrame(
      std::make_shared<ChangingFile>(std::vector<ChangingFile::Opening>{early, whole[0]}));
  ASSERT_THAT(second, IsOk());
  EXPECT_EQ(second->index, first->index);
  EXPECT_EQ(second->file->size_bytes(), after.size());
}

TEST(OpenFrame, OpensFilesThatCannotBeToldApart) {
  const auto frame = OpenFrame(std::make_shared<MemoryFile>(FrameBytes(Frame(1))));
  ASSERT_THAT(frame, IsOk());
  EXPECT_EQ(SpecialChunks(*frame), 1);
}

}  // namespace
}  // namespace ndarray
