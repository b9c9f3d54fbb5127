#include "driver/raster/dataset/array_dataset.h"

#include <gtest/gtest.h>

#include <limits>
#include <new>
#include <string>

#include "driver/raster/gdal_error.h"
#include "tests/support/memory_array.h"

namespace ndarray {
namespace {

using testing::MemoryArray;

// Collects GDAL's errors instead of printing them.
class CatchErrors {
 public:
  CatchErrors() { CPLPushErrorHandlerEx(Add, this); }
  ~CatchErrors() { CPLPopErrorHandler(); }
  const std::vector<std::string>& messages() const { return messages_; }

 private:
  static void CPL_STDCALL Add(CPLErr, CPLErrorNum, const char* message) {
    static_cast<CatchErrors*>(CPLGetErrorHandlerUserData())->messages_.emplace_back(message);
  }
  std::vector<std::string> messages_;
};

std::unique_ptr<ArrayDataset> Open(std::shared_ptr<Array> array, GDALAccess access = GA_ReadOnly,
                                   const ArrayDataset::Options& options = {}) {
  GDALOpenInfo open_info("memory.npy", access);
  return ArrayDataset::Open(&open_info, std::move(array), options);
}

TEST(ArrayDataset, HasTheSizeAndBandsOfItsArray) {
  const auto dataset = Open(std::make_shared<MemoryArray>(ScalarType::kInt16, AxisVector{3, 5, 7}));
  ASSERT_NE(dataset, nullptr);
  EXPECT_EQ(dataset->GetRasterXSize(), 7);
  EXPECT_EQ(dataset->GetRasterYSize(), 5);
  EXPECT_EQ(dataset->GetRasterCount(), 3);
  EXPECT_EQ(dataset->GetRasterBand(3)->GetRasterDataType(), GDT_Int16);
}

TEST(ArrayDataset, PassesFailuresOnOnce) {
  auto array = std::make_shared<MemoryArray>(ScalarType::kInt16, AxisVector{5, 7});
  const auto dataset = Open(array);
  array->FailWith(Status(StatusCode::kIo, "the disk is gone"));
  const CatchErrors errors;
  int16_t pixel = 0;
  EXPECT_EQ(dataset->GetRasterBand(1)->RasterIO(GF_Read, 0, 0, 1, 1, &pixel, 1, 1, GDT_Int16, 0, 0,
                                                nullptr),
            CE_Failure);
  EXPECT_EQ(errors.messages(), std::vector<std::string>{"the disk is gone"});
}

TEST(ArrayDataset, ReadsBlocksOnlyOnceThroughTheCache) {
  auto array = std::make_shared<MemoryArray>(ScalarType::kInt16, AxisVector{5, 7});
  const auto dataset = Open(array);
  GDALRasterBand* const band = dataset->GetRasterBand(1);
  for (int i = 0; i < 2; ++i) {
    GDALRasterBlock* const block = band->GetLockedBlockRef(0, 0, FALSE);
    ASSERT_NE(block, nullptr);
    block->DropLock();
  }
  EXPECT_EQ(array->reads().size(), 1u);
}

TEST(ArrayDataset, WindowsBypassTheCache) {
  auto array = std::make_shared<MemoryArray>(ScalarType::kInt16, AxisVector{5, 7});
  const auto dataset = Open(array);
  int16_t pixels[35];
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(dataset->GetRasterBand(1)->RasterIO(GF_Read, 1, 1, 5, 3, pixels, 5, 3, GDT_Int16, 0,
                                                  0, nullptr),
              CE_None);
  }
  ASSERT_EQ(array->reads().size(), 2u);
  EXPECT_EQ(array->reads()[0].start, (AxisVector{1, 1}));
  EXPECT_EQ(array->reads()[0].stop, (AxisVector{4, 6}));
}

TEST(ArrayDataset, WritesDirtyBlocksWhenClosed) {
  auto array = std::make_shared<MemoryArray>(ScalarType::kInt16, AxisVector{5, 7});
  auto dataset = Open(array, GA_Update);
  EXPECT_EQ(dataset->GetRasterBand(1)->Fill(42), CE_None);
  EXPECT_EQ(array->writes(), 0);
  dataset.reset();
  EXPECT_EQ(array->writes(), 1);
  EXPECT_EQ(array->values<int16_t>()[34], 42);
}

TEST(ArrayDataset, RefusesAxesThatDoNotFitWithOneError) {
  ArrayDataset::Options options;
  options.axes = "BYX";
  const CatchErrors errors;
  EXPECT_EQ(Open(std::make_shared<MemoryArray>(ScalarType::kInt16, AxisVector{5, 7}), GA_ReadOnly,
                 options),
            nullptr);
  ASSERT_EQ(errors.messages().size(), 1u);
  EXPECT_EQ(errors.messages()[0], "memory.npy: AXES: found BYX, wanted 2 letters for shape (5, 7)");
}

TEST(GdalError, ExceptionsEndAtTheBoundary) {
  const CatchErrors errors;
  EXPECT_EQ(Guarded(CE_Failure, []() -> CPLErr { throw std::bad_alloc(); }), CE_Failure);
  EXPECT_EQ(errors.messages(), std::vector<std::string>{"out of memory"});
}

}  // namespace
}  // namespace ndarray
