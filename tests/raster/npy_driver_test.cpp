#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "driver/raster/formats/array_driver.h"
#include "driver/raster/gdal_compat.h"
#include "tests/support/npy_files.h"
#include "tests/support/temp_folder.h"

namespace ndarray {
namespace {

using testing::HeaderText;
using testing::NpyBytes;
using testing::TempFolder;
using Layout = GDALDataset::RawBinaryLayout;

// What other programs learn about where pixels lie in the file (Python has no binding for it).
class RawLayoutTest : public ::testing::Test {
 protected:
  RawLayoutTest() { RegisterDriver(kNpyFormat); }

  // The layout of 3 x 5 x 7 elements, or of another shape.
  bool LayoutOf(const std::string& axes, const char* dtype, const char* order = "False",
                const char* shape = "(3, 5, 7)") {
    const std::string header = HeaderText(dtype, shape, order);
    data_offset_ = NpyBytes(1, header).size();
    testing::WriteFile(folder_.Path("layout.npy"), NpyBytes(1, header, std::string(4000, '\0')));
    const std::string option = "AXES=" + axes;
    const char* const options[] = {option.c_str(), nullptr};
    const std::unique_ptr<GDALDataset> dataset(GDALDataset::Open(
        folder_.Path("layout.npy").c_str(), GDAL_OF_RASTER, nullptr, options, nullptr));
    EXPECT_NE(dataset, nullptr);
    return dataset->GetRawBinaryLayout(layout_);
  }

  void ExpectStrides(GIntBig pixel, GIntBig line, GIntBig band) {
    EXPECT_EQ(layout_.nPixelOffset, pixel);
    EXPECT_EQ(layout_.nLineOffset, line);
    EXPECT_EQ(layout_.nBandOffset, band);
    EXPECT_EQ(layout_.nImageOffset, data_offset_);
  }

  const TempFolder folder_;
  Layout layout_;
  uint64_t data_offset_ = 0;
};

TEST_F(RawLayoutTest, BandsOneAfterAnother) {
  ASSERT_TRUE(LayoutOf("BYX", "'<u2'"));
  ExpectStrides(2, 14, 70);
  EXPECT_EQ(layout_.eInterleaving, Layout::Interleaving::BSQ);
  EXPECT_EQ(layout_.eDataType, GDT_UInt16);
  EXPECT_TRUE(layout_.bLittleEndianOrder);
  EXPECT_EQ(layout_.osRawFilename, folder_.Path("layout.npy"));
}

TEST_F(RawLayoutTest, PixelsAndLinesInterleaved) {
  ASSERT_TRUE(LayoutOf("YXB", "'<u2'"));
  ExpectStrides(14, 70, 2);
  EXPECT_EQ(layout_.eInterleaving, Layout::Interleaving::BIP);
  ASSERT_TRUE(LayoutOf("YBX", "'<u2'"));
  ExpectStrides(2, 70, 14);
  EXPECT_EQ(layout_.eInterleaving, Layout::Interleaving::BIL);
}

TEST_F(RawLayoutTest, FortranOrderHasStridesButNoName) {
  ASSERT_TRUE(LayoutOf("YX", "'<f4'", "True", "(5, 7)"));
  ExpectStrides(20, 4, 0);
  EXPECT_EQ(layout_.eInterleaving, Layout::Interleaving::UNKNOWN);
}

TEST_F(RawLayoutTest, ForeignByteOrderIsNamed) {
  ASSERT_TRUE(LayoutOf("BYX", "'>f8'"));
  EXPECT_FALSE(layout_.bLittleEndianOrder);
}

TEST_F(RawLayoutTest, RecordsHaveOneOnlyIfAllFieldsAreAlike) {
  ASSERT_TRUE(LayoutOf("YX", "[('a', '<i2'), ('b', '<i2'), ('c', '<i2')]", "False", "(5, 7)"));
  ExpectStrides(6, 42, 2);
  EXPECT_EQ(layout_.eInterleaving, Layout::Interleaving::BIP);
  EXPECT_FALSE(LayoutOf("YX", "[('a', '<i2'), ('b', '<f4')]", "False", "(5, 7)"));
  EXPECT_FALSE(
      LayoutOf("YX", "[('a', '<i2'), ('', '|V2'), ('b', '<i2'), ('c', '<i2')]", "False", "(5, 7)"));
}

TEST(NpyDriver, IsRegisteredOnce) {
  RegisterDriver(kNpyFormat);
  const int count = GetGDALDriverManager()->GetDriverCount();
  RegisterDriver(kNpyFormat);
  EXPECT_EQ(GetGDALDriverManager()->GetDriverCount(), count);
}

TEST(NpyDriver, LeavesEveryOtherFileToOthers) {
  RegisterDriver(kNpyFormat);
  auto* const driver = GetGDALDriverManager()->GetDriverByName("NPY");
  const TempFolder folder;
  for (const std::string& content : {std::string(), std::string("\x93"), std::string("\x93NUMP"),
                                     std::string(" \x93NUMPY\x01")}) {
    testing::WriteFile(folder.Path("other"), content);
    GDALOpenInfo open_info(folder.Path("other").c_str(), GA_ReadOnly);
    EXPECT_FALSE(driver->pfnIdentify(&open_info));
    EXPECT_EQ(driver->pfnOpen(&open_info), nullptr);
  }
  for (const char* const name : {"NPY", "NPYX:a", "", "/no/such/file.npy"}) {
    GDALOpenInfo open_info(name, GA_ReadOnly);
    EXPECT_FALSE(driver->pfnIdentify(&open_info)) << name;
  }
}

// Python has no way to say such a name.
TEST(NpyDriver, KeepsWhatIsSaidOfDimensionsWhoseNamesAreNotUtf8) {
  RegisterDriver(kNpyFormat);
  auto* const driver = GetGDALDriverManager()->GetDriverByName("NPY");
  const TempFolder folder;
  const std::string path = folder.Path("new.npy");
  std::unique_ptr<GDALDataset> dataset(
      driver->CreateMultiDimensional(path.c_str(), nullptr, nullptr));
  const auto group = dataset->GetRootGroup();
  auto array = group->CreateMDArray("new", {group->CreateDimension("h\xF6he", "", "", 3)},
                                    GDALExtendedDataType::Create(GDT_Byte));
  ASSERT_NE(array, nullptr);
  EXPECT_TRUE(array->SetUnit("m"));
  CPLErrorReset();
  dataset->FlushCache(false);
  EXPECT_STREQ(CPLGetLastErrorMsg(), "");
  dataset.reset(GDALDataset::Open(path.c_str(), GDAL_OF_MULTIDIM_RASTER));
  ASSERT_NE(dataset, nullptr);
  array = dataset->GetRootGroup()->OpenMDArray("new");
  EXPECT_EQ(array->GetUnit(), "m");
  EXPECT_EQ(array->GetDimensions()[0]->GetName(), "h\xEF\xBF\xBDhe");
}

}  // namespace
}  // namespace ndarray
