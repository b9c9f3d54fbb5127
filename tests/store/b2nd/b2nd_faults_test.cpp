// Writing of .b2nd files on disks that fail, and what is left after a power loss.

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "driver/store/b2nd/b2nd_array.h"
#include "driver/store/b2nd/b2nd_update.h"
#include "driver/store/b2nd/b2nd_writer.h"
#include "driver/store/blosc2/frame_header.h"
#include "driver/store/msgpack.h"
#include "tests/support/array_conformance.h"
#include "tests/support/b2nd_files.h"
#include "tests/support/faulty_file.h"
#include "tests/support/memory_file.h"
#include "tests/support/status_matchers.h"

namespace ndarray {
namespace {

using namespace testing;  // NOLINT

constexpr DType kU16{ScalarType::kUInt16, ByteOrder::kLittle};
constexpr char kName[] = "version";

// What a file holds: its elements, and one attribute (msgpack of a small number).
struct State {
  std::string elements;
  std::string attribute;
  bool operator==(const State& other) const {
    return elements == other.elements && attribute == other.attribute;
  }
};

class B2ndFaultsTest : public ::testing::Test {
 protected:
  B2ndFaultsTest() : random_(11), old_(ReferenceArray::OfRandom(kU16, {40, 50}, random_)) {
    B2ndOptions options;
    options.chunk_shape = {16, 20};
    options.block_shape = {8, 10};
    options.vlmetalayers = {{kName, std::string(1, '\0')}};
    bytes_ = B2ndBytes(old_, options);
  }

  State OldState() const { return {old_.elements, std::string(1, '\0')}; }

  // The state in a file of these bytes; fails the test where it does not open or decode.
  static State Load(const std::string& bytes) {
    const auto file = std::make_shared<MemoryFile>(bytes);
    const auto array = OpenB2ndForUpdate(file, 1);
    EXPECT_THAT(array, IsOk());
    if (!array.ok()) return {};
    State state;
    state.elements.resize(40 * 50 * 2);
    EXPECT_THAT((*array)->Read(0, WholeBox({40, 50}), {state.elements.data(), {100, 2}}), IsOk());
    const Result<std::string> value = (*array)->attributes()->Read(kName, 100);
    if (value.ok()) state.attribute = *value;
    return state;
  }

  // Changes some elements and the attribute, of the array and of the state.
  void Change(WritableArray& array, State& state) {
    Box box = RandomBox({40, 50}, random_);
    const auto value = static_cast<uint16_t>(random_() % 65536);
    std::vector<uint16_t> values(static_cast<size_t>(box.count(0) * box.count(1)));
    for (size_t i = 0; i < values.size(); ++i) {
      values[i] = static_cast<uint16_t>(value + i * (random_() % 7));
    }
    ASSERT_THAT(array.Write(0, box, {values.data(), {2 * box.count(1), 2}}), IsOk());
    ReferenceArray reference{kU16, {40, 50}, state.elements};
    reference.SetElementsOf(
        box, {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(uint16_t)});
    state.elements = reference.elements;
    state.attribute = std::string(1, static_cast<char>((state.attribute[0] + 1) % 100));
    ASSERT_THAT(array.editable_attributes()->Set(kName, state.attribute), IsOk());
  }

