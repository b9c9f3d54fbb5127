// Several writers of one .b2nd file: whatever the order of their steps, and wherever one is killed,
// all that the others have flushed is there.

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "driver/store/b2nd/b2nd_array.h"
#include "driver/store/b2nd/b2nd_update.h"
#include "driver/store/io/local_file.h"
#include "driver/store/io/writer_turns.h"
#include "tests/support/array_conformance.h"
#include "tests/support/b2nd_files.h"
#include "tests/support/faulty_file.h"
#include "tests/support/memory_file.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_folder.h"

namespace ndarray {
namespace {

using namespace testing;  // NOLINT
using std::chrono::milliseconds;

constexpr DType kU16{ScalarType::kUInt16, ByteOrder::kLittle};
const AxisVector kShape{40, 50};     // three chunks by three, of which those at the end are cut off
constexpr int64_t kFewBytes = 1500;  // two chunks wait at most
constexpr milliseconds kLong(60000);

class B2ndWritersTest : public ::testing::Test {
 protected:
  using Writer = std::shared_ptr<B2ndForUpdate>;

  B2ndWritersTest() : random_(5), model_(ReferenceArray::OfRandom(kU16, kShape, random_)) {
    B2ndOptions options = Options();
    options.vlmetalayers = {{"old", "\1"}, {"common", "\1"}};
    WriteFile(path_, B2ndBytes(model_, options));
  }

  static B2ndOptions Options() {
    B2ndOptions options;
    options.chunk_shape = {16, 20};
    options.block_shape = {8, 10};
    return options;
  }

  // Fails after so many operations, where that is no negative number.
  Writer Open(int64_t stop_at = -1, int64_t write_cache_bytes = kDefaultWriteCacheBytes,
              milliseconds timeout = kLong) const {
    auto shared = OpenSharedFile(path_, Joining::kNow, timeout);
    EXPECT_THAT(shared, IsOk());
    std::shared_ptr<WritableFile> file = shared->file;
    if (stop_at >= 0) file = std::make_shared<StoppedFile>(file, stop_at);
    auto array = OpenB2ndForUpdate(file, 1, Chunks::kMayBeWritten, write_cache_bytes,
                                   std::move(shared->turns));
    EXPECT_THAT(array, IsOk());
    return array.ok() ? *array : nullptr;
  }

  static Status Write(Array& array, const Box& box, const std::vector<uint16_t>& values) {
    return array.writable()->Write(0, box, {values.data(), {2 * box.count(1), 2}});
  }

  // Writes a box of one value, and into the model.
  void Put(Array& array, const Box& box, uint16_t value) {
    const std::vector<uint16_t> values(static_cast<size_t>(ElementsIn(box)), value);
    ASSERT_THAT(Write(array, box, values), IsOk());
    PutInModel(model_, box, value);
  }

  static void PutInModel(ReferenceArray& model, const Box& box, uint16_t value) {
    const std::vector<uint16_t> values(static_cast<size_t>(ElementsIn(box)), value);
    model.SetElementsOf(box, {reinterpret_cast<const char*>(values.data()), 2 * values.size()});
  }

  static int64_t ElementsIn(const Box& box) { return box.count(0) * box.count(1); }

  static std::string ElementsOf(const Array& array) {
    std::string elements(40 * 50 * 2, '\0');
    EXPECT_THAT(array.Read(0, WholeBox(kShape), {elements.data(), {100, 2}}), IsOk());
    return elements;
  }

  // As a reader finds them now.
  std::shared_ptr<Array> Reader() const {
    const auto array = OpenB2ndArray(*OpenLocalFile(path_), 1);
    EXPECT_THAT(array, IsOk());
    return *array;
  }
  std::string InFile() const { return ElementsOf(*Reader()); }

  std::string Attribute(const std::string& name) const {
    const auto value = Reader()->attributes()->Read(name, 100);
    return value.ok() ? *value : "";
  }

