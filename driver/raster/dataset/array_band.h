// One band of an ArrayDataset.
#ifndef GDAL_NDARRAY_RASTER_DATASET_ARRAY_BAND_H_
#define GDAL_NDARRAY_RASTER_DATASET_ARRAY_BAND_H_

#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

#include "driver/raster/dataset/array_dataset.h"
#include "driver/raster/mask/all_valid_mask.h"

namespace ndarray {

// Where the pixels of a band lie in its file, for programs that map it.
struct BandLayout {
  DType dtype;
  uint64_t offset_bytes;
  int64_t pixel_space;
  int64_t line_space;
};

class ArrayBand final : public GDALPamRasterBand {
 public:
  // A file may have very many: a band takes and does no more than it must until it is used.
  ArrayBand(ArrayDataset* dataset, int number, const BandSource& source, int block_width,
            int block_height, bool forces_caching);

  const BandSource& source() const { return source_; }

  // As a sidecar says it of a band.
  void TakePam(CPLXMLNode* band) { XMLInit(band, ""); }

  // Absent where elements are compressed, or of a type that this version of GDAL has not.
  std::optional<BandLayout> Layout() const;

  CPLErr AdviseRead(int x, int y, int width, int height, int buffer_width, int buffer_height,
                    GDALDataType type, StringList options) override;
  // What somebody chose, else what the shape of the array says (colors.h).
  GDALColorInterp GetColorInterpretation() override;
  CPLErr SetColorInterpretation(GDALColorInterp color) override;
  MetadataList GetMetadata(const char* domain = "") override;
  const char* GetMetadataItem(const char* name, const char* domain = "") override;

  // A map of the file itself where Layout() is there, byte order is native and the file is local;
  // elsewhere memory whose pages are read when they are touched, or nullptr where
  // USE_DEFAULT_IMPLEMENTATION=NO. Both outlive the dataset.
  CPLVirtualMem* GetVirtualMemAuto(GDALRWFlag direction, int* pixel_space, GIntBig* line_space,
                                   StringList options) override;

  GDALRasterBand* GetMaskBand() override;
  int GetMaskFlags() override;
  CPLErr CreateMaskBand(int flags) override;
  // As pixels have it (nodata.h), no matter how it was stored.
  double GetNoDataValue(int* has_value = nullptr) override;
  // Unwritten pixels of a new file take the value.
  CPLErr SetNoDataValue(double value) override;
  CPLErr SetNoDataValueAsInt64(int64_t value) override;
  CPLErr SetNoDataValueAsUInt64(uint64_t value) override;
  CPLErr DeleteNoDataValue() override;
  int GetOverviewCount() override;
  GDALRasterBand* GetOverview(int level) override;
  CPLErr FlushCache(bool at_closing = false) override;
#if NDARRAY_HAS_THREAD_SAFE_DATASETS
  GDALRasterBlock* GetLockedBlockRef(int block_x, int block_y, int just_initialize) override;
  GDALRasterBlock* TryGetLockedBlockRef(int block_x, int block_y) override;
  CPLErr FlushBlock(int block_x, int block_y, int write_dirty) override;
  CPLErr DropCache() override;
#endif

 protected:
  CPLErr IReadBlock(int block_x, int block_y, void* data) override;
  CPLErr IWriteBlock(int block_x, int block_y, void* data) override;
  // Empty is what was never written, and what is known to be nodata, or transparent and zero:
  // a program that leaves it out loses nothing. Zeros alone may be data.
  int IGetDataCoverageStatus(int x, int y, int width, int height, int stop_at,
                             double* data_percent) override;
  CPLErr IRasterIO(GDALRWFlag direction, int x, int y, int width, int height, void* data,
                   int buffer_width, int buffer_height, GDALDataType type, GSpacing pixel_space,
                   GSpacing line_space, GDALRasterIOExtraArg* extra) override;

 private:
  ArrayDataset& dataset() const { return *static_cast<ArrayDataset*>(poDS); }
  CPLErr TransferBlock(GDALRWFlag direction, int block_x, int block_y, void* data);
  GDALColorInterp ColorByShape();
  std::optional<std::vector<std::byte>> EmptyElement(ArrayBand** alpha);
  bool IsWalkedOver(int block_x, int block_y, const void* data);
  CPLErr ReadGroup(int block_x, int block_y, void* data);
  CPLErr FillUnwritten(const void* value, GDALDataType type);
  // nullptr where the file cannot be mapped; if it `may_fail`, without a GDAL error.
  CPLVirtualMem* MapFile(GDALRWFlag direction, int* pixel_space, GIntBig* line_space,
                         bool may_fail);
  CPLVirtualMem* EmulateMap(GDALRWFlag direction, int* pixel_space, GIntBig* line_space,
                            CSLConstList options);

  const BandSource source_;
  // Blocks that are read together: those of a read chunk.
  int group_columns_ = 1, group_lines_ = 1;
  std::atomic<int64_t> last_group_{-2};      // of which a block was read one by one
  std::unique_ptr<AllValidMask> all_valid_;  // once somebody has asked
  std::vector<std::byte> fill_;              // an element of nodata, once it has been set
  bool mask_asks_ = false;                   // GDAL's mask of nodata values is being made
};

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_DATASET_ARRAY_BAND_H_
