// Any bytes as a file that GDAL opens: everything that programs ask of a dataset, then an update of
// it, and once more.
#include <cpl_conv.h>
#include <cpl_error.h>
#include <cpl_vsi.h>
#include <gdal_utils.h>

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "driver/raster/formats/array_driver.h"
#include "driver/raster/gdal_compat.h"
#include "driver/store/archive/zip_directory.h"
#include "tests/fuzz/fuzz_support.h"
#include "tests/fuzz/small_frames.h"

namespace ndarray::fuzz {
namespace {

constexpr int kMaxSide = 64;  // of windows, in pixels
constexpr int kMaxParts = 3;  // subdatasets that are opened

using DatasetPtr = std::unique_ptr<GDALDataset>;

bool Initialize() {
  CPLSetConfigOption("GDAL_MAX_BAND_COUNT", "64");  // each takes memory and time, as it must
  CPLSetConfigOption("GDAL_CACHEMAX", "32");
  CPLPushErrorHandler(CPLQuietErrorHandler);
  RegisterDriver(kNpyFormat);
  RegisterDriver(kB2ndFormat);
  return true;
}

DatasetPtr Open(const char* path, unsigned access) {
  return DatasetPtr(GDALDataset::Open(path, GDAL_OF_RASTER | access));
}

// What fails has been reported.
void Ignore(CPLErr) {}

void Transfer(GDALRasterBand& band, GDALRWFlag direction, Random& random) {
  const int x = static_cast<int>(Below(random, band.GetXSize()));
  const int y = static_cast<int>(Below(random, band.GetYSize()));
  const int width = 1 + static_cast<int>(Below(random, std::min(kMaxSide, band.GetXSize() - x)));
  const int height = 1 + static_cast<int>(Below(random, std::min(kMaxSide, band.GetYSize() - y)));
  const GDALDataType type = Below(random, 2) == 0 ? band.GetRasterDataType() : GDT_Float64;
  const int shrunk = 1 + static_cast<int>(Below(random, 3));  // above 1: by way of GDAL's blocks
  const int columns = std::max(width / shrunk, 1);
  const int lines = std::max(height / shrunk, 1);
  std::vector<char> pixels(static_cast<size_t>(columns * lines) * 16);
  Ignore(band.RasterIO(direction, x, y, width, height, pixels.data(), columns, lines, type, 0, 0,
                       nullptr));
}

void AskBands(GDALDataset& dataset, Random& random) {
  const int bands = dataset.GetRasterCount();
  if (bands == 0) return;
  for (int i = 0; i < 3; ++i) {
    GDALRasterBand& band = *dataset.GetRasterBand(1 + static_cast<int>(Below(random, bands)));
    Transfer(band, GF_Read, random);
    band.GetMaskFlags();
    Transfer(*band.GetMaskBand(), GF_Read, random);
    band.GetDataCoverageStatus(0, 0, std::min(band.GetXSize(), 256), std::min(band.GetYSize(), 256),
                               0, nullptr);
  }
  // All bands at once.
  const int width = std::min(dataset.GetRasterXSize(), 8);
  const int height = std::min(dataset.GetRasterYSize(), 8);
  std::vector<float> pixels(static_cast<size_t>(width * height * bands));
  Ignore(dataset.RasterIO(GF_Read, 0, 0, width, height, pixels.data(), width, height, GDT_Float32,
                          bands, nullptr, 0, 0, 0, nullptr));
}

void Ask(GDALDataset& dataset, Random& random, bool whole = true) {
  CPLFree(GDALInfo(GDALDataset::ToHandle(&dataset), nullptr));
  CSLDestroy(dataset.GetFileList());
  char** const domains = dataset.GetMetadataDomainList();
  for (int i = 0; i < CSLCount(domains); ++i) dataset.GetMetadata(domains[i]);
  CSLDestroy(domains);
  dataset.GetSpatialRef();
  AskBands(dataset, random);
  if (!whole) return;
  const CPLStringList parts(CSLDuplicate(dataset.GetMetadata("SUBDATASETS")));
  for (int i = 0; i < std::min(parts.Count(), 2 * kMaxParts); i += 2) {
    const char* const name = std::strchr(parts[i], '=') + 1;
    if (const DatasetPtr part = Open(name, GDAL_OF_READONLY)) Ask(*part, random, false);
  }
}

void Update(GDALDataset& dataset, Random& random) {
  const int bands = dataset.GetRasterCount();
  if (bands == 0) return;
  for (int i = 0; i < 3; ++i) {
    GDALRasterBand& band = *dataset.GetRasterBand(1 + static_cast<int>(Below(random, bands)));
    Transfer(band, GF_Write, random);
    if (Below(random, 3) == 0) band.SetNoDataValue(static_cast<double>(Below(random, 256)));
  }
  if (Below(random, 2) == 0) dataset.SetMetadataItem("fuzzed", "yes");
  if (Below(random, 4) == 0) {
    Ignore(dataset.CreateMaskBand(GMF_PER_DATASET));
    Transfer(*dataset.GetRasterBand(1)->GetMaskBand(), GF_Write, random);
  }
  dataset.FlushCache(false);
  Transfer(*dataset.GetRasterBand(1), GF_Read, random);
}

// Archives are known by their names, too; embed.b2e is a member of all .b2z.
std::string PathFor(std::string_view bytes) {
  const bool is_b2z = bytes.find("embed.b2e") != std::string_view::npos;
  return std::string("/vsimem/fuzzed") + (!HasZipMagic(bytes) ? "" : is_b2z ? ".b2z" : ".npz");
}

void Run(std::string_view bytes) {
  static const bool initialized = Initialize();
  static_cast<void>(initialized);
  if (!IsSmallFrame(bytes, kMaxChunkCount)) return;
  const std::string path = PathFor(bytes);
  const char* const name = path.c_str();
  VSILFILE* const file = VSIFOpenL(name, "wb");
  VSIFWriteL(bytes.data(), 1, bytes.size(), file);
  VSIFCloseL(file);
  Random random = RandomOf(bytes);
  CPLErrorReset();
  if (const DatasetPtr dataset = Open(name, GDAL_OF_READONLY)) {
    Ask(*dataset, random);
  } else {  // what begins like neither format is nobody's
    const bool is_ours = kNpyFormat.detect(bytes) || HasFrameMagic(bytes) || HasZipMagic(bytes);
    Check(CPLGetLastErrorMsg()[0] != '\0' || !is_ours);
  }
  bool updated = false;
  if (const DatasetPtr dataset = Open(name, GDAL_OF_UPDATE)) {
    Update(*dataset, random);
    updated = true;
  }
  const DatasetPtr again = Open(name, GDAL_OF_READONLY);
  Check(again != nullptr || !updated);
  if (again != nullptr) Ask(*again, random);
  for (const char* const ending : {"", ".aux.xml", ".msk", ".ovr"}) {
    VSIUnlink((path + ending).c_str());
  }
}

}  // namespace
}  // namespace ndarray::fuzz

NDARRAY_FUZZ_TARGET(ndarray::fuzz::Run)
