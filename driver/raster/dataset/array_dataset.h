// An array as a GDAL raster dataset. Knows nothing of file formats: all it shows comes from
// Array::info(); georeferencing and metadata are the file's own (Array::attributes), or live in
// GDAL's PAM sidecar (PATH.aux.xml), which overrides the file.
//
// Threads: a read-only dataset without overviews or masks that was opened with GDAL_OF_THREAD_SAFE
// (GDAL >= 3.10) is safe to share: pixels are read without a lock, GDAL's block cache of a band
// under one. It stays so: overviews that are built through it are not shown by it.
#ifndef GDAL_NDARRAY_RASTER_DATASET_ARRAY_DATASET_H_
#define GDAL_NDARRAY_RASTER_DATASET_ARRAY_DATASET_H_

#include <cpl_string.h>

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "driver/raster/files/named_file.h"
#include "driver/raster/gdal_compat.h"
#include "driver/raster/mask/stored_mask.h"
#include "driver/raster/metadata/stored_metadata.h"
#include "driver/raster/reserved_names.h"
#include "driver/raster/window_io.h"
#include "driver/store/array.h"

namespace ndarray {

class ArrayDataset final : public GDALPamDataset {
 public:
  using LevelBuilder =
      std::function<Status(const ArrayDataset& raster, const std::string& method,
                           const std::vector<int>& factors, const ProgressFn& progress)>;

  struct Options {
    AxisVector index;     // of the leading axes; empty: the whole array
    std::string axes;     // of the user; empty: what the file remembers, else the rule
    int max_threads = 1;  // for one window
    NamedFile file;       // the array's, as it was named before it was opened
    // Of an array in an archive: its name, unless the archive itself stands for it; what it has
    // from the groups around it; and what opens the same in fewer pixels, called when overviews are
    // first asked for, and again when others were built.
    std::string part;
    std::shared_ptr<const Attributes> inherited;
    std::function<Result<std::vector<std::shared_ptr<Array>>>()> open_coarser;
    // Of the same file, for programs that ask for either; nullptr: only a raster was asked for.
    std::shared_ptr<GDALGroup> root_group;
    // Writes these overviews into the archive, in place of others, which is another file then, and
    // has open_coarser open those; empty: they go beside it.
    LevelBuilder build_levels;
  };

  // Opens the raster that options choose of the array, with its sidecars. The dataset's name and
  // access are those of open_info. nullptr after one GDAL error.
  static std::unique_ptr<ArrayDataset> Open(GDALOpenInfo* open_info, std::shared_ptr<Array> array,
                                            const Options& options);

  ~ArrayDataset() override;

  // Whether its file still has its name, so that what is beside that name belongs to it.
  bool IsStillNamed() const { return file_.IsStillNamed(); }

  const WindowIo& io() const { return io_; }
  int max_threads() const { return max_threads_; }
  const std::string& axes_name() const { return io_.axes().name; }
  // In the file itself: it was written, or at least updated, by us.
  bool remembers_axes() const { return !stored_.axes.empty(); }

  // The path shared by RasterIO of the dataset and of a band, once resampling is ruled out.
  CPLErr Transfer(const WindowRequest& request, const int* band_numbers, int count,
                  const GDALRasterIOExtraArg* extra);

  CPLErr AdviseRead(int x, int y, int width, int height, int buffer_width, int buffer_height,
                    GDALDataType type, int band_count, int* band_numbers,
                    StringList options) override;
  // In update mode the sidecar is written at once. QGIS would take one that appears only when the
  // dataset is closed for its own statistics, and delete it.
  CPLErr SetSpatialRef(const OGRSpatialReference* crs) override;
  const OGRSpatialReference* GetSpatialRef() const override;
  CPLErr GetGeoTransform(GeoTransformResult transform) NDARRAY_CONST_GETTER override;
  CPLErr SetGeoTransform(NewGeoTransform transform) override;
  FlushResult FlushCache(bool at_closing = false) override;
#if NDARRAY_HAS_CLOSE
  CPLErr Close(NDARRAY_CLOSE_PARAMETERS) override;
#endif
  CPLErr CreateMaskBand(int flags) override;
  char** GetFileList() override;
  MetadataList GetMetadata(const char* domain = "") override;
  const char* GetMetadataItem(const char* name, const char* domain = "") override;
  CPLErr SetMetadataItem(const char* name, const char* value, const char* domain = "") override;
  char** GetMetadataDomainList() override;
  bool GetRawBinaryLayout(RawBinaryLayout& layout) override;
  std::shared_ptr<GDALGroup> GetRootGroup() const override { return root_group_; }

