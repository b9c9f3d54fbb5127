#include "driver/raster/dataset/array_dataset.h"

#include <cpl_conv.h>

#include <algorithm>
#include <climits>

#include "driver/raster/files/checksum_file.h"
#include "driver/raster/gdal_error.h"
#include "driver/raster/gdal_progress.h"
#include "driver/raster/image_structure.h"
#include "driver/raster/metadata/joined_attributes.h"
#include "driver/raster/metadata/sidecar.h"

namespace ndarray {
namespace {

// What a file's sidecar says of its axes. It may be left of another array of that name.
std::string AxesInSidecar(const CPLXMLNode* pam, const AxisVector& shape) {
  const char* const axes = PamMetadataItem(pam, "AXES", kMetadataDomain);
  const char* const of_shape = PamMetadataItem(pam, "SHAPE", kMetadataDomain);
  const bool fits = of_shape == nullptr || ShapeString(shape) == of_shape;
  return axes != nullptr && fits ? axes : "";
}

Result<Axes> AxesOf(const CPLXMLNode* pam, const Array& array, const std::string& stored,
                    const ArrayDataset::Options& options) {
  const AxisVector& shape = array.info().shape;
  const bool ambiguous =
      options.index.empty() && shape.size() > 1 && shape.size() <= kMaxRasterAxes;
  if (options.axes.empty() && ambiguous) {
    std::string remembered = AxesInSidecar(pam, shape);
    if (remembered.empty()) remembered = stored;
    if (!remembered.empty()) {
      Result<Axes> axes = ChooseAxes(shape, options.index, remembered);
      if (axes.ok()) return axes;
      ReportWarning(array.path() + ": remembered axes are ignored: " + axes.status().message());
    }
  }
  return ChooseAxes(shape, options.index, options.axes);
}

// Those of the array, which they keep open, before those of the groups around it.
std::shared_ptr<const Attributes> AttributesOf(const std::shared_ptr<Array>& array,
                                               const ArrayDataset::Options& options) {
  const std::shared_ptr<const Attributes> own(array, array->attributes());
  if (options.inherited == nullptr) return own;
  std::vector<std::shared_ptr<const Attributes>> lists = {options.inherited};
  if (own != nullptr) lists.insert(lists.begin(), own);
  return std::make_shared<JoinedAttributes>(std::move(lists));
}

// What is reported of a part of the work that begins and ends at these shares of all.
class ScaledProgress {
 public:
  ScaledProgress(double begin, double end, GDALProgressFunc progress, void* progress_data)
      : data_(GDALCreateScaledProgress(begin, end, progress, progress_data)) {}
  ~ScaledProgress() { GDALDestroyScaledProgress(data_); }
  ScaledProgress(const ScaledProgress&) = delete;
  ScaledProgress& operator=(const ScaledProgress&) = delete;

  void* data() const { return data_; }

