// The coarser arrays of a pyramid as the overviews of an ArrayDataset of its finest one.

#include <cpl_error.h>
#include <cpl_vsi.h>

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "driver/raster/dataset/array_band.h"
#include "driver/raster/dataset/array_dataset.h"
#include "driver/raster/files/vsi_file.h"
#include "driver/raster/gdal_error.h"

namespace ndarray {
namespace {

std::string SizeText(GDALDataset& dataset) {
  return std::to_string(dataset.GetRasterXSize()) + " x " +
         std::to_string(dataset.GetRasterYSize()) + " x " +
         std::to_string(dataset.GetRasterCount());
}

int64_t Pixels(GDALDataset& dataset) {
  return int64_t{dataset.GetRasterXSize()} * dataset.GetRasterYSize();
}

// Whether it shows the same in fewer pixels: each side to within one pixel of the other's scale.
bool IsCoarser(GDALDataset& finest, GDALDataset& level) {
  const int64_t width = finest.GetRasterXSize();
  const int64_t height = finest.GetRasterYSize();
  if (level.GetRasterCount() != finest.GetRasterCount() || level.GetRasterXSize() > width ||
      level.GetRasterYSize() > height || Pixels(level) >= Pixels(finest)) {
    return false;
  }
  return std::abs(level.GetRasterXSize() * height - level.GetRasterYSize() * width) <=
         width + height;
}

}  // namespace

// A part of another dataset: it has no sidecar, and is described by the other one's nodata where it
// says nothing of its own.
Result<std::shared_ptr<ArrayDataset>> ArrayDataset::OpenLevel(std::shared_ptr<Array> array) {
  const std::string path = array->path();
  Options options;
  options.axes = axes_name();
  options.index = io_.axes().index;
  options.max_threads = max_threads_;
  options.file = file_;
  StoredMetadata stored = ReadStoredMetadata(array->attributes(), array->info().shape);
  Result<Axes> axes = ChooseAxes(array->info().shape, options.index, options.axes);
  if (!axes.ok()) return axes.status().At(path);
  const std::shared_ptr<const Attributes> attributes(array, array->attributes());
  std::shared_ptr<ArrayDataset> level(new ArrayDataset(
      std::move(array), std::move(*axes), attributes, std::move(stored), options, GA_ReadOnly));
  level->SetDescription(path.c_str());
  level->PamInitialize();
  {
    const CPLErrorHandlerPusher quiet(CPLQuietErrorHandler);
    if (level->AddBands() != CE_None)
      return Status(StatusCode::kNotSupported, CPLGetLastErrorMsg());
  }
  level->DescribeStructure();
  level->LoadStoredPam();
  level->oOvManager.Initialize(level.get(), ":::VIRTUAL:::");
  level->has_unread_mask_ = options.index.empty() && StoredMask::IsIn(level->io_.array());
  level->found_beside_ = true;
  level->is_level_ = true;
  return level;
}

void ArrayDataset::FindLevels() {
  const std::lock_guard<std::recursive_mutex> lock(lazy_mutex_);
  if (!open_coarser_ || knows_levels_) return;
  knows_levels_ = true;
  const bool done = Guarded(false, [&] {
    Result<std::vector<std::shared_ptr<Array>>> arrays = open_coarser_();
    Status status = arrays.status();
    for (size_t i = 0; status.ok() && i < arrays->size(); ++i) {
      const CPLErrorStateBackuper errors_so_far;
      Result<std::shared_ptr<ArrayDataset>> level = OpenLevel((*arrays)[i]);
      if (!level.ok()) {
        status = level.status();
      } else if (!IsCoarser(*this, **level)) {
        status = Mismatch(StatusCode::kCorrupt, "size", SizeText(**level),
                          "one like " + SizeText(*this) + " in fewer pixels")
                     .At((*arrays)[i]->path());
      } else {
        levels_.push_back(std::move(*level));
      }
    }
    std::stable_sort(levels_.begin(), levels_.end(),
                     [](const auto& a, const auto& b) { return Pixels(*a) > Pixels(*b); });
    if (!status.ok()) {
      levels_.clear();
      ReportWarning(status.message() + "; the levels of the pyramid are ignored");
    }
    return true;
  });
  if (!done) levels_.clear();
  for (const auto& level : levels_) level->TakeNoData(*this);
}

// A level's pixels are those of its raster.
void ArrayDataset::TakeNoData(ArrayDataset& finest) {
  for (int number = 1; number <= nBands; ++number) {
    GDALRasterBand& from = *finest.GetRasterBand(number);
    GDALRasterBand& to = *GetRasterBand(number);
    int has = FALSE;
    to.GetNoDataValue(&has);
    if (has != FALSE) continue;
    if (from.GetRasterDataType() == GDT_Int64) {
      const int64_t value = from.GetNoDataValueAsInt64(&has);
      if (has != FALSE) to.SetNoDataValueAsInt64(value);
    } else if (from.GetRasterDataType() == GDT_UInt64) {
      const uint64_t value = from.GetNoDataValueAsUInt64(&has);
      if (has != FALSE) to.SetNoDataValueAsUInt64(value);
    } else {
      const double value = from.GetNoDataValue(&has);
      if (has != FALSE) to.SetNoDataValue(value);
    }
  }
  nPamFlags &= ~GPF_DIRTY;
}

// Overviews in an archive, which is open for update: it is written anew, and this dataset shows the
// new ones. Others beside it, which nobody would see any more, go.
CPLErr ArrayDataset::BuildLevels(const char* resampling, int count, const int* factors,
                                 int band_count, const ProgressFn& progress) {
  FindLevels();
  const CPLErr built = Guarded(CE_Failure, [&] {
    if (count == 0 && levels_.empty()) return CE_None;
    if (count > 0 && band_count != nBands) {
      return Report(Mismatch(StatusCode::kNotSupported, "bands", std::to_string(band_count),
                             "all " + std::to_string(nBands) + ", which are in one array")
                        .At(file_path()));
    }
    const Status status = build_levels_(*this, count > 0 ? resampling : "NEAREST",
                                        {factors, factors + count}, progress);
    if (!status.ok()) return Report(status);
    file_ = NamedFile(file_path());  // which has the same pixels
    // Somebody may still have bands of them.
    std::move(levels_.begin(), levels_.end(), std::back_inserter(old_levels_));
    levels_.clear();
    knows_levels_ = false;
    return CE_None;
  });
  if (built != CE_None || oOvManager.GetOverviewCount(1) == 0) return built;
  return GDALPamDataset::IBuildOverviews("NONE", 0, nullptr, 0, nullptr, GDALDummyProgress, nullptr,
                                         nullptr);
}

// Whether there can be overviews beside the file: where it has some, nobody would see them.
Status ArrayDataset::CheckOverviewsBeside(int count) {
  FindLevels();
  if (!levels_.empty() && (count > 0 || oOvManager.GetOverviewCount(1) == 0)) {
    return Mismatch(StatusCode::kNotSupported, "overviews",
                    std::to_string(levels_.size()) + " in the file",
                    "none, or a dataset that is open for update (gdaladdo without -ro)")
        .At(file_path());
  }
  if (count > 0 && IsVirtualPath(file_path()) &&
      VSISupportsRandomWrite(file_path().c_str(), TRUE) == 0) {
    return Mismatch(StatusCode::kNotSupported, "file system",
                    "one where files are not written freely",
                    "one where " + file_path() + ".ovr can be")
        .At(file_path());
  }
  return {};
}

int ArrayBand::GetOverviewCount() {
  dataset().FindLevels();
  if (!dataset().levels_.empty()) return static_cast<int>(dataset().levels_.size());
  dataset().FindOverviewsAndMasks();
  return GDALPamRasterBand::GetOverviewCount();
}

GDALRasterBand* ArrayBand::GetOverview(int level) {
  dataset().FindLevels();
  const auto& levels = dataset().levels_;
  GDALRasterBand* overview = nullptr;
  if (!levels.empty()) {
    if (level < 0 || static_cast<size_t>(level) >= levels.size()) return nullptr;
    ArrayDataset& coarser = *levels[static_cast<size_t>(level)];
    overview = coarser.GetRasterBand(nBand);
    if (StoredMask::IsIn(coarser.io().array())) return overview;
  } else {
    dataset().FindOverviewsAndMasks();
    overview = GDALPamRasterBand::GetOverview(level);
  }
  StoredMask* const stored = dataset().FindStoredMask(nBand);
  return stored != nullptr ? stored->WithMask(overview, nBand) : overview;
}

}  // namespace ndarray