  Random random_;
  const ReferenceArray old_;
  std::string bytes_;
};

TEST_F(B2ndFaultsTest, FailedFlushLeavesTheOldContentAndTheNextOneTheNew) {
  bool failed = true;
  for (int64_t at = 0; failed; ++at) {
    SCOPED_TRACE("operation " + std::to_string(at));
    const auto file = std::make_shared<FaultyFile>(bytes_);
    const auto array = OpenB2ndForUpdate(file, 1);
    ASSERT_THAT(array, IsOk());
    State state = OldState();
    Change(**array, state);
    file->fault().FailAt(at);
    const Status status = (*array)->Flush();
    failed = !status.ok();
    if (failed) {
      EXPECT_THAT(status, FailsWith(StatusCode::kIo, "injected"));
      const State left = Load(file->bytes());
      // The last sync comes after the write that commits.
      EXPECT_TRUE(left == OldState() || left == state);
      file->fault().FailNever();
      ASSERT_THAT((*array)->Flush(), IsOk());
    }
    EXPECT_TRUE(Load(file->bytes()) == state);
    ASSERT_LT(at, 100);
    EXPECT_TRUE(failed || at >= 4) << "chunk, tail, sync, header, sync";
  }
}

TEST_F(B2ndFaultsTest, FailedWriteOfAFullCacheKeepsWhatWaits) {
  const auto file = std::make_shared<FaultyFile>(bytes_);
  const auto array =
      OpenB2ndForUpdate(file, 1, Chunks::kMayBeWritten, 1);  // one chunk waits, no more
  ASSERT_THAT(array, IsOk());
  file->fault().FailAt(0);
  const std::vector<uint16_t> values(40 * 50, 7);
  EXPECT_THAT((*array)->Write(0, WholeBox({40, 50}), {values.data(), {100, 2}}),
              FailsWith(StatusCode::kIo, "injected"));
  EXPECT_TRUE(Load(file->bytes()) == OldState());
  ASSERT_THAT((*array)->Write(0, WholeBox({40, 50}), {values.data(), {100, 2}}), IsOk());
  ASSERT_THAT((*array)->Flush(), IsOk());
  EXPECT_EQ(Load(file->bytes()).elements,
            std::string(reinterpret_cast<const char*>(values.data()), 40 * 50 * 2));
}

// Chunks that were written before the disk was full have moved: what was cached of them is old.
TEST_F(B2ndFaultsTest, WhatIsReadAfterAFailedFlushIsWhatWasWritten) {
  for (int64_t at = 0; at < 14; ++at) {
    SCOPED_TRACE("operation " + std::to_string(at));
    const auto file = std::make_shared<FaultyFile>(bytes_);
    const auto array = OpenB2ndForUpdate(file, 1);
    ASSERT_THAT(array, IsOk());
    std::string seen(4000, '\0');
    const auto read = [&](const Box& box) {
      return (*array)->Read(0, box, {seen.data(), {2 * box.count(1), 2}});
    };
    // Parts of blocks twice: they stay in the cache.
    for (int turn = 0; turn < 2; ++turn) {
      for (int64_t y = 0; y < 40; y += 8) ASSERT_THAT(read({{y, 0}, {y + 2, 50}}), IsOk());
    }
    // Shorter than what it replaces.
    std::string elements;
    for (int i = 0; i < 4000; ++i) elements += static_cast<char>(i % 100 < 50 ? at + 1 : i % 7);
    ASSERT_THAT((*array)->Write(0, WholeBox({40, 50}), {elements.data(), {100, 2}}), IsOk());
    file->fault().FailAt(at);
    EXPECT_EQ((*array)->Flush().ok(), at == 13) << "9 chunks, tail, sync, header, sync";
    for (int64_t y = 0; y < 40; y += 8) {
      ASSERT_THAT(read({{y, 0}, {y + 2, 50}}), IsOk());
      EXPECT_EQ(seen.substr(0, 200), elements.substr(static_cast<size_t>(y) * 100, 200));
    }
  }
}

TEST_F(B2ndFaultsTest, FailedFillOfUnwrittenChunksLeavesTheOldContent) {
  const auto layout = MakeB2ndLayout(kU16, {40, 50}, {16, 20}, {8, 10});
  ASSERT_THAT(layout, IsOk());
  FaultyOutput output;
  const auto writer = B2ndWriter::Start(output, *layout, {}, {{kName, std::string(1, '\0')}}, 1);
  ASSERT_THAT(writer, IsOk());
  ASSERT_THAT((*writer)->Finish(), IsOk());

  const uint16_t fill = 0x0707;
  const State zeros{std::string(4000, '\0'), std::string(1, '\0')};
  State filled{std::string(4000, '\x07'), std::string(1, '\1')};
  const auto file = std::make_shared<FaultyFile>(output.bytes());
  const auto array = OpenB2ndForUpdate(file, 1, Chunks::kUnwritten);
  ASSERT_THAT(array, IsOk());
  file->fault().FailAt(0);
  const auto* const element = reinterpret_cast<const std::byte*>(&fill);
  EXPECT_THAT((*array)->Fill(WholeBox({40, 50}), element), FailsWith(StatusCode::kIo, "injected"));
  ASSERT_THAT((*array)->editable_attributes()->Set(kName, filled.attribute), IsOk());
  ASSERT_THAT((*array)->Flush(), IsOk());
  EXPECT_TRUE(Load(file->bytes()) == (State{zeros.elements, filled.attribute}));
  ASSERT_THAT((*array)->Fill(WholeBox({40, 50}), element), IsOk());
  ASSERT_THAT((*array)->Flush(), IsOk());
  EXPECT_TRUE(Load(file->bytes()) == filled);
}

TEST_F(B2ndFaultsTest, FailedRewriteLeavesTheFile) {
  const auto file = std::make_shared<FaultyFile>(bytes_);
  const auto array = OpenB2ndForUpdate(file, 1);
  ASSERT_THAT(array, IsOk());
  State state = OldState();
  Change(**array, state);
  ASSERT_THAT((*array)->Flush(), IsOk());
  bool failed = true;
  for (int64_t at = 0; failed; ++at) {
    FaultyOutput output;
    output.fault().FailAt(at);
    Status status = (*array)->CopyTo(output);
    if (status.ok()) status = output.Commit();
    failed = !status.ok();
    EXPECT_EQ(output.committed(), !failed);
    EXPECT_TRUE(failed || Load(output.bytes()) == state);
    ASSERT_LT(at, 100);
  }
  EXPECT_TRUE(Load(file->bytes()) == state);
}

TEST_F(B2ndFaultsTest, FailedNewFileIsNeverCommitted) {
  Compression compression;
  compression.compressor = 4;  // ZSTD
  compression.level = 1;
  bool failed = true;
  for (int64_t at = 0; failed; ++at) {
    const auto layout = MakeB2ndLayout(kU16, {40, 50}, {16, 20}, {8, 10});
    ASSERT_THAT(layout, IsOk());
    FaultyOutput output;
    output.fault().FailAt(at);
    const auto writer =
        B2ndWriter::Start(output, *layout, compression, {{kName, std::string(1, '\0')}}, 1);
    Status status = writer.ok() ? Status() : writer.status();
    for (int64_t chunk = 0; status.ok() && chunk < layout->chunk_count; ++chunk) {
      const int64_t start = chunk / 3 * 16 * 50 + chunk % 3 * 20;
      const Box box = ChunkBox(*layout, GridPosition(layout->chunk_grid, chunk));
      status = (*writer)->Write(box, {old_.elements.data() + 2 * start, {100, 2}});
    }
    if (status.ok()) status = (*writer)->Finish();
    if (status.ok()) status = output.Commit();
    failed = !status.ok();
    EXPECT_EQ(output.committed(), !failed);
    EXPECT_TRUE(!failed || status.code() == StatusCode::kIo) << status.message();
    EXPECT_TRUE(failed || Load(output.bytes()) == OldState());
    ASSERT_LT(at, 100);
  }
}

// Whatever a sync has seen to is on disk; of each other write all, nothing or a part. Only the
// write that commits is taken to be whole or absent: it lies within one sector.
class PowerLoss {
 public:
  PowerLoss(std::string start, const std::vector<FileEvent>& events)
      : start_(std::move(start)), events_(events) {}