 private:
  void* const data_;
};

}  // namespace

std::unique_ptr<ArrayDataset> ArrayDataset::Open(GDALOpenInfo* open_info,
                                                 std::shared_ptr<Array> array,
                                                 const Options& options) {
  const std::string path = options.file.path().empty() ? array->path() : options.file.path();
  const bool is_part = !options.index.empty() || !options.part.empty();
  const std::shared_ptr<const Attributes> attributes = AttributesOf(array, options);
  StoredMetadata stored = ReadStoredMetadata(attributes.get(), array->info().shape);
  CPLStringList sidecars = SidecarNames(*open_info, path);
  // A part of the file has a part of the sidecar, which GDAL finds.
  const XmlTree pam = is_part ? nullptr : ReadPam(path, sidecars);
  Result<Axes> axes = AxesOf(pam.get(), *array, stored.axes, options);
  if (!axes.ok()) {
    Report(axes.status().At(path));
    return nullptr;
  }
  std::unique_ptr<ArrayDataset> dataset(new ArrayDataset(std::move(array), std::move(*axes),
                                                         attributes, std::move(stored), options,
                                                         open_info->eAccess));
  // A name with the driver's prefix but no index is the file itself: sidecars are named after it.
  dataset->SetDescription(is_part ? open_info->pszFilename : path.c_str());
  if (is_part) {
    dataset->SetPhysicalFilename(path.c_str());
    const std::string index = options.index.empty() ? "" : ShapeString(options.index);
    dataset->SetSubdatasetName((options.part + index).c_str());
  }
  // While it has none: a band's part of it then waits until there is something to keep.
  dataset->PamInitialize();
  if (dataset->AddBands() != CE_None) return nullptr;
  dataset->DescribeStructure();
  dataset->LoadSidecars(open_info, sidecars, pam.get());
  return dataset;
}

ArrayDataset::ArrayDataset(std::shared_ptr<Array> array, Axes axes,
                           std::shared_ptr<const Attributes> attributes, StoredMetadata stored,
                           const Options& options, GDALAccess access)
    : io_(std::move(array), std::move(axes), options.max_threads),
      attributes_(std::move(attributes)),
      file_path_(options.file.path().empty() ? io_.array().path() : options.file.path()),
      is_part_(!options.index.empty() || !options.part.empty()),
      build_levels_(options.build_levels),
      open_coarser_(options.open_coarser),
      stored_(std::move(stored)),
      file_(options.file),
      root_group_(options.root_group),
      max_threads_(options.max_threads) {
  const AxisVector& shape = io_.array().info().shape;
  eAccess = access;
  if (access == GA_Update) update_mutex_ = std::make_shared<std::recursive_mutex>();
  nRasterXSize = static_cast<int>(io_.axes().Count(shape, io_.axes().x));
  nRasterYSize = static_cast<int>(io_.axes().Count(shape, io_.axes().y));
}

// While bands can still write their blocks.
ArrayDataset::~ArrayDataset() { Finish(); }

// The last flush, once: before GDAL's own closing, which may save a sidecar of what is unsaved
// then.
CPLErr ArrayDataset::Finish() {
  if (finished_) return CE_None;
  finished_ = true;
  return Flush(true);
}

#if NDARRAY_HAS_CLOSE
CPLErr ArrayDataset::Close(NDARRAY_CLOSE_PARAMETERS) {
  const CPLErr finished = Finish();
  const CPLErr closed = GDALPamDataset::Close(NDARRAY_CLOSE_ARGUMENTS);
  return finished == CE_None ? closed : finished;
}
#endif

bool ArrayDataset::ChangeFill(const std::vector<std::byte>& from,
                              const std::vector<std::byte>& to) {
  const auto before = fills_.find(from);
  if (before != fills_.end() && --before->second == 0) fills_.erase(before);
  return ++fills_[to] == nBands;
}

void ArrayDataset::DescribeStructure() {
  const ArrayInfo& info = io_.array().info();
  image_structure_ = ImageStructure(info);
  image_structure_.SetNameValue("AXES", axes_name().c_str());
  const char* const interleave = info.is_record && info.fields.size() > 1
                                     ? "PIXEL"
                                     : io_.axes().Interleave(info.fortran_order);
  image_structure_.SetNameValue("INTERLEAVE", interleave);
}

void ArrayDataset::LoadSidecars(GDALOpenInfo* open_info, CPLStringList& sidecars, CPLXMLNode* pam) {
  const std::string& path = file_path();
  LoadStoredPam();
  ShowAttributes(stored_.shown);
  LoadPam(pam, sidecars);
  // Overviews and masks of a subdataset are those that its part of the sidecar names.
  oOvManager.Initialize(this, is_part_ ? ":::VIRTUAL:::" : path.c_str(),
                        is_part_ ? nullptr : sidecars.List());
  has_unread_mask_ = io_.axes().index.empty() && StoredMask::IsIn(io_.array());
  // Overviews and masks beside it are datasets of other drivers, and a mask in it is a band with a
  // block cache of GDAL's: neither is safe to share, and GDAL then opens one dataset per thread.
  // Nothing is promised that was not asked for, and the promise never changes: GDAL finds shared
  // datasets again by their flags.
  if ((open_info->nOpenFlags & kThreadSafeFlag) == 0 || eAccess != GA_ReadOnly) return;
  FindOverviewsAndMasks();
  FindLevels();
  const bool masked_level = std::any_of(levels_.begin(), levels_.end(),
                                        [](const auto& level) { return level->has_unread_mask_; });
  if (oOvManager.GetOverviewCount(1) == 0 && !oOvManager.HaveMaskFile() && !has_unread_mask_ &&
      !masked_level) {
    nOpenFlags = GDAL_OF_RASTER | kThreadSafeFlag;
    for (const auto& level : levels_) level->nOpenFlags = nOpenFlags;
  }
}

CPLErr ArrayDataset::Transfer(const WindowRequest& request, const int* band_numbers, int count,
                              const GDALRasterIOExtraArg* extra) {
  return Guarded(CE_Failure, [&] {
    const auto lock = LockForUpdate();
    if (count == 0) return CE_None;
    // Neighbours, as most bands are, have their sources one after the other.
    const BandSource* sources = &sources_[static_cast<size_t>(band_numbers[0] - 1)];
    std::vector<BandSource> others;
    for (int i = 0; i < count; ++i) {
      const int band = band_numbers[i] - 1;
      // Blocks written through GDAL's cache come first, and none may be stale afterwards.
      if (eAccess == GA_Update && papoBands[band]->FlushCache(false) != CE_None) return CE_Failure;
      if (others.empty() && band != band_numbers[0] - 1 + i) others.assign(sources, sources + i);
      if (band != band_numbers[0] - 1 + i || !others.empty()) {
        others.push_back(sources_[static_cast<size_t>(band)]);
      }
    }
    if (!others.empty()) sources = others.data();
    const ProgressFn progress =
        extra != nullptr ? FromGdal(extra->pfnProgress, extra->pProgressData) : ProgressFn();
    return Report(io_.Transfer(request, sources, count, progress));
  });
}

CPLErr ArrayDataset::IRasterIO(GDALRWFlag direction, int x, int y, int width, int height,
                               void* data, int buffer_width, int buffer_height, GDALDataType type,
                               int band_count, BANDMAP_TYPE band_numbers, GSpacing pixel_space,
                               GSpacing line_space, GSpacing band_space,
                               GDALRasterIOExtraArg* extra) {
  if (!IsPlainRequest(x, y, width, height, buffer_width, buffer_height, extra)) {
    return GDALPamDataset::IRasterIO(direction, x, y, width, height, data, buffer_width,
                                     buffer_height, type, band_count, band_numbers, pixel_space,
                                     line_space, band_space, extra);
  }
  const WindowRequest request{direction, x,    y,           width,      height,
                              data,      type, pixel_space, line_space, band_space};
  return Transfer(request, band_numbers, band_count, extra);
}

CPLErr ArrayDataset::AdviseRead(int x, int y, int width, int height, int, int, GDALDataType,
                                int band_count, int* band_numbers, StringList) {
  const int64_t indexes = io_.axes().Count(io_.array().info().shape, io_.axes().band);
  if (band_numbers == nullptr || band_count == nBands) {
    io_.array().Prefetch(io_.WindowBox(x, y, width, height, 0, indexes));
    return CE_None;
  }
  for (int i = 0; i < band_count; ++i) {
    const int64_t index = sources_[static_cast<size_t>(band_numbers[i] - 1)].index;
    io_.array().Prefetch(io_.WindowBox(x, y, width, height, index, index + 1));
  }
  return CE_None;
}

CPLErr ArrayDataset::Flush(bool at_closing) {
  const CPLErr result = FlushPam(*this, at_closing);
  if (io_.writable() == nullptr) return result;
  const auto lock = LockForUpdate();
  const CPLErr mask = mask_ != nullptr ? mask_->Flush() : CE_None;
  // Whatever became of the rest, pixels are written.
  if (Report(io_.writable()->Flush()) != CE_None || mask != CE_None) return CE_Failure;
  RemoveOldSidecar();
  return result;
}

FlushResult ArrayDataset::FlushCache(bool at_closing) {
  return static_cast<FlushResult>(Flush(at_closing));
}

CPLErr ArrayDataset::ReportReplaced(const char* consequence) const {
  return Report(
      Status(StatusCode::kIo,
             file_path() + ": another file has taken its name, or none has it: " + consequence));
}

CPLErr ArrayDataset::IBuildOverviews(const char* resampling, int count, const int* factors,
                                     int band_count, const int* band_numbers,
                                     GDALProgressFunc progress, void* progress_data,
                                     CSLConstList options) {
  FindOverviewsAndMasks();
  if (!IsStillNamed()) return ReportReplaced("it can have no overviews");
  if (build_levels_) {
    return BuildLevels(resampling, count, factors, band_count, FromGdal(progress, progress_data));
  }
  const Status beside = CheckOverviewsBeside(count);
  if (!beside.ok()) return Report(beside);
  if (IsShared()) {
    // They are bands of another driver, which threads must not share: this dataset does without.
    const char* const drivers[] = {GetDriverName(), nullptr};
    const std::unique_ptr<GDALDataset> apart(GDALDataset::Open(
        GetDescription(), GDAL_OF_RASTER | GDAL_OF_INTERNAL | GDAL_OF_VERBOSE_ERROR, drivers,
        GetOpenOptions()));
    if (apart == nullptr) return CE_Failure;
    return apart->BuildOverviews(resampling, count, factors, band_count, band_numbers, progress,
                                 progress_data, options);
  }
  double begin = 0;
  // First those of the mask: the raster's are made with them, level by level.
  if (StoredMask* const stored = FindStoredMask(1)) {
    begin = 1.0 / (band_count + 1);
    const ScaledProgress scaled(0, begin, progress, progress_data);
    const CPLErr built = stored->BuildOverviews(resampling, count, factors, GDALScaledProgress,
                                                scaled.data(), options);
    if (built != CE_None) return built;
  }
  const ScaledProgress scaled(begin, 1, progress, progress_data);
  return GDALPamDataset::IBuildOverviews(resampling, count, factors, band_count, band_numbers,
                                         GDALScaledProgress, scaled.data(), options);
}

char** ArrayDataset::GetFileList() {
  CPLStringList files(GDALPamDataset::GetFileList());
  const char* const path = file_path().c_str();
  if (files.FindString(path) < 0) files.InsertString(0, path);
  const std::string mask_overviews = std::string(path) + ".msk.ovr";
  VSIStatBufL about;
  const std::string checksum = std::string(path) + kChecksumSuffix;
  if (io_.array().info().raw && VSIStatExL(checksum.c_str(), &about, VSI_STAT_EXISTS_FLAG) == 0) {
    files.AddString(checksum.c_str());
  }
  if ((has_unread_mask_ || mask_ != nullptr) && files.FindString(mask_overviews.c_str()) < 0 &&
      VSIStatExL(mask_overviews.c_str(), &about, VSI_STAT_EXISTS_FLAG) == 0) {
    files.AddString(mask_overviews.c_str());
  }
  return files.StealList();
}

}  // namespace ndarray
