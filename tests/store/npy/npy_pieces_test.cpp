// How .npy files that cannot be mapped are read and written, and records of which one field is.
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "driver/store/npy/npy_array.h"
#include "driver/store/npy/npy_header.h"
#include "tests/support/array_conformance.h"
#include "tests/support/memory_file.h"
#include "tests/support/npy_files.h"
#include "tests/support/status_matchers.h"

namespace ndarray {
namespace {

using testing::Counts;
using testing::FailsWith;
using testing::HeaderText;
using testing::IsOk;
using testing::MemoryFile;
using testing::NpyBytes;
using testing::Random;
using testing::ReferenceArray;
using testing::StridedBuffer;
using testing::WholeBox;

// An array of bytes 0, 1, 2, ... (modulo 251) in a file that counts what is read of it.
class UnmappedNpy : public ::testing::Test {
 protected:
  void Make(std::string_view descr, const AxisVector& shape, int64_t element_bytes,
            std::string_view order = "False") {
    std::string data(static_cast<size_t>(testing::Product(shape) * element_bytes), '\0');
    for (size_t i = 0; i < data.size(); ++i) data[i] = static_cast<char>(i % 251);
    file_ = std::make_shared<MemoryFile>(
        NpyBytes(1, HeaderText(descr, ShapeString(shape), order), data));
    auto array = OpenNpyForUpdate(file_, 2);
    ASSERT_THAT(array, IsOk());
    array_ = *array;
    file_->ForgetCounts();
  }

  std::string Read(const Box& box, size_t field = 0) const {
    StridedBuffer buffer(Counts(box), array_->info().fields[field].dtype.size_bytes());
    EXPECT_THAT(array_->Read(field, box, buffer.view()), IsOk());
    return buffer.Elements();
  }

