#include "tools/overviews.h"

#include <cpl_vsi.h>

#include <algorithm>
#include <vector>

#include "tools/command.h"

namespace ndarray::tools {
namespace {

constexpr int kSmallest = 256;

// Whether values of the band are names, of which there is no average.
bool HoldsNames(GDALRasterBand& band) {
  if (band.GetColorTable() != nullptr || band.GetColorInterpretation() == GCI_PaletteIndex ||
      band.GetCategoryNames() != nullptr) {
    return true;
  }
  const GDALRasterAttributeTableH table = GDALGetDefaultRAT(GDALRasterBand::ToHandle(&band));
  return table != nullptr && GDALRATGetTableType(table) == GRTT_THEMATIC &&
         GDALDataTypeIsInteger(band.GetRasterDataType());
}

std::vector<int> Levels(GDALDataset& dataset) {
  const int64_t side = std::max(dataset.GetRasterXSize(), dataset.GetRasterYSize());
  std::vector<int> levels;
  // Sizes of overviews are rounded up.
  for (int level = 1; (side + level - 1) / level >= kSmallest; level *= 2) {
    levels.push_back(2 * level);
  }
  return levels;
}

void Build(const std::string& path, GDALProgressFunc progress) {
  const DatasetPointer dataset = OpenRaster(path);
  std::vector<int> levels = Levels(*dataset);
  if (levels.empty()) return;
  bool names = false;
  for (int band = 1; band <= dataset->GetRasterCount(); ++band) {
    names = names || HoldsNames(*dataset->GetRasterBand(band));
  }
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
