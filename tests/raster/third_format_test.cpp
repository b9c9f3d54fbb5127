// A format that the drivers know nothing of: all that a new one needs is in this file. One that is
// to be installed has its line in Formats() besides.

#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "driver/raster/files/memory_option.h"
#include "driver/raster/formats/array_driver.h"
#include "driver/store/box.h"
#include "tests/support/memory_array.h"
#include "tests/support/npy_files.h"
#include "tests/support/temp_folder.h"

namespace ndarray {
namespace {

using testing::MemoryArray;
using testing::ReadFile;
using testing::TempFolder;
using testing::WriteFile;

constexpr std::string_view kMagic = "NDTEST: ";

// uint8 only: the magic, three lengths of eight digits each, then a plane after the other.
class TestWriter final : public ArrayWriter {
 public:
  TestWriter(OutputFile& file, const AxisVector& shape) : file_(file) {
    info_.shape = shape;
    info_.piece_shape = {1, shape[1], shape[2]};
  }

  const WriterInfo& info() const override { return info_; }

  Status Write(const Box& box, const ConstStridedView& from) override {
    EXPECT_EQ(from.strides_bytes, CStrides(Counts(box), 1));
    const int64_t plane = info_.shape[1] * info_.shape[2];
    return file_.WriteAt(kMagic.size() + 24 + static_cast<uint64_t>(box.start[0] * plane),
                         from.data, static_cast<size_t>(ElementsIn(box)));
  }

  Status Finish() override {
    std::string header(kMagic);
    for (const int64_t length : info_.shape) {
      const std::string digits = std::to_string(length);
      header += std::string(8 - digits.size(), '0') + digits;
    }
    return file_.WriteAt(0, header.data(), header.size());
  }

 private:
  OutputFile& file_;
  WriterInfo info_;
};

bool Detect(std::string_view first_bytes) { return first_bytes.substr(0, kMagic.size()) == kMagic; }

Result<std::shared_ptr<Array>> Open(const std::string& path, OpenFor, int, const OpenPolicy&) {
  const std::string bytes = ReadFile(path);
  AxisVector shape;
  for (size_t i = 0; i < 3; ++i) shape.push_back(std::stoi(bytes.substr(kMagic.size() + 8 * i, 8)));
  auto array = std::make_shared<MemoryArray>(ScalarType::kUInt8, shape, path);
  const std::string elements = bytes.substr(kMagic.size() + 24);
  std::memcpy(array->values<char>(), elements.data(), elements.size());
  return std::shared_ptr<Array>(array);
}

Result<ElementType> ReadElement(const std::shared_ptr<ByteFile>&) {
  return PlainElement({ScalarType::kUInt8, kNativeOrder});
}

std::string CreationOptions() {
  return std::string("<CreationOptionList>") + kShapeOptions + "</CreationOptionList>";
}

Result<WriterStarter> Plan(const NewArray& array, StringList) {
  if (array.dtype.type != ScalarType::kUInt8 || array.shape.size() != 3) {
    return Mismatch(StatusCode::kNotSupported, "array", "another one", "bands of bytes")
        .At(array.path);
  }
  return WriterStarter([shape = array.shape](OutputFile& file, const std::vector<Attribute>&,
                                             Contents) -> Result<std::unique_ptr<ArrayWriter>> {
    return std::unique_ptr<ArrayWriter>(std::make_unique<TestWriter>(file, shape));
  });
}

}  // namespace

extern const ArrayFormat kTestFormat;
const ArrayFormat kTestFormat = {
    /*driver=*/"NDTEST",
    /*long_name=*/"Format of a test",
    /*extension=*/"ndtest",
    Detect,
    /*refuse_folder=*/nullptr,
    /*open_options=*/"",
    /*open_policy=*/[](StringList options) { return OpenPolicy{PolicyOfPlainFile(options)}; },
    Open,
    ReadElement,
    CreationOptions,
    Plan,
    /*max_axes=*/3,
    /*max_element_bytes=*/1,
    /*has_chunks=*/false,
    /*keeps_metadata=*/false,
    /*store_masks=*/nullptr,
    /*archive=*/nullptr,
    AddCallbacks<kTestFormat>,
};

namespace {

class ThirdFormatTest : public ::testing::Test {
 protected:
  ThirdFormatTest() {
    RegisterDriver(kTestFormat);
    GDALRegister_MEM();
    std::iota(pixels_.begin(), pixels_.end(), uint8_t{0});
    source_.reset(Driver("MEM").Create("", 7, 5, 3, GDT_Byte, nullptr));
    EXPECT_EQ(Transfer(*source_, GF_Write, pixels_), CE_None);
    source_->SetMetadataItem("colour", "blue");
  }

