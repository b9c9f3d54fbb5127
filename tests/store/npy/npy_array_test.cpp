#include "driver/store/npy/npy_array.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <tuple>

#include "driver/store/io/local_file.h"
#include "tests/support/array_conformance.h"
#include "tests/support/memory_file.h"
#include "tests/support/npy_files.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_folder.h"

namespace ndarray {
namespace {

using namespace testing;  // NOLINT: nearly all of the conformance suite is used here

// The elements as a file has them.
std::string FileElements(const ReferenceArray& reference, bool fortran) {
  std::string elements = reference.elements;
  if (fortran) {
    const int axes = reference.shape.size();
    AxisVector reversed_shape;
    for (int axis = axes - 1; axis >= 0; --axis) reversed_shape.push_back(reference.shape[axis]);
    elements.clear();
    ForEachIndex(reversed_shape, [&](const AxisVector& reversed) {
      Box element{AxisVector(axes), AxisVector(axes)};
      for (int axis = 0; axis < axes; ++axis) {
        element.start[axis] = reversed[axes - 1 - axis];
        element.stop[axis] = element.start[axis] + 1;
      }
      elements += reference.ElementsOf(element);
    });
  }
  return reference.dtype.order == kNativeOrder ? elements : SwapBytes(elements, reference.dtype);
}

std::string FileOf(const ReferenceArray& reference, bool fortran = false) {
  const std::string order = reference.dtype.order == ByteOrder::kBig ? ">" : "<";
  return NpyBytes(1,
                  HeaderText("'" + order + TypeString(reference.dtype).substr(1) + "'",
                             ShapeString(reference.shape), fortran ? "True" : "False"),
                  FileElements(reference, fortran));
}

std::shared_ptr<Array> OpenArray(std::shared_ptr<ByteFile> file, int threads = 2) {
  auto array = OpenNpyArray(std::move(file), threads);
  EXPECT_THAT(array, IsOk());
  return array.ok() ? *array : nullptr;
}

std::shared_ptr<WritableArray> OpenToUpdate(const std::shared_ptr<WritableFile>& file) {
  auto array = OpenNpyForUpdate(file, 2);
  EXPECT_THAT(array, IsOk());
  return array.ok() ? *array : nullptr;
}

std::shared_ptr<MemoryFile> InMemory(std::string_view bytes) {
  return std::make_shared<MemoryFile>(bytes);
}

TEST(NpyUpdateTest, SaysOnceThatTheFirstElementsAreAboutToBeWritten) {
  const auto file = InMemory(NpyBytes(1, HeaderText("'|u1'", "(2, 3)"), "abcdef"));
  int calls = 0;
  const auto array = OpenNpyForUpdate(file, 1, [&] {
    ++calls;
    std::string elements(6, ' ');
    EXPECT_THAT(file->Read({{file->size_bytes() - 6, 6, elements.data()}}), IsOk());
    EXPECT_EQ(elements, "abcdef");
  });
  ASSERT_THAT(array, IsOk());
  char seen[6];
  ASSERT_THAT((*array)->Read(0, WholeBox({2, 3}), {seen, {3, 1}}), IsOk());
  ASSERT_THAT((*array)->Flush(), IsOk());
  EXPECT_EQ(calls, 0);
  for (int turn = 0; turn < 2; ++turn) {
    ASSERT_THAT((*array)->Write(0, {{0, 1}, {1, 2}}, {"x", {3, 1}}), IsOk());
  }
  EXPECT_EQ(calls, 1);
}

enum class Kind { kMapped, kUnmapped, kInMemory };

std::string KindName(Kind kind) {
  return kind == Kind::kMapped ? "mapped" : kind == Kind::kUnmapped ? "unmapped" : "in_memory";
}

class NpyFileTest : public ::testing::Test {
 protected:
  std::string Path() const { return folder_.Path("array.npy"); }

