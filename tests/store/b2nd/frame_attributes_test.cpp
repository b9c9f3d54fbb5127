#include "driver/store/frame/frame_attributes.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "driver/store/b2nd/b2nd_array.h"
#include "driver/store/b2nd/b2nd_update.h"
#include "driver/store/frame/frame_editor.h"
#include "driver/store/io/string_file.h"
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
using testing::SmallFrame;

constexpr int64_t kAny = INT64_MAX;

// A vlmetalayer as python-blosc2 writes it: msgpack in a chunk.
std::string Content(const std::string& msgpack) {
  return testing::StoredChunk(msgpack, static_cast<int64_t>(msgpack.size()), 1);
}

std::string FileWith(testing::NamedContents contents) {
  FrameParts parts = SmallFrame();
  parts.vlmetalayers = std::move(contents);
  return FrameBytes(parts);
}

std::shared_ptr<Array> OpenToRead(const std::shared_ptr<ByteFile>& file) {
  auto array = OpenB2ndArray(file, 1);
  EXPECT_THAT(array, IsOk());
  return *array;
}

std::shared_ptr<WritableArray> OpenToUpdate(const std::shared_ptr<WritableFile>& file) {
  auto array = OpenB2ndForUpdate(file, 1);
  EXPECT_THAT(array, IsOk());
  return *array;
}

std::vector<std::string> NamesOf(const Attributes& attributes) {
  std::vector<std::string> names;
  for (const AttributeInfo& info : attributes.List()) names.push_back(info.name);
  return names;
}

TEST(FrameAttributes, AreListedAndRead) {
  const auto array = OpenToRead(std::make_shared<MemoryFile>(
      FileWith({{"crs", Content("EPSG:4326")}, {"empty", ""}, {"crs", Content("again")}})));
  const Attributes& attributes = *array->attributes();
  EXPECT_EQ(NamesOf(attributes), (std::vector<std::string>{"crs", "empty", "crs"}));
  EXPECT_EQ(attributes.List()[0].size_bytes, Content("EPSG:4326").size());
  EXPECT_EQ(*attributes.Read("crs", kAny), "EPSG:4326");
  EXPECT_THAT(attributes.Read("empty", kAny), FailsWith(StatusCode::kCorrupt, "header: found"));
  EXPECT_THAT(attributes.Read("none", kAny), FailsWith(StatusCode::kNotFound, "not there"));
}

TEST(FrameAttributes, AreNotDecodedWhereTheyClaimTooMuch) {
  testing::ChunkFields zeros;  // 32 bytes that claim 2 GiB
  zeros.uncompressed_bytes = INT32_MAX;
  zeros.special_flags = 1 << 4;
  const auto array = OpenToRead(std::make_shared<MemoryFile>(
      FileWith({{"large", ChunkHeader(zeros)}, {"small", Content("12345")}})));
  EXPECT_THAT(array->attributes()->Read("large", kAny),
              FailsWith(StatusCode::kNotSupported, "at most 67108864"));
  EXPECT_THAT(array->attributes()->Read("small", 4),
              FailsWith(StatusCode::kNotSupported, "size: found 5, wanted at most 4"));
  EXPECT_EQ(*array->attributes()->Read("small", 5), "12345");
}

