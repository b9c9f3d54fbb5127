// One band of an ArrayDataset.
#ifndef GDAL_NDARRAY_RASTER_ARRAY_BAND_H_
#define GDAL_NDARRAY_RASTER_ARRAY_BAND_H_

#include <atomic>
#include <cstddef>
#include <optional>
#include <vector>

#include "driver/raster/all_valid_mask.h"
#include "driver/raster/array_dataset.h"

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
  ArrayBand(ArrayDataset* dataset, int number, const BandSource& source, int block_width,
            int block_height);

  const BandSource& source() const { return source_; }

  // Absent where elements are compressed, or of a type that this version of GDAL has not.
  std::optional<BandLayout> Layout() const;

  CPLErr AdviseRead(int x, int y, int width, int height, int buffer_width, int buffer_height,
                    GDALDataType type, StringList options) override;
  GDALColorInterp GetColorInterpretation() override;
  MetadataList GetMetadata(const char* domain = "") override;
  const char* GetMetadataItem(const char* name, const char* domain = "") override;

  // A map of the file itself, which outlives the dataset, where Layout() is there, byte order is
  // native and the file is local; elsewhere GDAL's page-fault emulation, or nullptr where
  // USE_DEFAULT_IMPLEMENTATION=NO.
  CPLVirtualMem* GetVirtualMemAuto(GDALRWFlag direction, int* pixel_space, GIntBig* line_space,
                                   StringList options) override;

  GDALRasterBand* GetMaskBand() override;
  int GetMaskFlags() override;
  CPLErr CreateMaskBand(int flags) override;
  // What was never written of a file that is new takes the value.
  CPLErr SetNoDataValue(double value) override;
  CPLErr SetNoDataValueAsInt64(int64_t value) override;
  CPLErr SetNoDataValueAsUInt64(uint64_t value) override;
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
  CPLErr IRasterIO(GDALRWFlag direction, int x, int y, int width, int height, void* data,
                   int buffer_width, int buffer_height, GDALDataType type, GSpacing pixel_space,
                   GSpacing line_space, GDALRasterIOExtraArg* extra) override;

 private:
  ArrayDataset& dataset() const { return *static_cast<ArrayDataset*>(poDS); }
  CPLErr TransferBlock(GDALRWFlag direction, int block_x, int block_y, void* data);
  bool IsWalkedOver(int block_x, int block_y, const void* data);
  CPLErr ReadGroup(int block_x, int block_y, void* data);
  CPLErr FillUnwritten(const void* value, GDALDataType type);
  bool AllBandsFillAlike() const;
  CPLVirtualMem* MapFile(GDALRWFlag direction, int* pixel_space, GIntBig* line_space);

  const BandSource source_;
  // Blocks that are read together: those of a granule.
  int group_columns_ = 1, group_lines_ = 1;
  std::atomic<int64_t> last_group_{-2};  // of which a block was read one by one
  AllValidMask all_valid_;
  std::vector<std::byte> fill_;  // an element of nodata, once it is set
};

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_ARRAY_BAND_H_
