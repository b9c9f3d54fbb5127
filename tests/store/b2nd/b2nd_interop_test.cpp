// What is written here, as c-blosc2's own reader sees it, and what that writes into it.

#include <b2nd.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "driver/store/b2nd/b2nd_array.h"
#include "driver/store/b2nd/b2nd_update.h"
#include "driver/store/b2nd/b2nd_writer.h"
#include "driver/store/box.h"
#include "tests/support/array_conformance.h"
#include "tests/support/faulty_file.h"
#include "tests/support/memory_file.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_folder.h"

namespace ndarray {
namespace {

using namespace testing;  // NOLINT

constexpr int kZstd = 4;

struct Case {
  AxisVector shape, chunk, block;
};

const Case kCases[] = {
    {{1}, {1}, {1}},
    {{1000}, {300}, {70}},
    {{90, 110}, {32, 64}, {16, 16}},
    {{3, 50, 60}, {1, 20, 32}, {1, 7, 8}},
    {{40, 50, 3}, {16, 32, 3}, {8, 8, 3}},
    {{3, 4, 5, 6}, {2, 2, 2, 4}, {1, 2, 2, 2}},
};

class B2ndInteropTest : public ::testing::TestWithParam<std::tuple<int, ScalarType>> {
 protected:
  B2ndInteropTest()
      : case_(kCases[std::get<0>(GetParam())]),
        dtype_{std::get<1>(GetParam()), kNativeOrder},
        random_(5),
        reference_(ReferenceArray::OfRandom(dtype_, case_.shape, random_)) {}

  size_t element_bytes() const { return dtype_.size_bytes(); }

  AxisVector Strides() const {
    AxisVector strides = case_.shape;
    auto stride = static_cast<int64_t>(element_bytes());
    for (int axis = strides.size() - 1; axis >= 0; --axis) {
      strides[axis] = stride;
      stride *= case_.shape[axis];
    }
    return strides;
  }

  // By B2ndWriter; every third chunk is never written, and one has but one value.
  std::string Written() {
    const auto layout = MakeB2ndLayout(dtype_, case_.shape, case_.chunk, case_.block);
    EXPECT_THAT(layout, IsOk());
    Compression compression;
    compression.compressor = kZstd;
    compression.level = 1;
    compression.pipeline.filters[5] = BLOSC_SHUFFLE;
    compression.pipeline.metas[5] = static_cast<uint8_t>(element_bytes());
    FaultyOutput output;
    const auto writer =
        B2ndWriter::Start(output, *layout, compression, {{"answer", std::string(1, '\x2a')}}, 1);
    EXPECT_THAT(writer, IsOk());
    for (int64_t chunk = 0; chunk < layout->chunk_count; ++chunk) {
      const Box box = ChunkBox(*layout, GridPosition(layout->chunk_grid, chunk));
      const auto elements = static_cast<size_t>(ElementsIn(box));
      if (chunk % 3 == 1) {
        reference_.SetElementsOf(box, std::string(elements * element_bytes(), '\0'));
        continue;
      }
      if (chunk % 3 == 2) {
        reference_.SetElementsOf(box, std::string(elements * element_bytes(), '\1'));
      }
      const char* const from =
          reference_.elements.data() + OffsetOf(Strides(), WholeBox(case_.shape), box);
      EXPECT_THAT((*writer)->Write(box, {from, Strides()}), IsOk());
    }
    EXPECT_THAT((*writer)->Finish(), IsOk());
    return output.bytes();
  }

  struct Free {
    void operator()(b2nd_array_t* array) const { b2nd_free(array); }
  };
  using Theirs = std::unique_ptr<b2nd_array_t, Free>;

  Theirs Open(const std::string& bytes) const {
    WriteFile(Path(), bytes);
    b2nd_array_t* array = nullptr;
    EXPECT_EQ(b2nd_open(Path().c_str(), &array), BLOSC2_ERROR_SUCCESS);
    return Theirs(array);
  }

  // The whole array, by b2nd_get_slice_cbuffer.
  std::string Read(const b2nd_array_t* array) const {
    std::string elements(reference_.elements.size(), '\x55');
    std::vector<int64_t> start(static_cast<size_t>(case_.shape.size()), 0);
    std::vector<int64_t> stop(case_.shape.begin(), case_.shape.end());
    EXPECT_EQ(b2nd_get_slice_cbuffer(array, start.data(), stop.data(), elements.data(), stop.data(),
                                     static_cast<int64_t>(elements.size())),
              BLOSC2_ERROR_SUCCESS);
    return elements;
  }

  std::string Path() const { return folder_.Path("array.b2nd"); }

  const TempFolder folder_;
  const Case case_;
  const DType dtype_;
  Random random_;
  ReferenceArray reference_;
};

TEST_P(B2ndInteropTest, NewFileIsReadWhole) {
  const Theirs array = Open(Written());
  ASSERT_NE(array, nullptr);
  EXPECT_EQ(Read(array.get()), reference_.elements);
  uint8_t* content = nullptr;
  int32_t size = 0;
  ASSERT_GE(blosc2_vlmeta_get(array->sc, "answer", &content, &size), 0);
  EXPECT_EQ(std::string(reinterpret_cast<char*>(content), static_cast<size_t>(size)), "\x2a");
  free(content);
}

TEST_P(B2ndInteropTest, UpdatesGoBackAndForth) {
  const auto file = std::make_shared<FaultyFile>(Written());
  const auto ours = OpenB2ndForUpdate(file, 2);
  ASSERT_THAT(ours, IsOk());
  ExpectWritesLike(**ours, 0, reference_, random_, 3);
  ASSERT_THAT((*ours)->Flush(), IsOk());
  {
    const Theirs array = Open(file->bytes());
    ASSERT_NE(array, nullptr);
    EXPECT_EQ(Read(array.get()), reference_.elements);
    const Box box = RandomBox(case_.shape, random_);
    std::vector<int64_t> start(box.start.begin(), box.start.end());
    std::vector<int64_t> stop(box.stop.begin(), box.stop.end());
    std::vector<int64_t> counts;
    for (int axis = 0; axis < box.start.size(); ++axis) counts.push_back(box.count(axis));
    const std::string values(static_cast<size_t>(ElementsIn(box)) * element_bytes(), '\1');
    ASSERT_EQ(
        b2nd_set_slice_cbuffer(values.data(), counts.data(), static_cast<int64_t>(values.size()),
                               start.data(), stop.data(), array.get()),
        BLOSC2_ERROR_SUCCESS);
    reference_.SetElementsOf(box, values);
  }
  const auto again = OpenB2ndArray(std::make_shared<MemoryFile>(ReadFile(Path())), 2);
  ASSERT_THAT(again, IsOk());
  ExpectReadsLike(**again, 0, reference_, random_, 4);
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, B2ndInteropTest,
    ::testing::Combine(::testing::Range(0, 6),
                       ::testing::Values(ScalarType::kUInt8, ScalarType::kInt16,
                                         ScalarType::kFloat32, ScalarType::kComplex128)));

}  // namespace
}  // namespace ndarray
