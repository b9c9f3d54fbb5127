// .b2nd files that are wrong in one way each: the one message of each, by whoever finds out first;
// and whatever else is asked of them then gives an answer or another reason.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "driver/store/b2nd/b2nd_array.h"
#include "driver/store/b2nd/b2nd_update.h"
#include "driver/store/b2nd/frame_check.h"
#include "driver/store/b2nd/nested_array.h"
#include "driver/store/frame/frame_copy.h"
#include "driver/store/frame/frame_extents.h"
#include "driver/store/frame/frame_index.h"
#include "driver/store/io/string_file.h"
#include "tests/support/malformed/malformed_file.h"
#include "tests/support/mapped_bytes.h"
#include "tests/support/memory_file.h"
#include "tests/support/small_box.h"
#include "tests/support/strided_buffer.h"

namespace ndarray {
namespace {

using testing::Finder;
using testing::MalformedFile;

// What follows the file's name and what is said of all damaged ones, without the slice of the array
// that a block is.
std::string Reason(const Status& status, const std::string& path) {
  std::string_view text = status.message();
  for (const std::string& start :
       {path + ": ", std::string("damaged (copy it again): "),
        std::string("damaged (gdal_ndarray verify lists what is lost): ")}) {
    if (text.substr(0, start.size()) == start) text.remove_prefix(start.size());
  }
  std::string reason(text);
  const size_t slice = reason.find(", array[");
  if (slice != std::string::npos) reason.erase(slice, reason.find(']', slice) + 1 - slice);
  return reason;
}

void ExpectReason(const Status& status, const std::string& path, const std::string& wanted) {
  EXPECT_EQ(Reason(status, path).substr(0, wanted.size()), wanted) << status.message();
  EXPECT_FALSE(wanted.empty());
  EXPECT_TRUE(status.code() == StatusCode::kCorrupt || status.code() == StatusCode::kNotSupported);
}

Status ReadAll(const Array& array) {
  Status first;
  for (size_t field = 0; field < array.info().fields.size(); ++field) {
    const Box box = testing::SmallBox(array.info().shape, false);
    testing::StridedBuffer buffer(testing::Counts(box),
                                  array.info().fields[field].dtype.size_bytes());
    const Status status = array.Read(field, box, buffer.view());
    EXPECT_TRUE(buffer.GuardsUntouched());
    if (first.ok()) first = status;
  }
  return first;
}

// Everything else that a reader may ask of an array.
void AskAll(Array& array) {
  array.Prefetch(testing::SmallBox(array.info().shape, true));
  array.chunked()->Details();
  const std::byte element[16] = {};
  for (const std::byte* const of : {static_cast<const std::byte*>(nullptr), element}) {
    array.chunked()->VisitChunks(testing::SmallBox(array.info().shape, true), of,
                                 [](const Box&, bool) { return true; });
  }
  for (const AttributeInfo& attribute : array.attributes()->List()) {
    static_cast<void>(array.attributes()->Read(attribute.name, 1 << 20));
    const auto nested = OpenNested(array, attribute.name, 1);
    if (nested.ok()) static_cast<void>(ReadAll(**nested));
  }
}

// Writes each element, and an attribute, and commits: what cannot be read cannot be kept, either.
void UpdateAll(const std::string& bytes) {
  const auto file = std::make_shared<StringFile>("memory.b2nd", bytes, Access::kUpdate);
  const auto array = OpenB2ndForUpdate(file, 1);
  if (!array.ok()) return;
  AskAll(**array);
  const Box box = testing::SmallBox((*array)->info().shape, false);
  for (size_t field = 0; field < (*array)->info().fields.size(); ++field) {
    testing::StridedBuffer from(testing::Counts(box),
                                (*array)->info().fields[field].dtype.size_bytes());
    const StridedView view = from.view();
    static_cast<void>((*array)->Write(field, box, {view.data, view.strides_bytes}));
  }
  static_cast<void>((*array)->editable_attributes()->Set("author", "\xa2me"));
  if (!(*array)->Flush().ok()) return;
  std::string updated(file->size_bytes(), '\0');
  ASSERT_TRUE(file->Read({{0, updated.size(), updated.data()}}).ok());
  StringOutput copy("copy.b2nd", size_t{1} << 20);
  static_cast<void>((*array)->CopyTo(copy));
  EXPECT_TRUE(ReadAll(**array).ok());
}

Result<std::unique_ptr<OutputFile>> CreateString(const std::string& path) {
  return std::unique_ptr<OutputFile>(std::make_unique<StringOutput>(path, size_t{1} << 20));
}

// What can be opened can be opened after it was copied with checksums: those of attributes that
// nobody can read, too.
void ExpectCopyOpens(const FrameIndex& index, const ByteFile& file) {
  std::string trailer(static_cast<size_t>(index.summary().trailer_bytes), '\0');
  const auto frame_bytes = static_cast<uint64_t>(index.summary().frame_bytes);
  ASSERT_TRUE(file.Read({{frame_bytes - trailer.size(), trailer.size(), trailer.data()}}).ok());
  StringOutput copy("copy.b2nd", size_t{1} << 20);
  if (!CopyFrame(index, file, trailer, copy, {}).ok()) return;
  const StringFile copied("copy.b2nd", copy.TakeBytes(), Access::kRead);
  const auto again = FrameIndex::Open(copied);
  EXPECT_TRUE(again.ok()) << again.status().message();
}

// Returns how many places are damaged.
int64_t VerifyAll(const ByteFile& file) {
  const auto index = FrameIndex::Open(file);
  if (!index.ok()) return 1;
  static_cast<void>(FindExtents(**index, file));
  static_cast<void>(CompactFrame(file, CreateString, {}));
  ExpectCopyOpens(**index, file);
  const auto attributes = DecodeAttributes(**index, file, testing::kMaskName);
  const auto chunks = DecodeFrame(**index, file, 1, 10, {});
  EXPECT_TRUE(attributes.ok() && chunks.ok());
  return static_cast<int64_t>(attributes->size()) + chunks->places;
}

class MalformedB2nd : public ::testing::TestWithParam<MalformedFile> {
 protected:
  // nullptr after the right failure.
  std::shared_ptr<Array> Open(const std::shared_ptr<ByteFile>& file) {
    const auto array = OpenB2ndArray(file, 1);
    if (GetParam().finder == Finder::kOpening) {
      EXPECT_FALSE(array.ok());
      ExpectReason(array.status(), file->path(), GetParam().message);
    } else {
      EXPECT_TRUE(array.ok()) << array.status().message();
    }
    return array.ok() ? *array : nullptr;
  }