  std::shared_ptr<MemoryFile> file_;
  std::shared_ptr<WritableArray> array_;
};

TEST_F(UnmappedNpy, ReadsWholeRowsAsOneRange) {
  Make("'|u1'", {100, 1000}, 1);
  EXPECT_EQ(Read({{10, 0}, {20, 1000}}).size(), 10000u);
  EXPECT_EQ(file_->ranges(), 1u);
  EXPECT_EQ(file_->bytes_read(), 10000u);
}

TEST_F(UnmappedNpy, ReadsANarrowImageThroughItsGaps) {
  Make("'|u1'", {100, 1000}, 1);
  EXPECT_EQ(Read({{10, 100}, {74, 164}}).size(), 4096u);
  EXPECT_EQ(file_->ranges(), 1u);
}

TEST_F(UnmappedNpy, ReadsOnlyTheWindowOfAWideImage) {
  Make("'|u1'", {70, 100000}, 1);
  EXPECT_EQ(Read({{3, 50000}, {67, 50064}}).size(), 4096u);
  EXPECT_EQ(file_->calls(), 1u) << "a remote file answers many ranges at once";
  EXPECT_EQ(file_->ranges(), 64u);
  EXPECT_EQ(file_->bytes_read(), 4096u);
}

// What is cheap to read over differs from file to file: a server's requests take time.
TEST_F(UnmappedNpy, ReadsOverGapsAsTheFileSays) {
  Make("'|u1'", {70, 20000}, 1);
  EXPECT_EQ(Read({{3, 5000}, {67, 5064}}).size(), 4096u);
  EXPECT_EQ(file_->ranges(), 64u);
  file_->ForgetCounts();
  file_->set_cheap_gap_bytes(20000);
  EXPECT_EQ(Read({{3, 5000}, {67, 5064}}).size(), 4096u);
  EXPECT_EQ(file_->ranges(), 1u);
}

// Each waiting range takes memory, however few bytes it is.
TEST_F(UnmappedNpy, ReadsALongColumnInBoundedBatches) {
  Make("'|u1'", {5000, 17000}, 1);
  const std::string column = Read({{0, 16999}, {5000, 17000}});
  EXPECT_EQ(file_->ranges(), 5000u);
  EXPECT_EQ(file_->max_ranges(), 1024u);
  EXPECT_EQ(file_->calls(), 5u);
  for (size_t row = 0; row < 5000; ++row) {
    ASSERT_EQ(column[row], static_cast<char>((row * 17000 + 16999) % 251)) << row;
  }
}

TEST_F(UnmappedNpy, AdvisesOfOneRow) {
  Make("'|u1'", {3, 70000}, 1);
  array_->Prefetch({{1, 0}, {2, 70000}});
  ASSERT_EQ(file_->advised().size(), 1u);
  EXPECT_EQ(file_->advised()[0].size_bytes, 70000u);
}

TEST_F(UnmappedNpy, SaysWhatReadingFailedOf) {
  class FailingFile final : public WritableFile {
   public:
    explicit FailingFile(const std::string& bytes)
        : WritableFile("memory.npy", bytes.size()), file_(bytes) {}
    Status Read(const std::vector<ByteRange>& ranges) const override {
      for (const ByteRange& range : ranges) {
        if (range.offset_bytes > 100) return Status(StatusCode::kIo, "cable cut");
      }
      return file_.Read(ranges);
    }
    Status WriteAt(uint64_t, const void*, size_t) override {
      return Status(StatusCode::kIo, "disk full");
    }
    Status Flush() override { return Status(StatusCode::kIo, "disk gone"); }

   private:
    MemoryFile file_;
  };
  const auto array =
      OpenNpyForUpdate(std::make_shared<FailingFile>(
                           NpyBytes(1, HeaderText("'>u2'", "(9000,)"), std::string(18000, 'x'))),
                       1);
  ASSERT_THAT(array, IsOk());
  uint16_t buffer[9000] = {};
  EXPECT_THAT((*array)->Read(0, {{0}, {9000}}, {buffer, {2}}), IsOk());
  EXPECT_THAT((*array)->Read(0, {{500}, {9000}}, {buffer, {2}}),
              FailsWith(StatusCode::kIo, "cable cut"));
  EXPECT_THAT((*array)->Write(0, {{0}, {9000}}, {buffer, {2}}),
              FailsWith(StatusCode::kIo, "disk full"));
  EXPECT_THAT((*array)->Write(0, {{0}, {9000}}, {buffer + 8999, {-2}}),
              FailsWith(StatusCode::kIo, "disk full"));
  EXPECT_THAT((*array)->Flush(), FailsWith(StatusCode::kIo, "disk gone"));
}

constexpr char kRecord[] =
    "[('r', '|u1'), ('', '|V1'), ('g', '>u2'), ('m', '<f4', (2,)), ('flag', '|b1')]";
constexpr int64_t kRecordBytes = 13;

TEST_F(UnmappedNpy, ReadsEachFieldOfARecord) {
  for (const std::string order : {"False", "True"}) {
    Make(kRecord, {4, 5}, kRecordBytes, order);
    ASSERT_EQ(array_->info().fields.size(), 5u);
    EXPECT_TRUE(array_->info().is_record);
    const Box element = {{2, 3}, {3, 4}};
    const size_t at = (order == "True" ? 3 * 4 + 2 : 2 * 5 + 3) * kRecordBytes;
    const auto byte = [&](size_t offset) { return static_cast<char>((at + offset) % 251); };
    EXPECT_EQ(Read(element, 0), std::string({byte(0)}));
    EXPECT_EQ(Read(element, 1), std::string({byte(3), byte(2)}));
    EXPECT_EQ(Read(element, 2), std::string({byte(4), byte(5), byte(6), byte(7)}));
    EXPECT_EQ(Read(element, 3), std::string({byte(8), byte(9), byte(10), byte(11)}));
  }
}

TEST_F(UnmappedNpy, WritesOneFieldAndLeavesTheOthers) {
  Random random(1);
  for (const std::string order : {"False", "True"}) {
    Make(kRecord, {6, 7}, kRecordBytes, order);
    for (size_t field = 0; field < array_->info().fields.size(); ++field) {
      std::string expected = file_->bytes();
      ReferenceArray reference{array_->info().fields[field].dtype, {6, 7}, ""};
      reference.elements = Read(WholeBox(reference.shape), field);
      testing::ExpectWritesLike(*array_, field, reference, random, 4);
      // Everything but the field is as it was: put its new bytes into the old file to compare.
      const Field& info = array_->info().fields[field];
      const std::string now = file_->bytes();
      for (int64_t i = 0; i < 42; ++i) {
        const auto at = static_cast<size_t>(static_cast<int64_t>(array_->info().raw->offset_bytes) +
                                            i * kRecordBytes + info.offset_bytes);
        expected.replace(at, info.dtype.size_bytes(), now, at, info.dtype.size_bytes());
      }
      EXPECT_TRUE(now == expected) << "field " << field << " touched others";
    }
  }
}

TEST_F(UnmappedNpy, ReadsFieldsOfHugeRecords) {
  // The gap between two values of a field is larger than what is read in one go.
  const std::string descr = "[('a', '<u2'), ('', '|V5000000'), ('b', '|u1')]";
  Make(descr, {3}, 5000003);
  EXPECT_EQ(Read({{0}, {3}}, 1).size(), 3u);
  EXPECT_EQ(file_->bytes_read(), 3u);
}

}  // namespace
}  // namespace ndarray
