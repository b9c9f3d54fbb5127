// Headers that are cut off or changed by a bit: refused with a reason, or read as what they say.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "driver/store/npy/npy_array.h"
#include "driver/store/npy/npy_header.h"
#include "tests/support/memory_file.h"
#include "tests/support/npy_files.h"
#include "tests/support/status_matchers.h"
#include "tests/support/strided_buffer.h"

namespace ndarray {
namespace {

using testing::HeaderText;
using testing::IsOk;
using testing::MemoryFile;
using testing::NpyBytes;

std::vector<std::string> GoodFiles() {
  const std::string record =
      "[(('Title', 'r\\xe9d'), '|u1'), ('', '|V1'), ('m', '<f4', (2,)), ('p', [('x', '>i2')])]";
  std::vector<std::string> files;
  for (const int version : {1, 2, 3}) {
    files.push_back(NpyBytes(version, HeaderText("'<u2'", "(3, 4)"), std::string(24, 'd')));
    files.push_back(NpyBytes(version, HeaderText(record, "(2,)", "True"), std::string(24, 'd')));
  }
  files.push_back(FormatNpyHeader({ScalarType::kComplex128, ByteOrder::kBig}, true, {2, 1}, 64) +
                  std::string(32, 'd'));
  return files;
}

void ExpectReasonedFailure(const Status& status) {
  EXPECT_FALSE(status.message().empty());
  EXPECT_TRUE(status.code() == StatusCode::kCorrupt || status.code() == StatusCode::kNotSupported);
}

// What every header that parses promises.
void ExpectConsistent(const NpyHeader& header) {
  ASSERT_GE(header.shape.size(), 1);
  ASSERT_LE(header.shape.size(), kMaxAxes);
  uint64_t bytes = static_cast<uint64_t>(header.element_bytes);
  for (const int64_t count : header.shape) {
    ASSERT_GE(count, 1);
    bytes *= static_cast<uint64_t>(count);
  }
  EXPECT_EQ(NpyDataBytes(header), bytes);
  ASSERT_FALSE(header.fields.empty());
  for (const Field& field : header.fields) {
    EXPECT_GE(field.offset_bytes, 0);
    EXPECT_LE(field.offset_bytes,
              header.element_bytes - static_cast<int64_t>(field.dtype.size_bytes()));
  }
}

// Reads the last element of each field of a file that opens: all that it promises must be there.
void ExpectLastElementReads(const Array& array) {
  Box last{array.info().shape, array.info().shape};
  for (int64_t& start : last.start) --start;
  for (size_t field = 0; field < array.info().fields.size(); ++field) {
    char element[16];
    const StridedView to{element, AxisVector(last.start.size(), 16)};
    EXPECT_THAT(array.Read(field, last, to), IsOk());
  }
}

void ExpectOpensOrFailsCleanly(const std::string& bytes) {
  const auto header = ParseNpyHeader(bytes);
  if (header.ok()) {
    ExpectConsistent(*header);
  } else {
    ExpectReasonedFailure(header.status());
  }
  const auto array = OpenNpyArray(std::make_shared<MemoryFile>(bytes), 1);
  if (array.ok()) {
    ASSERT_TRUE(header.ok());
    ExpectLastElementReads(**array);
  } else {
    ExpectReasonedFailure(array.status());
    EXPECT_EQ(array.status().message().rfind("memory.npy: ", 0), 0u) << array.status().message();
  }
}

TEST(DamagedNpy, IsCorruptWhenCutAtAnyByteOfTheHeader) {
  for (const std::string& file : GoodFiles()) {
    const auto whole = ParseNpyHeader(file);
    ASSERT_THAT(whole, IsOk());
    for (size_t size = 0; size < whole->data_offset_bytes; ++size) {
      // On the heap without a byte to spare: a sanitizer sees what is read beyond the end.
      const std::vector<char> cut(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(size));
      const auto header = ParseNpyHeader({cut.data(), cut.size()});
      ASSERT_EQ(header.status().code(), StatusCode::kCorrupt) << size;
      EXPECT_FALSE(header.status().message().empty());
    }
  }
}

TEST(DamagedNpy, IsCorruptWhenCutAtAnyByte) {
  for (const std::string& file : GoodFiles()) {
    ASSERT_THAT(OpenNpyArray(std::make_shared<MemoryFile>(file), 1), IsOk());
    for (size_t size = 0; size < file.size(); ++size) {
      const auto array = OpenNpyArray(std::make_shared<MemoryFile>(file.substr(0, size)), 1);
      ASSERT_EQ(array.status().code(), StatusCode::kCorrupt) << size;
      EXPECT_EQ(array.status().message().rfind("memory.npy: ", 0), 0u);
    }
  }
}

TEST(DamagedNpy, OpensOrFailsCleanlyWithAnyBitFlipped) {
  for (const std::string& file : GoodFiles()) {
    for (size_t at = 0; at < file.size(); ++at) {
      for (int bit = 0; bit < 8; ++bit) {
        std::string flipped = file;
        flipped[at] = static_cast<char>(flipped[at] ^ (1 << bit));
        ExpectOpensOrFailsCleanly(flipped);
      }
    }
  }
}

TEST(DamagedNpy, OpensOrFailsCleanlyWithAnyByteReplaced) {
  for (const std::string& file : GoodFiles()) {
    for (size_t at = 0; at < file.size(); ++at) {
      for (const char byte :
           {'\0', '\x7F', '\xFF', '\n', '(', ')', '[', '{', '\'', '\\', ',', '9'}) {
        std::string changed = file;
        changed[at] = byte;
        ExpectOpensOrFailsCleanly(changed);
      }
    }
  }
}

TEST(DamagedNpy, OpensOrFailsCleanlyWithAnyByteMissing) {
  for (const std::string& file : GoodFiles()) {
    for (size_t at = 0; at < file.size(); ++at) {
      std::string shorter = file;
      shorter.erase(at, 1);
      ExpectOpensOrFailsCleanly(shorter);
    }
  }
}

}  // namespace
}  // namespace ndarray
