#include "tools/gdal_ndarray/convert/overviews.h"

#include <cpl_conv.h>
#include <cpl_vsi.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "driver/raster/create/pixel_facts.h"
#include "tools/gdal_ndarray/command.h"

namespace ndarray::tools {
namespace {

constexpr int kSmallest = 256;

std::vector<int> Levels(GDALDataset& dataset) {
  const int64_t side = std::max(dataset.GetRasterXSize(), dataset.GetRasterYSize());
  std::vector<int> levels;
  // Sizes of overviews are rounded up.
  for (int level = 1; (side + level - 1) / level >= kSmallest; level *= 2) {
    levels.push_back(2 * level);
  }
  return levels;
}

// GDAL's GeoTIFF driver, which writes .ovr, has few of the codecs of a .b2nd.
bool CanWrite(const char* codec) {
  GDALDriver* const driver = GetGDALDriverManager()->GetDriverByName("GTiff");
  const char* const options =
      driver != nullptr ? driver->GetMetadataItem(GDAL_DMD_CREATIONOPTIONLIST) : nullptr;
  return options != nullptr &&
         std::strstr(options, (std::string("<Value>") + codec + "</Value>").c_str()) != nullptr;
}

// Codec and predictor of the overviews, as GDAL's configuration options: small where the image is
// small, fast where that is fast, uncompressed where that is. Options of the user count.
void ChooseCompression(GDALDataset& image) {
  if (CPLGetConfigOption("COMPRESS_OVERVIEW", nullptr) != nullptr) return;
  const auto structure = [&image](const char* name) {
    return image.GetMetadataItem(name, "IMAGE_STRUCTURE");
  };
  const char* codec = structure("COMPRESSION");
  if (codec == nullptr) codec = structure("CODEC");
  if (codec == nullptr || EQUAL(codec, "NONE")) return;
  const bool zstd = !EQUAL(codec, "ZLIB") && CanWrite("ZSTD");
  CPLSetConfigOption("COMPRESS_OVERVIEW", zstd ? "ZSTD" : "DEFLATE");
  // A predictor takes as long to undo as ZSTD takes to decode: of noisy uint16, windows were read
  // in half the time without.
  const bool small = EQUAL(codec, "ZSTD") || EQUAL(codec, "ZLIB");
  if (!small || CPLGetConfigOption("PREDICTOR_OVERVIEW", nullptr) != nullptr) return;
  const GDALDataType type = image.GetRasterBand(1)->GetRasterDataType();
  if (type == GDT_Float32 || type == GDT_Float64) CPLSetConfigOption("PREDICTOR_OVERVIEW", "3");
  if (GDALDataTypeIsInteger(type) && !GDALDataTypeIsComplex(type)) {
    CPLSetConfigOption("PREDICTOR_OVERVIEW", "2");
  }
}

void Build(const std::string& path, GDALProgressFunc progress) {
  const DatasetPointer dataset = OpenRaster(path);
  std::vector<int> levels = Levels(*dataset);
  if (levels.empty()) return;
  bool names = false;
  for (int band = 1; band <= dataset->GetRasterCount(); ++band) {
    names = names || HoldsNames(*dataset->GetRasterBand(band));
  }
  ChooseCompression(*dataset);
  ForgetGdalErrors();
  if (GDALBuildOverviews(GDALDataset::ToHandle(dataset.get()), names ? "NEAREST" : "AVERAGE",
                         static_cast<int>(levels.size()), levels.data(), 0, nullptr, progress,
                         nullptr) != CE_None) {
    ThrowGdalFailure("unknown error");
  }
}

}  // namespace

void BuildOverviews(const std::string& path, GDALProgressFunc progress) {
  try {
    Build(path, progress);
  } catch (const Failure& failure) {
    for (const char* const suffix : {".ovr", ".ovr.tmp", ".msk.ovr"}) {
      VSIUnlink((path + suffix).c_str());
    }
    throw Failure(std::string(failure.what()) + " (" + path +
                  " is complete, but has no overviews)");
  }
}

}  // namespace ndarray::tools