  static GDALDriver& Driver(const char* name) {
    return *GetGDALDriverManager()->GetDriverByName(name);
  }

  static CPLErr Transfer(GDALDataset& dataset, GDALRWFlag direction, std::vector<uint8_t>& pixels) {
    return dataset.RasterIO(direction, 0, 0, 7, 5, pixels.data(), 7, 5, GDT_Byte, 3, nullptr, 0, 0,
                            0, nullptr);
  }

  static std::vector<uint8_t> PixelsOf(GDALDataset& dataset) {
    std::vector<uint8_t> pixels(3 * 5 * 7);
    EXPECT_EQ(Transfer(dataset, GF_Read, pixels), CE_None);
    return pixels;
  }

  std::unique_ptr<GDALDataset> Copy() {
    return std::unique_ptr<GDALDataset>(Driver("NDTEST").CreateCopy(
        path_.c_str(), source_.get(), FALSE, nullptr, nullptr, nullptr));
  }

  std::unique_ptr<GDALDataset> OpenAgain() {
    return std::unique_ptr<GDALDataset>(GDALDataset::Open(path_.c_str(), GDAL_OF_RASTER));
  }

  const TempFolder folder_;
  const std::string path_ = folder_.Path("a.ndtest");
  std::vector<uint8_t> pixels_ = std::vector<uint8_t>(3 * 5 * 7);
  std::unique_ptr<GDALDataset> source_;
};

TEST_F(ThirdFormatTest, CopiesAreFoundAndOpenedByTheirFirstBytes) {
  const std::unique_ptr<GDALDataset> copy = Copy();
  ASSERT_NE(copy, nullptr);
  EXPECT_EQ(PixelsOf(*copy), pixels_);
  const std::unique_ptr<GDALDataset> dataset = OpenAgain();
  ASSERT_NE(dataset, nullptr);
  EXPECT_STREQ(dataset->GetDriverName(), "NDTEST");
  EXPECT_EQ(PixelsOf(*dataset), pixels_);
}

TEST_F(ThirdFormatTest, MetadataGoesIntoASidecarWhereTheFormatKeepsNone) {
  ASSERT_NE(Copy(), nullptr);
  EXPECT_STREQ(OpenAgain()->GetMetadataItem("colour"), "blue");
  VSIUnlink((path_ + ".aux.xml").c_str());
  EXPECT_EQ(OpenAgain()->GetMetadataItem("colour"), nullptr);
}

TEST_F(ThirdFormatTest, CreatedFilesAreZeros) {
  const std::unique_ptr<GDALDataset> created(
      Driver("NDTEST").Create(path_.c_str(), 7, 5, 3, GDT_Byte, nullptr));
  ASSERT_NE(created, nullptr);
  EXPECT_EQ(created->GetAccess(), GA_Update);
  EXPECT_EQ(PixelsOf(*created), std::vector<uint8_t>(3 * 5 * 7));
}

TEST_F(ThirdFormatTest, WhatItCannotHoldLeavesTheOldFile) {
  WriteFile(path_, "old");
  source_.reset(Driver("MEM").Create("", 7, 5, 3, GDT_Float32, nullptr));
  CPLPushErrorHandler(CPLQuietErrorHandler);
  EXPECT_EQ(Copy(), nullptr);
  CPLPopErrorHandler();
  EXPECT_EQ(CPLGetLastErrorMsg(), path_ + ": array: found another one, wanted bands of bytes");
  EXPECT_EQ(ReadFile(path_), "old");
}

TEST_F(ThirdFormatTest, PartsAndDeletionAreTheDriversOwn) {
  ASSERT_NE(Copy(), nullptr);
  const std::string name = "NDTEST:\"" + path_ + "\":1";
  const std::unique_ptr<GDALDataset> part(GDALDataset::Open(name.c_str(), GDAL_OF_RASTER));
  ASSERT_NE(part, nullptr);
  EXPECT_EQ(part->GetRasterCount(), 1);
  EXPECT_EQ(Driver("NDTEST").Delete(path_.c_str()), CE_None);
  VSIStatBufL about;
  EXPECT_NE(VSIStatL((path_ + ".aux.xml").c_str(), &about), 0);
}

}  // namespace
}  // namespace ndarray