TEST(FrameAttributes, StayInTheFileWhereTheyAreLong) {
  const std::string mask(size_t{1} << 20, 'm');
  const auto file =
      std::make_shared<MemoryFile>(FileWith({{"mask", Content(mask)}, {"crs", Content("x")}}));
  const auto array = OpenToRead(file);
  EXPECT_LT(file->bytes_read(), 100'000u);
  file->ForgetCounts();
  EXPECT_EQ(array->attributes()->List()[0].size_bytes, Content(mask).size());
  EXPECT_EQ(file->bytes_read(), 0u);
  EXPECT_EQ(*array->attributes()->Read("crs", kAny), "x");
  EXPECT_LT(file->bytes_read(), 100u);
  EXPECT_EQ(*array->attributes()->Read("mask", kAny), mask);
}

TEST(FrameAttributes, MayBeThousands) {
  testing::NamedContents contents;
  for (int i = 0; i < 8000; ++i) contents.emplace_back("name" + std::to_string(i), Content("v"));
  const auto array = OpenToRead(std::make_shared<MemoryFile>(FileWith(contents)));
  EXPECT_EQ(array->attributes()->List().size(), 8000u);
  EXPECT_EQ(*array->attributes()->Read("name7999", kAny), "v");
}

TEST(FrameAttributes, ThatCannotBeReadCostNobodyTheirPixels) {
  std::string bytes = FileWith({{"crs", Content("EPSG:4326")}});
  bytes[bytes.rfind(
      "\xa3"
      "crs")] = '\x01';
  const auto array = OpenToRead(std::make_shared<MemoryFile>(bytes));
  EXPECT_TRUE(array->attributes()->List().empty());
  uint16_t element = 0;
  EXPECT_THAT(array->Read(0, {{5, 7}, {6, 8}}, {&element, {2, 2}}), IsOk());
  EXPECT_EQ(element, 47);
  EXPECT_THAT(OpenB2ndForUpdate(std::make_shared<StringFile>("a", bytes, Access::kUpdate), 1),
              FailsWith(StatusCode::kCorrupt, "trailer: found"));
}

TEST(FrameAttributes, AreWrittenAsLongAsTheyAreRead) {
  const std::string most(static_cast<size_t>(kMaxAttributeBytes), 'x');
  EXPECT_THAT(EncodeAttribute("a", most), IsOk());
  EXPECT_THAT(EncodeAttribute("a", most + "x"),
              FailsWith(StatusCode::kInvalidArgument, "attribute 'a': found 67108865"));
}

class AttributeEditorTest : public ::testing::Test {
 protected:
  std::shared_ptr<WritableArray> Update() { return OpenToUpdate(file_); }

  // As somebody reads them who opens the file now.
  testing::NamedContents Saved() {
    testing::NamedContents saved;
    const auto array = OpenToUpdate(file_);
    for (const std::string& name : NamesOf(*array->attributes())) {
      const Result<std::string> value = array->attributes()->Read(name, kAny);
      saved.emplace_back(name, value.ok() ? *value : value.status().message());
    }
    return saved;
  }

  const std::shared_ptr<StringFile> file_ = std::make_shared<StringFile>(
      "a.b2nd", FileWith({{"one", Content("1")}, {"broken", "?"}, {"two", Content("2")}}),
      Access::kUpdate);
};

TEST_F(AttributeEditorTest, ChangesCountWithTheNextFlush) {
  const auto array = Update();
  EditableAttributes& attributes = *array->editable_attributes();
  ASSERT_THAT(attributes.Set("one", "uno"), IsOk());
  ASSERT_THAT(attributes.Set("three", "3"), IsOk());
  attributes.Remove("two");
  attributes.Remove("none");
  EXPECT_EQ(*attributes.Read("one", kAny), "uno");
  EXPECT_EQ(NamesOf(attributes), (std::vector<std::string>{"one", "broken", "three"}));
  EXPECT_EQ(Saved().size(), 3u);
  EXPECT_EQ(Saved()[0].second, "1");
  ASSERT_THAT(array->Flush(), IsOk());
  const testing::NamedContents saved = Saved();
  ASSERT_EQ(saved.size(), 3u);
  EXPECT_EQ(saved[0], (std::pair<std::string, std::string>("one", "uno")));
  EXPECT_EQ(saved[2], (std::pair<std::string, std::string>("three", "3")));
}

// Whatever is in them, they are somebody's.
TEST_F(AttributeEditorTest, KeepsContentsThatItCannotDecode) {
  const auto array = Update();
  ASSERT_THAT(array->editable_attributes()->Set("one", "uno"), IsOk());
  ASSERT_THAT(array->Flush(), IsOk());
  const auto index = FrameEditor::Open(*file_);
  ASSERT_THAT(index, IsOk());
  const FrameAttributes& attributes = (*index)->attributes();
  EXPECT_EQ(*attributes.Content(*file_, attributes.Find("broken")), "?");
}

TEST_F(AttributeEditorTest, WritesNothingForValuesThatAreThere) {
  const auto array = Update();
  const uint64_t size_bytes = file_->size_bytes();
  ASSERT_THAT(array->editable_attributes()->Set("one", "1"), IsOk());
  ASSERT_THAT(array->Flush(), IsOk());
  EXPECT_EQ(file_->size_bytes(), size_bytes);
}

TEST_F(AttributeEditorTest, RefusesWhatOtherReadersDoNotTake) {
  const auto array = Update();
  EditableAttributes& attributes = *array->editable_attributes();
  EXPECT_THAT(attributes.Set("", "x"), FailsWith(StatusCode::kInvalidArgument, "attribute name"));
  EXPECT_THAT(attributes.Set(std::string(32, 'x'), "x"),
              FailsWith(StatusCode::kInvalidArgument, "wanted 1 to 31 bytes"));
  ASSERT_THAT(attributes.Set(std::string(31, 'x'), "x"), IsOk());
  for (int i = 4; i < 16; ++i) ASSERT_THAT(attributes.Set("n" + std::to_string(i), "x"), IsOk());
  EXPECT_THAT(attributes.Set("seventeenth", "x"),
              FailsWith(StatusCode::kNotSupported, "wanted at most 16 attributes"));
  EXPECT_THAT(attributes.Set("one", "another value"), IsOk());
  attributes.Remove("one");
  EXPECT_THAT(attributes.Set("seventeenth", "x"), IsOk());
}

}  // namespace
}  // namespace ndarray
