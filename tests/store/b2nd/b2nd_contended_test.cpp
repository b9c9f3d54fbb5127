// Two writers whose flushes have all chunks in common: from the second round on chunks are not
// loaded when they are written to, but when they are read or flushed.

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "driver/store/b2nd/b2nd_array.h"
#include "driver/store/b2nd/b2nd_update.h"
#include "driver/store/io/local_file.h"
#include "driver/store/io/writer_turns.h"
#include "tests/support/array_conformance.h"
#include "tests/support/b2nd_files.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_folder.h"

namespace ndarray {
namespace {

using namespace testing;  // NOLINT

constexpr DType kU16{ScalarType::kUInt16, ByteOrder::kLittle};
const AxisVector kShape{40, 50};  // three chunks by three, of which those at the end are cut off
constexpr int kRounds = 6;

std::string ElementsOf(const Array& array) {
  std::string elements(40 * 50 * 2, '\0');
  EXPECT_THAT(array.Read(0, WholeBox(kShape), {elements.data(), {100, 2}}), IsOk());
  return elements;
}

class B2ndContendedTest : public ::testing::TestWithParam<int64_t> {
 protected:
  B2ndContendedTest() : random_(5), model_(ReferenceArray::OfRandom(kU16, kShape, random_)) {
    B2ndOptions options;
    options.chunk_shape = {16, 20};
    options.block_shape = {8, 10};
    WriteFile(path_, B2ndBytes(model_, options));
  }

  std::shared_ptr<B2ndForUpdate> Open() const {
    auto shared = OpenSharedFile(path_, Joining::kNow);
    return *OpenB2ndForUpdate(shared->file, 1, Chunks::kMayBeWritten, GetParam(),
                              std::move(shared->turns));
  }

  // Random elements of every other two lines, from `first` on, in two pieces each.
  void PutLines(B2ndForUpdate& array, int64_t first) {
    for (int64_t y = first; y < 40; y += 4) {
      Put(array, {{y, 0}, {y + 2, 33}});
      Put(array, {{y, 33}, {y + 2, 50}});
    }
  }

  void Put(B2ndForUpdate& array, const Box& box) {
    const AxisVector shape{box.count(0), box.count(1)};
    const ReferenceArray part = ReferenceArray::OfRandom(kU16, shape, random_);
    ASSERT_THAT(array.Write(0, box, {part.elements.data(), {2 * shape[1], 2}}), IsOk());
    model_.SetElementsOf(box, part.elements);
  }

  Random random_;
  ReferenceArray model_;
  const TempFolder folder_;
  const std::string path_ = folder_.Path("file.b2nd");
};

TEST_P(B2ndContendedTest, WritersOfTheSameChunksGoOnRoundAfterRound) {
  const auto first = Open();
  const auto second = Open();
  for (int round = 0; round < kRounds; ++round) {
    PutLines(*first, 0);
    if (round % 2 == 1) {
      EXPECT_EQ(ElementsOf(*first), model_.elements);  // what the second has was flushed before
    }
    PutLines(*second, 2);
    Put(*first, {{4, 3}, {5, 9}});
    ASSERT_THAT(first->Flush(), IsOk());
    ASSERT_THAT(second->Flush(), IsOk());
    EXPECT_EQ(ElementsOf(*second), model_.elements);
    Put(*first, {{36, 1}, {37, 49}});
    ASSERT_THAT(first->Flush(), IsOk());
    EXPECT_EQ(ElementsOf(*first), model_.elements);
    EXPECT_EQ(ElementsOf(**OpenB2ndArray(*OpenLocalFile(path_), 1)), model_.elements);
  }
}

INSTANTIATE_TEST_SUITE_P(BytesThatWait, B2ndContendedTest,
                         ::testing::Values(kDefaultWriteCacheBytes, int64_t{1500}));

}  // namespace
}  // namespace ndarray
