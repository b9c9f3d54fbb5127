// The masks of an ArrayDataset: those beside the file (.msk), then the one in it, then GDAL's own
// rule.

#include <mutex>
#include <utility>

#include "driver/raster/dataset/array_band.h"
#include "driver/raster/dataset/array_dataset.h"
#include "driver/raster/gdal_error.h"

namespace ndarray {
namespace {

// Says for the time being that who asks for the nodata value makes a mask of it. (Before GDAL 3.7
// masks compare the bytes of int8.)
class AskingMask {
 public:
  explicit AskingMask(bool& asking) : asking_(asking) { asking_ = true; }
  ~AskingMask() { asking_ = false; }
  AskingMask(const AskingMask&) = delete;
  AskingMask& operator=(const AskingMask&) = delete;

 private:
  bool& asking_;
};

}  // namespace

// GDAL puts off looking for overviews and masks beside the file, and may then find those of
// another one, which has taken the name: these are not shown.
void ArrayDataset::FindOverviewsAndMasks() {
  const std::lock_guard<std::recursive_mutex> lock(lazy_mutex_);
  if (found_beside_) return;
  found_beside_ = true;
  oOvManager.IsInitialized();
  oOvManager.HaveMaskFile();
  if (IsStillNamed()) return;
  oOvManager.CloseDependentDatasets();
  oOvManager.Initialize(this, ":::VIRTUAL:::");
}

// nullptr where there is none, or where it cannot be read: pixels can be read all the same.
StoredMask* ArrayDataset::OpenStoredMask() {
  if (!has_unread_mask_) return mask_.get();
  has_unread_mask_ = false;
  return Guarded<StoredMask*>(nullptr, [this] {
    Result<std::unique_ptr<StoredMask>> mask = StoredMask::Open(io_.array(), *this, max_threads_);
    if (mask.ok()) {
      mask_ = std::move(*mask);
    } else {
      ReportWarning(mask.status().message() + "; the mask is ignored");
    }
    return mask_.get();
  });
}

// nullptr, too, where one beside the file counts for more.
StoredMask* ArrayDataset::FindStoredMask(int band) {
  if (!has_unread_mask_ && mask_ == nullptr) return nullptr;
  if (oOvManager.HaveMaskFile() && oOvManager.GetMaskBand(band) != nullptr) return nullptr;
  return OpenStoredMask();
}

// `band` 0: one mask for all bands, which goes into the file.
CPLErr ArrayDataset::CreateMask(int flags, int band) {
  if (IsShared()) {  // and others would read it while it is written
    return Report(Mismatch(StatusCode::kNotSupported, "new mask",
                           "a dataset opened with GDAL_OF_THREAD_SAFE", "one opened without it")
                      .At(io_.array().path()));
  }
  FindOverviewsAndMasks();
  const auto create_beside = [&] {
    if (!IsStillNamed()) return ReportReplaced("there is no place for a mask");
    return band == 0 ? GDALPamDataset::CreateMaskBand(flags)
                     : GetRasterBand(band)->GDALRasterBand::CreateMaskBand(flags);
  };
  if (!KeepsMetadata() || oOvManager.HaveMaskFile()) {
    // Overviews of a mask in the file would be taken for the new one's.
    StoredMask* const hidden = oOvManager.HaveMaskFile() ? nullptr : OpenStoredMask();
    if (hidden != nullptr && hidden->BuildOverviews("NONE", 0, nullptr, GDALDummyProgress, nullptr,
                                                    nullptr) != CE_None) {
      return CE_Failure;
    }
    return create_beside();
  }
  const int kind = flags & GMF_PER_DATASET;
  if (const StoredMask* const stored = OpenStoredMask()) {
    if (stored->flags() == kind) return CE_None;
    return Report(Mismatch(StatusCode::kNotSupported, "mask",
                           kind != 0 ? "one for all bands" : "one for each band",
                           kind != 0 ? "one for each band, as the file has"
                                     : "one for all bands, as the file has")
                      .At(io_.array().path()));
  }
  if (kind == 0) return create_beside();
  return Guarded(CE_Failure, [&] {
    Result<std::unique_ptr<StoredMask>> mask =
        StoredMask::Create(*io_.writable(), *this, max_threads_);
    if (mask.status().code() == StatusCode::kNotSupported) return create_beside();  // no room
    if (!mask.ok()) return Report(mask.status());
    mask_ = std::move(*mask);
    return CE_None;
  });
}

CPLErr ArrayDataset::CreateMaskBand(int flags) { return CreateMask(flags, 0); }

GDALRasterBand* ArrayBand::GetMaskBand() {
  dataset().FindOverviewsAndMasks();
  const std::lock_guard<std::recursive_mutex> lock(dataset().lazy_mutex_);
  if (const StoredMask* const stored = dataset().FindStoredMask(nBand)) return stored->Band(nBand);
  const AskingMask asking(mask_asks_);
  GDALRasterBand* const mask = GDALPamRasterBand::GetMaskBand();
  if (GDALPamRasterBand::GetMaskFlags() != GMF_ALL_VALID) return mask;
  if (all_valid_ == nullptr) {
    all_valid_ =
        std::make_unique<AllValidMask>(nRasterXSize, nRasterYSize, nBlockXSize, nBlockYSize);
  }
  return all_valid_.get();
}

int ArrayBand::GetMaskFlags() {
  dataset().FindOverviewsAndMasks();
  const std::lock_guard<std::recursive_mutex> lock(dataset().lazy_mutex_);
  if (const StoredMask* const stored = dataset().FindStoredMask(nBand)) return stored->flags();
  const AskingMask asking(mask_asks_);
  GDALPamRasterBand::GetMaskBand();  // finds out whether nodata has changed; the flags alone do not
  return GDALPamRasterBand::GetMaskFlags();
}

CPLErr ArrayBand::CreateMaskBand(int flags) { return dataset().CreateMask(flags, nBand); }

}  // namespace ndarray