  void Read(Array& array) {
    const auto& [name, bytes, finder, message] = GetParam();
    const Status read = ReadAll(array);
    if (finder == Finder::kReading) return ExpectReason(read, array.path(), message);
    EXPECT_TRUE(read.ok()) << read.message();
    if (finder == Finder::kAttribute) {
      const auto value = array.attributes()->Read(testing::kAttributeName, 1 << 20);
      ExpectReason(value.status(), array.path(), message);
    } else if (finder == Finder::kMask) {
      const std::string path = NestedPath(array.path(), testing::kMaskName);
      ExpectReason(OpenNested(array, testing::kMaskName, 1).status(), path, message);
    }
  }
};

TEST_P(MalformedB2nd, HasOneMessage) {
  const std::string& bytes = GetParam().bytes;
  for (const std::shared_ptr<ByteFile>& file :
       {std::shared_ptr<ByteFile>(std::make_shared<testing::MappedBytes>(bytes)),
        std::shared_ptr<ByteFile>(std::make_shared<testing::MemoryFile>(bytes))}) {
    const std::shared_ptr<Array> array = Open(file);
    if (array == nullptr) continue;
    Read(*array);
    AskAll(*array);
  }
}

TEST_P(MalformedB2nd, IsFoundByVerifyAndRefusedForUpdate) {
  const auto& [name, bytes, finder, message] = GetParam();
  EXPECT_GT(VerifyAll(testing::MappedBytes(bytes)), 0);
  EXPECT_GT(VerifyAll(testing::MemoryFile(bytes)), 0);
  if (finder == Finder::kOpening || finder == Finder::kUpdating) {
    const auto file = std::make_shared<StringFile>("memory.npy", bytes, Access::kUpdate);
    ExpectReason(OpenB2ndForUpdate(file, 1).status(), file->path(), message);
  }
  UpdateAll(bytes);
}

std::string NameOf(const ::testing::TestParamInfo<MalformedFile>& file) { return file.param.name; }

INSTANTIATE_TEST_SUITE_P(Frames, MalformedB2nd, ::testing::ValuesIn(testing::MalformedFrames()),
                         NameOf);
INSTANTIATE_TEST_SUITE_P(Indexes, MalformedB2nd, ::testing::ValuesIn(testing::MalformedIndexes()),
                         NameOf);
INSTANTIATE_TEST_SUITE_P(Layouts, MalformedB2nd, ::testing::ValuesIn(testing::MalformedLayouts()),
                         NameOf);
INSTANTIATE_TEST_SUITE_P(Chunks, MalformedB2nd, ::testing::ValuesIn(testing::MalformedChunks()),
                         NameOf);
INSTANTIATE_TEST_SUITE_P(Attributes, MalformedB2nd,
                         ::testing::ValuesIn(testing::MalformedAttributes()), NameOf);

}  // namespace
}  // namespace ndarray