  // What a disk may hold when the power fails before event number `end`.
  std::string Image(size_t end, Random& random) const {
    std::string image = start_;
    for (size_t i = 0; i < end; ++i) {
      FileEvent event = events_[i];
      if (event.kind == FileEvent::kWrite && !IsOnDisk(i, end)) {
        const auto choice = random() % 4;
        if (choice == 0) continue;
        const bool commits = event.offset_bytes == kFrameLengthsAt;
        if (choice == 1 && !commits) Tear(event, random);
      }
      event.ApplyTo(image);
    }
    return image;
  }

 private:
  bool IsOnDisk(size_t write, size_t end) const {
    size_t next = write;
    while (next < end && events_[next].kind == FileEvent::kWrite) ++next;
    return next < end && events_[next].kind == FileEvent::kSync;
  }

  // The file has grown, but some of the bytes are still what they were: zeros.
  static void Tear(FileEvent& event, Random& random) {
    if (event.bytes.empty()) return;  // a write that failed
    const size_t from = random() % event.bytes.size();
    const size_t count = 1 + random() % (event.bytes.size() - from);
    std::fill_n(event.bytes.begin() + static_cast<std::ptrdiff_t>(from), count, '\0');
  }

  const std::string start_;
  const std::vector<FileEvent>& events_;
};

TEST_F(B2ndFaultsTest, PowerLossAfterAFailedFlushLeavesOneOfTheStates) {
  bool failed = true;
  for (int64_t at = 0; failed; ++at) {
    const auto file = std::make_shared<FaultyFile>(bytes_);
    const auto array = OpenB2ndForUpdate(file, 1);
    ASSERT_THAT(array, IsOk());
    std::vector<State> states(3, OldState());
    Change(**array, states[1]);
    file->fault().FailAt(at);
    failed = !(*array)->Flush().ok();
    file->fault().FailNever();
    states[2] = states[1];
    Change(**array, states[2]);
    ASSERT_THAT((*array)->Flush(), IsOk());
    const PowerLoss loss(bytes_, file->events());
    for (size_t end = 0; end <= file->events().size(); ++end) {
      SCOPED_TRACE("operation " + std::to_string(at) + ", event " + std::to_string(end));
      for (int attempt = 0; attempt < 12; ++attempt) {
        const State left = Load(loss.Image(end, random_));
        const bool is_last = end == file->events().size();
        ASSERT_TRUE(left == states[2] || (!is_last && (left == states[0] || left == states[1])));
      }
    }
    ASSERT_LT(at, 100);
  }
}

TEST_F(B2ndFaultsTest, PowerLossAtAnyMomentLeavesOneCommittedState) {
  const auto file = std::make_shared<FaultyFile>(bytes_);
  const auto array =
      OpenB2ndForUpdate(file, 1, Chunks::kMayBeWritten, 3000);  // some chunks come early
  ASSERT_THAT(array, IsOk());
  std::vector<State> states = {OldState()};
  std::vector<size_t> ends = {0};  // of the events, when that state was committed
  for (int round = 0; round < 6; ++round) {
    states.push_back(states.back());
    for (int change = 0; change < 2; ++change) Change(**array, states.back());
    ASSERT_THAT((*array)->Flush(), IsOk());
    ends.push_back(file->events().size());
  }
  EXPECT_LE(kFrameLengthsAt + kFrameLengthsBytes, 512);

  const PowerLoss loss(bytes_, file->events());
  int new_ones = 0;
  for (size_t end = 0; end <= file->events().size(); ++end) {
    size_t committed = 0;
    while (committed + 1 < ends.size() && ends[committed + 1] <= end) ++committed;
    for (int attempt = 0; attempt < 24; ++attempt) {
      SCOPED_TRACE("before event " + std::to_string(end));
      const State left = Load(loss.Image(end, random_));
      const bool is_next = committed + 1 < states.size() && left == states[committed + 1];
      ASSERT_TRUE(left == states[committed] || is_next);
      new_ones += is_next ? 1 : 0;
    }
  }
  EXPECT_GT(new_ones, 0) << "the moment after the commit was tried, too";
}

}  // namespace
}  // namespace ndarray
