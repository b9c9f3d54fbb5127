// The .b2nd files in data/golden, which many versions of python-blosc2 wrote, compared with what
// data/golden_b2nd.py says is in them. c-blosc2 is not asked.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstring>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "driver/store/b2nd/b2nd_array.h"
#include "driver/store/frame/chunk_loader.h"
#include "driver/store/frame/frame_index.h"
#include "driver/store/io/local_file.h"
#include "driver/store/msgpack.h"
#include "tests/support/array_conformance.h"
#include "tests/support/memory_file.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_folder.h"

namespace ndarray {
namespace {

using testing::IsOk;
using testing::ReferenceArray;

std::vector<std::string> GoldenFiles() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(NDARRAY_DATA "/golden")) {
    if (entry.path().extension() == ".b2nd") names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

template <typename T>
std::string BytesOf(T value) {
  std::string bytes(sizeof(T), '\0');
  std::memcpy(bytes.data(), &value, sizeof(T));
  return bytes;
}

// Quarters up to 250, exactly.
uint16_t HalfFloat(double value) {
  if (value == 0) return 0;
  const int exponent = std::ilogb(value);
  const double fraction = std::ldexp(value, -exponent) - 1;
  return static_cast<uint16_t>((exponent + 15) << 10 | static_cast<int>(fraction * 1024));
}

// The value in an element of that type, in native byte order.
std::string ElementOf(ScalarType type, int64_t value) {
  const double quarter = static_cast<double>(value) / 4;
  switch (type) {
    case ScalarType::kBool:
      return BytesOf(static_cast<uint8_t>(value % 2));
    case ScalarType::kFloat16:
      return BytesOf(HalfFloat(quarter));
    case ScalarType::kFloat32:
      return BytesOf(static_cast<float>(quarter));
    case ScalarType::kFloat64:
      return BytesOf(quarter);
    case ScalarType::kComplex64:
      return BytesOf(std::complex<float>(std::complex<double>(quarter, quarter + 1)));
    case ScalarType::kComplex128:
      return BytesOf(std::complex<double>(quarter, quarter + 1));
    default:
      break;
  }
  std::string bytes = BytesOf(value);
  if (kNativeOrder == ByteOrder::kBig) std::reverse(bytes.begin(), bytes.end());
  bytes.resize(SizeBytes(type));
  if (kNativeOrder == ByteOrder::kBig) std::reverse(bytes.begin(), bytes.end());
  return bytes;
}

bool Contains(const std::string& name, std::string_view part) {
  return name.find(part) != std::string::npos;
}

ReferenceArray ExpectedOf(const std::string& name, const DType& dtype, const AxisVector& shape) {
  ReferenceArray expected{dtype, shape, ""};
  for (int64_t n = 0; n < testing::Product(shape); ++n) {
    std::string element = ElementOf(dtype.type, n / 3 % 1000);
    // Only one chunk of version_..._holes was written.
    const bool is_hole =
        Contains(name, "_holes") && (n / shape[1] < 20 || n / shape[1] >= 40 || n % shape[1] < 32);
    if (is_hole || Contains(name, "special_zeros")) {
      element.assign(element.size(), '\0');
    } else if (Contains(name, "special_full_1234")) {
      element = ElementOf(dtype.type, 1234);
    } else if (Contains(name, "special_nans_4")) {
      element = BytesOf(std::nanf(""));
    } else if (Contains(name, "special_nans_8")) {
      element = BytesOf(std::nan(""));
    }
    expected.elements += element;
  }
  return expected;
}

std::vector<Attribute> AttributesOf(const Array& array) {
  std::vector<Attribute> attributes;
  int64_t max_values = kMaxMsgpackValues;
  for (const AttributeInfo& info : array.attributes()->List()) {
    const Result<std::string> packed = array.attributes()->Read(info.name, 1000);
    EXPECT_THAT(packed, IsOk());
    attributes.emplace_back(info.name, ParseMsgpack(*packed, max_values)->dump());
  }
  return attributes;
}

class GoldenB2nd : public ::testing::TestWithParam<std::string> {
 protected:
  std::string Path() const { return NDARRAY_DATA "/golden/" + GetParam() + ".b2nd"; }

  void ExpectContents(const std::shared_ptr<ByteFile>& file) const {
    const auto array = OpenB2ndArray(file, 2);
    ASSERT_THAT(array, IsOk());
    testing::Random random(1);
    const ArrayInfo& info = (*array)->info();
    for (size_t field = 0; field < info.fields.size(); ++field) {
      const auto expected = ExpectedOf(GetParam(), info.fields[field].dtype, info.shape);
      testing::ExpectReadsLike(**array, field, expected, random, 4);
    }
  }
};

TEST_P(GoldenB2nd, HasWhatWasWritten) {
  const auto mapped = OpenLocalFile(Path());
  ASSERT_THAT(mapped, IsOk());
  ExpectContents(*mapped);
  ExpectContents(std::make_shared<testing::MemoryFile>(testing::ReadFile(Path())));
}

// Blocks that are decoded without c-blosc2 are the same bytes.
TEST_P(GoldenB2nd, IsDecodedAsByCBlosc2) {
  const auto file = OpenLocalFile(Path());
  ASSERT_THAT(file, IsOk());
  const auto index = FrameIndex::Open(**file);
  ASSERT_THAT(index, IsOk());
  std::vector<LoadedChunk> chunks(static_cast<size_t>((*index)->layout().chunk_count));
  for (size_t i = 0; i < chunks.size(); ++i) chunks[i].chunk_index = static_cast<int64_t>(i);
  ASSERT_THAT(ChunkLoader(**index, **file).LoadHeaders(chunks), IsOk());
  const auto chunk_bytes = static_cast<size_t>((*index)->layout().chunk_bytes);
  for (const LoadedChunk& chunk : chunks) {
    if (chunk.header.kind != ChunkKind::kBlocks) continue;
    Buffer mine(chunk_bytes);
    Buffer theirs(chunk_bytes);
    ASSERT_THAT(chunk.DecodeChunk((*index)->codec(), mine.data()), IsOk());
    ASSERT_THAT((*index)->codec().DecodeChunk(chunk.bytes, chunk.header, theirs.data()), IsOk());
    EXPECT_EQ(std::memcmp(mine.data(), theirs.data(), chunk_bytes), 0) << chunk.chunk_index;
  }
}

TEST_P(GoldenB2nd, HasTheShapeOrDtypeOfItsName) {
  const auto array = OpenB2ndArray(*OpenLocalFile(Path()), 1);
  ASSERT_THAT(array, IsOk());
  const ArrayInfo& info = (*array)->info();
  const std::string name = GetParam();
  if (Contains(name, "shape_")) {
    std::string shape = "shape";
    for (const int64_t count : info.shape) {
      shape += (shape == "shape" ? "_" : "x") + std::to_string(count);
    }
    EXPECT_EQ(shape, name);
  }
  if (Contains(name, "dtype_")) {
    const bool is_big =
        info.fields[0].dtype.size_bytes() > 1 && info.fields[0].dtype.order == ByteOrder::kBig;
    EXPECT_EQ(Contains(name, "_big"), is_big);
  }
  if (Contains(name, "record")) {
    EXPECT_EQ(info.fields.size(), 5u);
  }
  if (Contains(name, "version_") && !Contains(name, "_holes")) {
    EXPECT_THAT(AttributesOf(**array), ::testing::ElementsAre(Attribute("text",
                                                                        "\"Gr\xC3\xBC\xC3\x9F"
                                                                        "e\""),
                                                              Attribute("numbers", "[1,2.5,-3]")));
  }
}

INSTANTIATE_TEST_SUITE_P(, GoldenB2nd, ::testing::ValuesIn(GoldenFiles()), [](const auto& test) {
  std::string name = test.param;
  std::replace(name.begin(), name.end(), '.', '_');
  return name;
});

TEST(GoldenFiles, AreOfManyVersions) {
  const auto files = GoldenFiles();
  EXPECT_GE(std::count_if(files.begin(), files.end(),
                          [](const auto& name) { return Contains(name, "version_"); }),
            20);
}

}  // namespace
}  // namespace ndarray