 protected:
  CPLErr TrySaveXML() override;
  CPLErr IBuildOverviews(const char* resampling, int count, const int* factors, int band_count,
                         const int* band_numbers, GDALProgressFunc progress, void* progress_data,
                         CSLConstList options) override;
  CPLErr IRasterIO(GDALRWFlag direction, int x, int y, int width, int height, void* data,
                   int buffer_width, int buffer_height, GDALDataType type, int band_count,
                   BANDMAP_TYPE band_numbers, GSpacing pixel_space, GSpacing line_space,
                   GSpacing band_space, GDALRasterIOExtraArg* extra) override;

 private:
  friend class ArrayBand;

  ArrayDataset(std::shared_ptr<Array> array, Axes axes,
               std::shared_ptr<const Attributes> attributes, StoredMetadata stored,
               const Options& options, GDALAccess access);
  void LoadStoredPam();
  void ShowAttributes(const std::vector<ShownAttribute>& shown);
  const OGRSpatialReference* FindStoredCrs();
  StoredMask* OpenStoredMask();
  StoredMask* FindStoredMask(int band);
  CPLErr CreateMask(int flags, int band);
  void FindOverviewsAndMasks();
  CPLErr BuildLevels(const char* resampling, int count, const int* factors, int band_count,
                     const ProgressFn& progress);
  Status CheckOverviewsBeside(int count);
  void FindLevels();
  Result<std::shared_ptr<ArrayDataset>> OpenLevel(std::shared_ptr<Array> array);
  void TakeNoData(ArrayDataset& finest);
  // Of the file that has the array, as the system or GDAL knows it.
  const std::string& file_path() const { return file_path_; }
  CPLErr ReportReplaced(const char* consequence) const;
  bool KeepsMetadata() const;
  void RemoveOldSidecar();
  CPLErr AddBands();
  int BlockSide(int axis, int raster_side) const;
  CPLErr SaveSidecarAfter(CPLErr result);
  CPLErr SaveSidecar();
  CPLErr Flush(bool at_closing);
  CPLErr Finish();
  // Emulated maps of bands move pixels on a thread of GDAL's. Free, and no lock, where read-only.
  std::unique_lock<std::recursive_mutex> LockForUpdate() const {
    return update_mutex_ != nullptr ? std::unique_lock<std::recursive_mutex>(*update_mutex_)
                                    : std::unique_lock<std::recursive_mutex>();
  }
  void LoadSidecars(GDALOpenInfo* open_info, CPLStringList& sidecars, CPLXMLNode* pam);
  void LoadPam(CPLXMLNode* pam, CPLStringList& sidecars);
  // Whether several threads may read from it.
  bool IsShared() const { return (nOpenFlags & kThreadSafeFlag) != 0; }
  void DescribeStructure();
  CPLErr TakeChunks(const char* request);
  bool HasDetails() const { return io_.array().chunked() != nullptr; }
  CPLStringList& CurrentDetails();
  // A band's value for what was never written; whether all bands now have it.
  bool ChangeFill(const std::vector<std::byte>& from, const std::vector<std::byte>& to);

  WindowIo io_;
  // Of the array and the groups around it.
  const std::shared_ptr<const Attributes> attributes_;
  const std::string file_path_;
  const bool is_part_;     // of the file: its part of the sidecar is its own
  bool is_level_ = false;  // of another dataset, which sees to all that is no pixels
  std::vector<std::shared_ptr<ArrayDataset>> levels_;  // the same in fewer pixels, largest first
  bool knows_levels_ = false;
  std::vector<std::shared_ptr<ArrayDataset>> old_levels_;  // that were replaced
  const LevelBuilder build_levels_;
  const std::function<Result<std::vector<std::shared_ptr<Array>>>()> open_coarser_;
  std::vector<BandSource> sources_;  // of bands, by their numbers less one
  StoredMetadata stored_;
  bool knows_crs_ = false;
  std::unique_ptr<OGRSpatialReference> crs_;  // of stored_
  NamedFile file_;
  const std::shared_ptr<GDALGroup> root_group_;
  bool stored_in_file_ = false;  // with the next flush
  bool finished_ = false;
  const int max_threads_;
  bool found_beside_ = false;                    // overviews and masks
  bool has_unread_mask_ = false;                 // in the file
  std::unique_ptr<StoredMask> mask_;             // once somebody has asked
  std::map<std::vector<std::byte>, int> fills_;  // how many bands have which value
  CPLStringList image_structure_;
  std::map<std::thread::id, CPLStringList> details_;  // of each thread, until it asks again
  CPLStringList derived_subdatasets_;
  bool knows_derived_subdatasets_ = false;
  // In thread-safe datasets, guards what is made lazily (block caches, mask bands, CRS, some
  // metadata).
  std::recursive_mutex lazy_mutex_;
  // In datasets open for update; shared with the emulated maps, which may live longer.
  std::shared_ptr<std::recursive_mutex> update_mutex_;
};

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_DATASET_ARRAY_DATASET_H_
