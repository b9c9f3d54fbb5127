// A writer whose flush has failed half-way, while another one commits the same chunk.

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "driver/store/b2nd/b2nd_update.h"
#include "driver/store/io/writer_turns.h"
#include "tests/support/array_conformance.h"
#include "tests/support/b2nd_files.h"
#include "tests/support/faulty_file.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_folder.h"

namespace ndarray {
namespace {

using namespace testing;  // NOLINT

constexpr DType kU16{ScalarType::kUInt16, ByteOrder::kLittle};
const AxisVector kShape{16, 20};  // one chunk
constexpr int64_t kRowBytes = 40;

std::vector<uint16_t> Noise(Random& random) {
  std::vector<uint16_t> values(20);
  for (uint16_t& value : values) value = static_cast<uint16_t>(random());
  return values;
}

TEST(B2ndRebaseTest, WhatWasAppendedInVainIsReadAfterwardsWithWhatOthersHaveCommitted) {
  const TempFolder folder;
  const std::string path = folder.Path("file.b2nd");
  Random random(7);
  ReferenceArray start = ReferenceArray::OfRandom(kU16, kShape, random);
  start.elements.assign(start.elements.size(), '\1');  // so that blocks grow with noise
  B2ndOptions options;
  options.chunk_shape = {16, 20};
  options.block_shape = {8, 10};
  WriteFile(path, B2ndBytes(start, options));
  std::shared_ptr<StoppedFile> stopped;
  const auto open = [&](int64_t stop_at) {
    auto shared = OpenSharedFile(path, Joining::kNow, std::chrono::seconds(60));
    EXPECT_THAT(shared, IsOk());
    stopped = std::make_shared<StoppedFile>(shared->file, stop_at);
    return *OpenB2ndForUpdate(stopped, 1, Chunks::kMayBeWritten, kDefaultWriteCacheBytes,
                              std::move(shared->turns));
  };
  std::string expected = start.elements;
  const auto put = [&](B2ndForUpdate& array, int64_t row) {
    const std::vector<uint16_t> values = Noise(random);
    ASSERT_THAT(array.Write(0, {{row, 0}, {row + 1, 20}},
                            {reinterpret_cast<const std::byte*>(values.data()), {kRowBytes, 2}}),
                IsOk());
    expected.replace(static_cast<size_t>(row * kRowBytes), kRowBytes,
                     reinterpret_cast<const char*>(values.data()), kRowBytes);
  };
  const auto other = open(INT64_MAX);
  const auto writer = open(2);  // chunk and index, but no sync
  put(*writer, 3);
  EXPECT_THAT(writer->Flush(), FailsWith(StatusCode::kIo, "stopped"));
  stopped->GoOn();
  for (int64_t row = 5; row < 9; ++row) put(*other, row);
  ASSERT_THAT(other->Flush(), IsOk());
  ASSERT_THAT(writer->Flush(), IsOk());
  std::string found(expected.size(), '\0');
  ASSERT_THAT(writer->Read(0, WholeBox(kShape),
                           {reinterpret_cast<std::byte*>(found.data()), {kRowBytes, 2}}),
              IsOk());
  EXPECT_EQ(found, expected);
}

}  // namespace
}  // namespace ndarray