  Random random_;
  ReferenceArray model_;
  const TempFolder folder_;
  const std::string path_ = folder_.Path("file.b2nd");
};

TEST_F(B2ndWritersTest, DifferentPixelsOfOneChunkAllArrive) {
  const Writer first = Open();
  const Writer second = Open();
  Put(*first, {{0, 0}, {5, 9}}, 1);
  Put(*second, {{3, 9}, {7, 15}}, 2);
  ASSERT_THAT(first->Flush(), IsOk());
  ASSERT_THAT(second->Flush(), IsOk());
  EXPECT_EQ(InFile(), model_.elements);
  EXPECT_EQ(ElementsOf(*second), model_.elements) << "what the first has written, too";
  EXPECT_NE(ElementsOf(*first), model_.elements) << "as it was at its own last flush";
  Put(*first, {{15, 19}, {17, 21}}, 3);
  ASSERT_THAT(first->Flush(), IsOk());
  EXPECT_EQ(InFile(), model_.elements);
}

TEST_F(B2ndWritersTest, TheSameValueAsBeforeIsAChangeToo) {
  const Writer first = Open();
  const Box box{{2, 3}, {4, 6}};
  Put(*first, box, 7);
  ASSERT_THAT(first->Flush(), IsOk());
  const Writer second = Open();
  Put(*first, box, 8);
  ASSERT_THAT(first->Flush(), IsOk());
  Put(*second, box, 7);  // as the file had it when it was opened
  ASSERT_THAT(second->Flush(), IsOk());
  EXPECT_EQ(InFile(), model_.elements);
}

TEST_F(B2ndWritersTest, WhatIsReadAfterAFlushIsWhatOthersHaveWritten) {
  const Writer first = Open();
  const Writer second = Open();
  std::string line(100, '\0');
  const Box box{{1, 0}, {2, 50}};
  for (uint16_t round = 0; round < 5; ++round) {
    // Parts of blocks, twice: they may be kept.
    for (int turn = 0; turn < 2; ++turn) {
      ASSERT_THAT(first->Read(0, box, {line.data(), {100, 2}}), IsOk());
    }
    Put(*second, box, static_cast<uint16_t>(100 + round));
    ASSERT_THAT(second->Flush(), IsOk());
    Put(*first, {{30, 30}, {31, 31}}, round);
    ASSERT_THAT(first->Flush(), IsOk());
    ASSERT_THAT(first->Read(0, box, {line.data(), {100, 2}}), IsOk());
    EXPECT_EQ(line, model_.ElementsOf(box));
  }
}

TEST_F(B2ndWritersTest, ReadersKeepWhatTheyHaveOpened) {
  const std::shared_ptr<Array> reader = Reader();
  const std::string before = model_.elements;
  const Writer first = Open(-1, kFewBytes);
  const Writer second = Open(-1, kFewBytes);
  for (uint16_t round = 0; round < 10; ++round) {
    Put(*first, {{0, 0}, {40, 25}}, static_cast<uint16_t>(random_()));
    Put(*second, {{0, 25}, {40, 50}}, static_cast<uint16_t>(random_()));
    ASSERT_THAT(first->Flush(), IsOk());
    ASSERT_THAT(second->Flush(), IsOk());
    ASSERT_EQ(ElementsOf(*reader), before);
  }
  EXPECT_EQ(InFile(), model_.elements);
}

// Writers have lines in turn: all share all chunks.
TEST_F(B2ndWritersTest, RandomWindowsAndFlushesEndAsInTheModel) {
  constexpr int64_t kWriters = 3;
  for (const int64_t cache_bytes : {int64_t{1}, kFewBytes, kDefaultWriteCacheBytes}) {
    std::vector<Writer> writers;
    for (int64_t i = 0; i < kWriters; ++i) writers.push_back(Open(-1, cache_bytes));
    for (int step = 0; step < 300; ++step) {
      const auto number = static_cast<int64_t>(random_() % kWriters);
      Writer& writer = writers[static_cast<size_t>(number)];
      const Box window = RandomBox(kShape, random_);
      for (int64_t y = window.start[0]; y < window.stop[0]; ++y) {
        if (y % kWriters != number) continue;
        Put(*writer, {{y, window.start[1]}, {y + 1, window.stop[1]}},
            static_cast<uint16_t>(random_() % 50));
      }
      if (random_() % 4 == 0) {
        ASSERT_THAT(writer->Flush(), IsOk());
      }
      if (random_() % 16 == 0) {
        ASSERT_THAT(writer->Flush(), IsOk());
        writer = Open(-1, cache_bytes);
      }
    }
    for (const Writer& writer : writers) ASSERT_THAT(writer->Flush(), IsOk());
    ASSERT_EQ(InFile(), model_.elements);
  }
}

// So many that they are no longer remembered as boxes.
TEST_F(B2ndWritersTest, ScatteredPixelsOfOneChunkAllArrive) {
  const std::vector<Writer> writers = {Open(), Open()};
  for (int step = 0; step < 3000; ++step) {
    const auto y = static_cast<int64_t>(random_() % 40);
    const auto x = static_cast<int64_t>(random_() % 50);
    Put(*writers[static_cast<size_t>((x + y) % 2)], {{y, x}, {y + 1, x + 1}},
        static_cast<uint16_t>(random_()));
  }
  for (const Writer& writer : writers) ASSERT_THAT(writer->Flush(), IsOk());
  EXPECT_EQ(InFile(), model_.elements);
}

TEST_F(B2ndWritersTest, AttributesArriveOneByOne) {
  const Writer first = Open();
  const Writer second = Open();
  ASSERT_THAT(first->editable_attributes()->Set("mine", "\2"), IsOk());
  ASSERT_THAT(first->editable_attributes()->Set("common", "\2"), IsOk());
  first->editable_attributes()->Remove("old");
  ASSERT_THAT(second->editable_attributes()->Set("yours", "\3"), IsOk());
  ASSERT_THAT(second->editable_attributes()->Set("common", "\3"), IsOk());
  ASSERT_THAT(first->Flush(), IsOk());
  ASSERT_THAT(second->Flush(), IsOk());
  EXPECT_EQ(Attribute("mine"), "\2");
  EXPECT_EQ(Attribute("yours"), "\3");
  EXPECT_EQ(Attribute("common"), "\3");
  EXPECT_EQ(Attribute("old"), "");
  EXPECT_EQ(*second->attributes()->Read("mine", 100), "\2");
}

TEST_F(B2ndWritersTest, TooManyAttributesTogetherAreAnError) {
  const Writer first = Open();
  const Writer second = Open();
  for (int i = 0; i < 7; ++i) {
    ASSERT_THAT(first->editable_attributes()->Set("a" + std::to_string(i), "\1"), IsOk());
    ASSERT_THAT(second->editable_attributes()->Set("b" + std::to_string(i), "\1"), IsOk());
  }
  ASSERT_THAT(second->editable_attributes()->Set("b7", "\1"), IsOk());
  ASSERT_THAT(first->Flush(), IsOk());
  EXPECT_THAT(second->Flush(),
              FailsWith(StatusCode::kNotSupported,
                        "attributes: found 17, with those that others have added"));
  second->editable_attributes()->Remove("b7");
  ASSERT_THAT(second->Flush(), IsOk());
  EXPECT_EQ(Reader()->attributes()->List().size(), 16u);
}

TEST_F(B2ndWritersTest, WhatWasWaitedForInVainWaitsOn) {
  const Writer writer = Open(-1, kDefaultWriteCacheBytes, milliseconds(1));
  Put(*writer, {{0, 0}, {20, 30}}, 4);
  const std::string before = InFile();
  const auto other = OpenSharedFile(path_, Joining::kNow, kLong);
  ASSERT_THAT(other, IsOk());
  ASSERT_THAT(other->turns->Begin(), IsOk());
  EXPECT_THAT(writer->Flush(), FailsWith(StatusCode::kIo, "another dataset of this process"));
  EXPECT_EQ(InFile(), before);
  other->turns->End();
  ASSERT_THAT(writer->Flush(), IsOk());
  EXPECT_EQ(InFile(), model_.elements);
}

TEST_F(B2ndWritersTest, FilesOfAnotherShapeAreLeftAlone) {
  const Writer writer = Open();
  ASSERT_THAT(Write(*writer, {{0, 0}, {1, 1}}, {1}), IsOk());
  const std::string other = B2ndBytes(ReferenceArray::OfRandom(kU16, {41, 50}, random_), Options());
  WriteFile(path_, other);  // into the same file, as python-blosc2 does
  EXPECT_THAT(writer->Flush(), FailsWith(StatusCode::kIo, "array: found one of another shape"));
  EXPECT_EQ(ReadFile(path_), other);
}

// Each moment at which one writer may be killed, while another one has opened the file, changed the
// same chunks, and flushes them later.
TEST_F(B2ndWritersTest, AKilledWriterLeavesAllOrNothingAndBlocksNobody) {
  const std::string start = ReadFile(path_);
  const ReferenceArray before = model_;
  bool killed = true;
  int64_t unseen = 0;
  for (int64_t at = 0; killed; ++at) {
    SCOPED_TRACE("operation " + std::to_string(at));
    WriteFile(path_, start);
    model_ = before;
    const Writer other = Open(-1, kFewBytes);
    Put(*other, {{5, 0}, {40, 30}}, 2);  // some of it is in the file, but does not count
    ReferenceArray without = model_;
    {
      const Writer victim = Open(at, kFewBytes);
      const Box box{{0, 30}, {40, 50}};
      killed = !Write(*victim, box, std::vector<uint16_t>(800, 3)).ok();
      killed = !victim->Flush().ok() || killed;
      PutInModel(model_, box, 3);
    }
    PutInModel(without, {{0, 0}, {2, 3}}, 4);
    Put(*other, {{0, 0}, {2, 3}}, 4);
    ASSERT_THAT(other->Flush(), IsOk());
    const std::string left = InFile();
    unseen += left == without.elements ? 1 : 0;
    ASSERT_TRUE(left == without.elements || left == model_.elements);
    ASSERT_TRUE(killed || left == model_.elements);
    ASSERT_LT(at, 100);
  }
  EXPECT_GT(unseen, 4);
}

TEST_F(B2ndWritersTest, WhatAKilledWriterLeftBehindIsOverwrittenByOneThatIsAlone) {
  const std::string start = ReadFile(path_);
  WriteFile(path_, start + std::string(100000, '\xee'));
  {
    const Writer first = Open();
    const Writer second = Open();
    Put(*first, {{0, 0}, {1, 1}}, 1);
    ASSERT_THAT(first->Flush(), IsOk());
    EXPECT_GT(ReadFile(path_).size(), start.size() + 100000) << "it may be the second one's";
  }
  WriteFile(path_, start + std::string(100000, '\xee'));
  const Writer alone = Open();
  Put(*alone, {{0, 0}, {1, 1}}, 1);
  ASSERT_THAT(alone->Flush(), IsOk());
  EXPECT_EQ(ReadFile(path_).size(), start.size() + 100000);
  EXPECT_EQ(InFile(), model_.elements);
}

TEST_F(B2ndWritersTest, FillsDoNotReachIntoWhatOthersHaveWritten) {
  B2ndOptions options = Options();
  model_.elements.assign(model_.elements.size(), '\0');
  for (int64_t chunk = 0; chunk < 9; ++chunk) {
    options.special_chunks.emplace_back(chunk, BLOSC2_SPECIAL_ZERO);
  }
  WriteFile(path_, B2ndBytes(model_, options));
  auto shared = OpenSharedFile(path_, Joining::kNow, kLong);
  ASSERT_THAT(shared, IsOk());
  const auto first = OpenB2ndForUpdate(shared->file, 1, Chunks::kUnwritten, kDefaultWriteCacheBytes,
                                       std::move(shared->turns));
  ASSERT_THAT(first, IsOk());
  const Writer second = Open();
  const uint16_t fill = 9;
  ASSERT_THAT((*first)->Fill(WholeBox(kShape), reinterpret_cast<const std::byte*>(&fill)), IsOk());
  for (int64_t chunk = 0; chunk < 9; ++chunk) {
    const Box box{
        {chunk / 3 * 16, chunk % 3 * 20},
        {std::min<int64_t>(chunk / 3 * 16 + 16, 40), std::min<int64_t>(chunk % 3 * 20 + 20, 50)}};
    if (chunk != 4) PutInModel(model_, box, fill);
  }
  Put(*second, {{20, 25}, {24, 30}}, 3);  // in chunk 4
  ASSERT_THAT(second->Flush(), IsOk());
  Put(**first, {{16, 20}, {18, 22}}, 5);
  ASSERT_THAT((*first)->Flush(), IsOk());
  EXPECT_EQ(InFile(), model_.elements);
}

TEST_F(B2ndWritersTest, FieldsOfOneRecordAllArrive) {
  const std::string dtype = "[('a', '<u2'), ('b', '>f4')]";
  std::string elements;
  for (int i = 0; i < 30 * 6; ++i) elements += static_cast<char>(i);
  B2ndOptions options;
  options.chunk_shape = {10};
  options.block_shape = {10};
  WriteFile(path_, B2ndBytes(dtype, 6, {30}, elements, options));
  const Writer first = Open();
  const Writer second = Open();
  const std::vector<uint16_t> numbers(30, 7);
  const std::vector<float> floats(30, 0.5F);
  ASSERT_THAT(first->Write(0, {{0}, {30}}, {numbers.data(), {2}}), IsOk());
  for (int64_t i = 0; i < 30; ++i) {  // one by one
    const int64_t at = (i * 7) % 30;
    ASSERT_THAT(second->Write(1, {{at}, {at + 1}}, {floats.data(), {4}}), IsOk());
  }
  ASSERT_THAT(first->Flush(), IsOk());
  ASSERT_THAT(second->Flush(), IsOk());
  std::vector<uint16_t> read_numbers(30);
  std::vector<float> read_floats(30);
  const auto reader = Reader();
  ASSERT_THAT(reader->Read(0, {{0}, {30}}, {read_numbers.data(), {2}}), IsOk());
  ASSERT_THAT(reader->Read(1, {{0}, {30}}, {read_floats.data(), {4}}), IsOk());
  EXPECT_EQ(read_numbers, numbers);
  EXPECT_EQ(read_floats, floats);
}

TEST_F(B2ndWritersTest, ThreadsWithAWriterEachAllSucceed) {
  constexpr int64_t kThreads = 4;
  std::vector<std::thread> threads;
  for (int64_t number = 0; number < kThreads; ++number) {
    threads.emplace_back([this, number] {
      const Writer writer = Open(-1, kFewBytes);
      for (uint16_t round = 0; round < 6; ++round) {
        for (int64_t y = number; y < 40; y += kThreads) {
          const auto value = static_cast<uint16_t>(100 * number + round);
          ASSERT_THAT(Write(*writer, {{y, 0}, {y + 1, 50}}, std::vector<uint16_t>(50, value)),
                      IsOk());
        }
        ASSERT_THAT(writer->Flush(), IsOk());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (int64_t y = 0; y < 40; ++y) {
    PutInModel(model_, {{y, 0}, {y + 1, 50}}, static_cast<uint16_t>(100 * (y % kThreads) + 5));
  }
  EXPECT_EQ(InFile(), model_.elements);
}

}  // namespace
}  // namespace ndarray
