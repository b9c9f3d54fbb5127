// The malformed files of the store's tests through GDAL: one error of those that cannot be opened,
// with the same message; and whatever else is asked of them ends, without a crash, in an answer or
// in errors that name the file.
#include <cpl_conv.h>
#include <cpl_error.h>
#include <cpl_vsi.h>
#include <gdal_utils.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "driver/raster/formats/array_driver.h"
#include "driver/raster/gdal_compat.h"
#include "tests/support/malformed/malformed_file.h"

namespace ndarray {
namespace {

using testing::Finder;
using testing::MalformedFile;

// GDAL's errors and warnings in its lifetime.
class Errors {
 public:
  Errors() { CPLPushErrorHandlerEx(Keep, this); }
  ~Errors() { CPLPopErrorHandler(); }
  Errors(const Errors&) = delete;
  Errors& operator=(const Errors&) = delete;

  std::vector<std::string> Take() { return std::exchange(texts_, {}); }

 private:
  static void CPL_STDCALL Keep(CPLErr, CPLErrorNum, const char* text) {
    static_cast<Errors*>(CPLGetErrorHandlerUserData())->texts_.emplace_back(text);
  }

  std::vector<std::string> texts_;
};

// A file in memory, gone with its sidecars afterwards.
class VirtualFile {
 public:
  VirtualFile(const std::string& path, const std::string& bytes) : path_(path) {
    VSILFILE* const file = VSIFOpenL(path.c_str(), "wb");
    VSIFWriteL(bytes.data(), 1, bytes.size(), file);
    VSIFCloseL(file);
  }
  ~VirtualFile() {
    for (const char* const ending : {"", ".aux.xml", ".msk", ".ovr"}) {
      VSIUnlink((path_ + ending).c_str());
    }
  }
  VirtualFile(const VirtualFile&) = delete;
  VirtualFile& operator=(const VirtualFile&) = delete;

 private:
  const std::string path_;
};

using DatasetPtr = std::unique_ptr<GDALDataset>;

DatasetPtr Open(const std::string& path, unsigned access) {
  return DatasetPtr(GDALDataset::Open(path.c_str(), GDAL_OF_RASTER | access));
}

// Errors are in the list of those.
void Ignore(CPLErr) {}

// Asks for whatever programs ask for.
void AskAll(GDALDataset& dataset) {
  CPLFree(GDALInfo(GDALDataset::ToHandle(&dataset), nullptr));
  char** const domains = dataset.GetMetadataDomainList();
  for (int i = 0; i < CSLCount(domains); ++i) dataset.GetMetadata(domains[i]);
  CSLDestroy(domains);
  dataset.GetSpatialRef();
  const CPLStringList parts(CSLDuplicate(dataset.GetMetadata("SUBDATASETS")));
  for (int i = 0; i < parts.Count(); i += 2) {  // a name, and what it is
    if (const DatasetPtr part = Open(std::strchr(parts[i], '=') + 1, GDAL_OF_READONLY)) {
      CPLFree(GDALInfo(GDALDataset::ToHandle(part.get()), nullptr));
    }
  }
  const int width = std::min(dataset.GetRasterXSize(), 64);
  const int height = std::min(dataset.GetRasterYSize(), 64);
  if (dataset.GetRasterCount() == 0) return;
  std::vector<double> pixels(static_cast<size_t>(width) * static_cast<size_t>(height));
  GDALRasterBand& band = *dataset.GetRasterBand(1);
  for (GDALRasterBand* const of : {&band, band.GetMaskBand()}) {
    for (const int shrunk : {1, 2}) {  // the second by way of GDAL's blocks
      const int columns = std::max(width / shrunk, 1);
      const int lines = std::max(height / shrunk, 1);
      Ignore(of->RasterIO(GF_Read, 0, 0, width, height, pixels.data(), columns, lines, GDT_Float64,
                          0, 0, nullptr));
    }
  }
  band.GetDataCoverageStatus(0, 0, width, height, 0, nullptr);
}

void Update(const std::string& path) {
  const DatasetPtr dataset = Open(path, GDAL_OF_UPDATE);
  if (dataset == nullptr) return;
  AskAll(*dataset);
  if (dataset->GetRasterCount() == 0) return;
  GDALRasterBand& band = *dataset->GetRasterBand(1);
  double pixel = 7;
  Ignore(band.RasterIO(GF_Write, 0, 0, 1, 1, &pixel, 1, 1, GDT_Float64, 0, 0, nullptr));
  dataset->SetMetadataItem("author", "me");
  band.SetNoDataValue(7);
  Ignore(dataset->CreateMaskBand(GMF_PER_DATASET));
  dataset->FlushCache(false);
}

void Expect(const MalformedFile& malformed, const std::string& path) {
  SCOPED_TRACE(malformed.name);
  const VirtualFile file(path, malformed.bytes);
  Errors errors;
  {
    const DatasetPtr dataset = Open(path, GDAL_OF_READONLY);
    const std::vector<std::string> opening = errors.Take();
    ASSERT_EQ(dataset == nullptr, malformed.finder == Finder::kOpening);
    // GDAL asks all drivers of files that begin like none of ours.
    const bool ours = malformed.message.find("is not a") != 0 && malformed.bytes.size() > 5;
    if (dataset != nullptr) {
      EXPECT_TRUE(opening.empty()) << opening[0];
      AskAll(*dataset);
    } else if (ours && malformed.message.find("cut short") != 0) {
      ASSERT_EQ(opening.size(), 1u);
      EXPECT_NE(opening[0].find(malformed.message), std::string::npos) << opening[0];
      EXPECT_EQ(opening[0].find(path + ": "), 0u) << opening[0];
    }
  }
  Update(path);
  if (const DatasetPtr dataset = Open(path, GDAL_OF_READONLY)) AskAll(*dataset);
  for (const std::string& text : errors.Take()) {
    EXPECT_NE(text.find(path), std::string::npos) << text;
  }
}

TEST(MalformedFiles, OfNpyGiveReasonsWhateverIsAsked) {
  RegisterDriver(kNpyFormat);
  for (const MalformedFile& file : testing::MalformedNpyFiles()) Expect(file, "/vsimem/bad.npy");
}

#ifdef NDARRAY_HAS_B2ND
TEST(MalformedFiles, OfB2ndGiveReasonsWhateverIsAsked) {
  RegisterDriver(kB2ndFormat);
  for (const MalformedFile& file : testing::MalformedB2ndFiles()) Expect(file, "/vsimem/bad.b2nd");
}
#endif

TEST(MalformedFiles, AreMoreThan300) {
  size_t count = testing::MalformedNpyFiles().size();
#ifdef NDARRAY_HAS_B2ND
  count += testing::MalformedB2ndFiles().size();
  EXPECT_GE(count, 400u);
#endif
  EXPECT_GE(count, 100u);
}

}  // namespace
}  // namespace ndarray