  std::shared_ptr<Array> Open(Kind kind, const std::string& bytes, int threads = 2) const {
    if (kind == Kind::kInMemory) return OpenArray(InMemory(bytes), threads);
    WriteFile(Path(), bytes);
    return OpenPath(threads, kind);
  }

  std::shared_ptr<WritableArray> Update(Kind kind, const std::string& bytes) const {
    if (kind == Kind::kInMemory) return OpenToUpdate(InMemory(bytes));
    WriteFile(Path(), bytes);
    const auto file = OpenLocalFileForUpdate(Path(), PolicyOf(kind));
    EXPECT_THAT(file, IsOk());
    return file.ok() ? OpenToUpdate(*file) : nullptr;
  }

  // The file that is there already.
  std::shared_ptr<Array> OpenPath(int threads = 2, Kind kind = Kind::kMapped) const {
    const auto file = OpenLocalFile(Path(), PolicyOf(kind));
    EXPECT_THAT(file, IsOk());
    return file.ok() ? OpenArray(*file, threads) : nullptr;
  }

  static MapPolicy PolicyOf(Kind kind) {
    MapPolicy policy;
    if (kind == Kind::kUnmapped) policy.max_mapped_bytes = 0;
    return policy;
  }

  const TempFolder folder_;
};

class NpyConformance : public NpyFileTest,
                       public ::testing::WithParamInterface<std::tuple<DType, Kind>> {
 protected:
  const DType& dtype() const { return std::get<0>(GetParam()); }
  Kind kind() const { return std::get<1>(GetParam()); }
};

TEST_P(NpyConformance, ReadsAnyBoxIntoAnyStrides) {
  Random random(1);
  for (const AxisVector& shape : ConformanceShapes()) {
    for (const bool fortran : {false, true}) {
      SCOPED_TRACE(ShapeString(shape) + (fortran ? " F" : " C"));
      const auto reference = ReferenceArray::OfRandom(dtype(), shape, random);
      const auto array = Open(kind(), FileOf(reference, fortran));
      ASSERT_NE(array, nullptr);
      ExpectReadsLike(*array, 0, reference, random);
    }
  }
}

TEST_P(NpyConformance, ReadsBackWhatItWrote) {
  Random random(2);
  for (const AxisVector& shape : ConformanceShapes()) {
    for (const bool fortran : {false, true}) {
      SCOPED_TRACE(ShapeString(shape) + (fortran ? " F" : " C"));
      auto reference = ReferenceArray::OfRandom(dtype(), shape, random);
      const auto array = Update(kind(), FileOf(reference, fortran));
      ASSERT_NE(array, nullptr);
      ASSERT_EQ(array->writable(), array.get());
      ExpectWritesLike(*array, 0, reference, random);
      EXPECT_THAT(array->Flush(), IsOk());
      if (kind() != Kind::kInMemory) {
        EXPECT_TRUE(ReadFile(Path()) == FileOf(reference, fortran)) << "other bytes in the file";
      }
    }
  }
}

TEST_P(NpyConformance, ReadsFromManyThreadsAtOnce) {
  Random random(3);
  const auto reference = ReferenceArray::OfRandom(dtype(), {7, 40, 50}, random);
  const auto array = Open(kind(), FileOf(reference, true));
  ASSERT_NE(array, nullptr);
  ExpectConcurrentReadsLike(*array, 0, reference, 8, 6);
}

INSTANTIATE_TEST_SUITE_P(, NpyConformance,
                         ::testing::Combine(::testing::ValuesIn(AllDTypes()),
                                            ::testing::Values(Kind::kMapped, Kind::kUnmapped,
                                                              Kind::kInMemory)),
                         [](const auto& test) {
                           return DTypeName(std::get<0>(test.param)) + "_" +
                                  KindName(std::get<1>(test.param));
                         });

// Larger than a span, than a batch of spans and than what one thread copies.
TEST_F(NpyFileTest, ReadsLargeArrays) {
  Random random(4);
  const DType dtype{ScalarType::kUInt16, ByteOrder::kBig};
  const auto reference = ReferenceArray::OfRandom(dtype, {3, 700, 1700}, random);
  for (const bool fortran : {false, true}) {
    const std::string bytes = FileOf(reference, fortran);
    for (const Kind kind : {Kind::kMapped, Kind::kUnmapped, Kind::kInMemory}) {
      const auto array = Open(kind, bytes, 4);
      ASSERT_NE(array, nullptr);
      for (const Box& box : {WholeBox(reference.shape), Box{{1, 7, 100}, {3, 700, 1600}}}) {
        StridedBuffer buffer(Counts(box), 2);
        ASSERT_THAT(array->Read(0, box, buffer.view()), IsOk());
        EXPECT_TRUE(buffer.Elements() == reference.ElementsOf(box));
      }
    }
  }
}

TEST_F(NpyFileTest, ConcurrentReadersShareAMap) {
  Random random(5);
  const auto reference =
      ReferenceArray::OfRandom({ScalarType::kFloat32, ByteOrder::kLittle}, {1000, 1300}, random);
  const auto array = Open(Kind::kMapped, FileOf(reference), 4);
  ASSERT_NE(array, nullptr);
  ExpectConcurrentReadsLike(*array, 0, reference, 8, 3);
}

TEST_F(NpyFileTest, TellsLayout) {
  const auto array = Open(Kind::kInMemory, NpyBytes(2, HeaderText("'>f4'", "(2, 3, 4)", "True"),
                                                    std::string(96, '\0')));
  ASSERT_NE(array, nullptr);
  const ArrayInfo& info = array->info();
  EXPECT_EQ(info.shape, (AxisVector{2, 3, 4}));
  EXPECT_EQ(info.read_chunk, (AxisVector{2, 3, 4}));
  EXPECT_FALSE(info.is_record);
  EXPECT_EQ(array->writable(), nullptr);
  ASSERT_TRUE(info.raw.has_value());
  EXPECT_EQ(info.raw->strides_bytes, (AxisVector{4, 8, 24}));
  EXPECT_EQ(info.raw->offset_bytes, 12 + HeaderText("'>f4'", "(2, 3, 4)", "True").size());
  EXPECT_EQ(array->path(), "memory.npy");
}

TEST_F(NpyFileTest, TellsGranuleOfLargeArrays) {
  const auto granule_of = [&](std::string_view shape, std::string_view order) {
    WriteFile(Path(), NpyBytes(1, HeaderText("'<u2'", shape, order)));
    EXPECT_EQ(truncate(Path().c_str(), off_t{1} << 28), 0);
    const auto array = OpenPath();
    return array == nullptr ? AxisVector() : array->info().read_chunk;
  };
  EXPECT_EQ(granule_of("(100, 1000, 1000)", "False"), (AxisVector{1, 131, 1000}));
  EXPECT_EQ(granule_of("(100, 1000, 1000)", "True"), (AxisVector{100, 1000, 1}));
  EXPECT_EQ(granule_of("(5, 1000000)", "False"), (AxisVector{1, 131072}));
}

TEST_F(NpyFileTest, LeavesBytesAfterTheArrayAlone) {
  Random random(6);
  auto reference = ReferenceArray::OfRandom({ScalarType::kInt16, kNativeOrder}, {5, 6}, random);
  const auto array = Update(Kind::kMapped, FileOf(reference) + "something else");
  ASSERT_NE(array, nullptr);
  ExpectWritesLike(*array, 0, reference, random);
  EXPECT_TRUE(ReadFile(Path()) == FileOf(reference) + "something else");
}

TEST_F(NpyFileTest, RefusesDataCutAtAnyByte) {
  Random random(7);
  const auto reference =
      ReferenceArray::OfRandom({ScalarType::kInt32, ByteOrder::kBig}, {3, 4}, random);
  const std::string bytes = FileOf(reference);
  for (size_t missing = 1; missing <= 48; ++missing) {
    WriteFile(Path(), bytes.substr(0, bytes.size() - missing));
    const auto file = OpenLocalFile(Path());
    ASSERT_THAT(file, IsOk());
    EXPECT_THAT(
        OpenNpyArray(*file, 1),
        FailsWith(StatusCode::kCorrupt,
                  Path() + ": cut short: " + std::to_string(bytes.size() - missing) + " of " +
                      std::to_string(bytes.size()) + " bytes; copy it again (shape (3, 4))"));
  }
}

TEST_F(NpyFileTest, RefusesShapesThatNoFileHolds) {
  EXPECT_THAT(
      OpenNpyArray(InMemory(NpyBytes(1, HeaderText("'|u1'", "(9223372036854775807,)"), "x")), 1),
      FailsWith(StatusCode::kCorrupt, " of 9223372036854775893 bytes; copy it again"));
}

TEST_F(NpyFileTest, FailsToReadWhatWasCutOffSince) {
  const auto array =
      Open(Kind::kMapped, NpyBytes(1, HeaderText("'|u1'", "(20000,)"), std::string(20000, 'x')));
  ASSERT_NE(array, nullptr);
  ASSERT_EQ(truncate(Path().c_str(), 8192), 0);
  std::string to(10, ' ');
  EXPECT_THAT(array->Read(0, {{0}, {10}}, {to.data(), {1}}), IsOk());
  EXPECT_EQ(to, std::string(10, 'x'));
  EXPECT_THAT(array->Read(0, {{19990}, {20000}}, {to.data(), {1}}),
              FailsWith(StatusCode::kCorrupt, "it shrank while open"));
}

TEST_F(NpyFileTest, OpensHugeSparseFiles) {
  // 100 GB: whatever is proportional to the size would be noticed.
  const std::string header = NpyBytes(1, HeaderText("'<u2'", "(50, 1000000, 1000)"));
  WriteFile(Path(), header);
  const auto end = static_cast<off_t>(header.size()) + off_t{100000000000};
  ASSERT_EQ(truncate(Path().c_str(), end), 0);
  const int descriptor = open(Path().c_str(), O_WRONLY);
  ASSERT_EQ(pwrite(descriptor, "\x34\x12\x78\x56", 4, end - 4), 4);
  close(descriptor);

  const auto array = OpenPath();
  ASSERT_NE(array, nullptr);
  const Box corner = {{49, 999998, 996}, {50, 1000000, 1000}};
  uint16_t to[8];
  ASSERT_THAT(array->Read(0, corner, {to, {16, 8, 2}}), IsOk());
  EXPECT_THAT(to, ::testing::ElementsAre(0, 0, 0, 0, 0, 0, 0x1234, 0x5678));
  array->Prefetch(corner);
}

TEST_F(NpyFileTest, StoresBoolsAsZeroAndOne) {
  for (const Kind kind : {Kind::kMapped, Kind::kUnmapped, Kind::kInMemory}) {
    const auto array =
        Update(kind, NpyBytes(1, HeaderText("'|b1'", "(2, 3)"), std::string(6, '\0')));
    ASSERT_NE(array, nullptr);
    const uint8_t from[6] = {0, 1, 2, 255, 128, 0};
    ASSERT_THAT(array->Write(0, {{0, 0}, {2, 3}}, {from, {3, 1}}), IsOk());
    uint8_t to[6];
    ASSERT_THAT(array->Read(0, {{0, 0}, {2, 3}}, {to, {3, 1}}), IsOk());
    EXPECT_THAT(to, ::testing::ElementsAre(0, 1, 1, 1, 1, 0));
  }
}

TEST_F(NpyFileTest, KnowsItsFile) {
  const auto array = Open(Kind::kMapped, NpyBytes(1, HeaderText("'|u1'", "(1,)"), "x"));
  const int descriptor = open(Path().c_str(), O_RDONLY);
  EXPECT_TRUE(array->info().raw->file == FileIdOf(descriptor));
  close(descriptor);
  EXPECT_FALSE(OpenArray(InMemory(ReadFile(Path())))->info().raw->file.has_value());
}

}  // namespace
}  // namespace ndarray
