#include "driver/raster/mask/stored_mask.h"

#include <cpl_conv.h>
#include <cpl_string.h>
#include <gdal_proxy.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "driver/raster/gdal_error.h"
#include "driver/raster/gdal_types.h"

namespace ndarray {
namespace {

// Options for building overviews as the raster's are built (GDAL asks whether they are compressed),
// but without codecs for pictures, which would blur a mask.
CPLStringList LosslessOptions(CSLConstList options) {
  CPLStringList lossless(CSLDuplicate(options));
  const char* const codec =
      lossless.FetchNameValueDef("COMPRESS", CPLGetConfigOption("COMPRESS_OVERVIEW", "NONE"));
  for (const char* const name : {"JPEG", "WEBP", "JXL", "LERC", "LERC_DEFLATE", "LERC_ZSTD"}) {
    if (EQUAL(codec, name)) lossless.SetNameValue("COMPRESS", "DEFLATE");
  }
  lossless.SetNameValue("PHOTOMETRIC", "");
  return lossless;
}

}  // namespace

// A mask in fewer pixels.
class StoredMask::Overview final : public GDALRasterBand {
 public:
  Overview(GDALRasterBand& whole, int width, int height) : whole_(whole) {
    eDataType = GDT_Byte;
    nRasterXSize = width;
    nRasterYSize = height;
    whole.GetBlockSize(&nBlockXSize, &nBlockYSize);
  }

  bool IsMaskBand() const override { return true; }

 protected:
  // Not by way of RasterIO's own resampling, which would ask the overviews again.
  CPLErr IReadBlock(int block_x, int block_y, void* data) override {
    // As GDAL's nearest neighbour.
    const auto in_whole = [](int64_t at, int64_t whole, int64_t size) {
      return static_cast<int>((2 * at * whole + size) / (2 * size));
    };
    const int x = block_x * nBlockXSize;
    const int y = block_y * nBlockYSize;
    const int columns = std::min(nBlockXSize, nRasterXSize - x);
    const int lines = std::min(nBlockYSize, nRasterYSize - y);
    const int first = in_whole(x, whole_.GetXSize(), nRasterXSize);
    const int last = in_whole(x + columns - 1, whole_.GetXSize(), nRasterXSize);
    std::vector<GByte> line(static_cast<size_t>(last - first + 1));
    for (int i = 0; i < lines; ++i) {
      const CPLErr read = whole_.RasterIO(
          GF_Read, first, in_whole(y + i, whole_.GetYSize(), nRasterYSize), last - first + 1, 1,
          line.data(), last - first + 1, 1, GDT_Byte, 0, 0, nullptr);
      if (read != CE_None) return read;
      GByte* const to = static_cast<GByte*>(data) + int64_t{i} * nBlockXSize;
      for (int j = 0; j < columns; ++j) {
        to[j] = line[static_cast<size_t>(in_whole(x + j, whole_.GetXSize(), nRasterXSize) - first)];
      }
    }
    return CE_None;
  }

 private:
  GDALRasterBand& whole_;
};

class StoredMask::MaskBand final : public GDALRasterBand {
 public:
  MaskBand(const WindowIo& io, int64_t index, GDALDataset& raster)
      : io_(io), source_{0, index, ToBandType(ScalarType::kUInt8)}, raster_(raster) {
    const ArrayInfo& info = io.array().info();
    eDataType = GDT_Byte;
    eAccess = io.writable() != nullptr ? GA_Update : GA_ReadOnly;
    nRasterXSize = static_cast<int>(info.shape[io.axes().x]);
    nRasterYSize = static_cast<int>(info.shape[io.axes().y]);
    nBlockXSize = static_cast<int>(info.read_chunk[io.axes().x]);
    nBlockYSize = static_cast<int>(info.read_chunk[io.axes().y]);
  }
  ~MaskBand() override { MaskBand::FlushCache(true); }

  bool IsMaskBand() const override { return true; }
  int GetOverviewCount() override {
    if (builds_overviews_) return GDALRasterBand::GetOverviewCount();
    return raster_.GetRasterBand(1)->GetOverviewCount();
  }
  GDALRasterBand* GetOverview(int level) override {
    if (builds_overviews_) return GDALRasterBand::GetOverview(level);
    GDALRasterBand* const like = raster_.GetRasterBand(1)->GetOverview(level);
    return like == nullptr ? nullptr : OverviewOf(like->GetXSize(), like->GetYSize());
  }
  GDALRasterBand* OverviewOf(int width, int height) {
    for (int level = 0; level < GDALRasterBand::GetOverviewCount(); ++level) {
      GDALRasterBand* const built = GDALRasterBand::GetOverview(level);
      if (built != nullptr && built->GetXSize() == width && built->GetYSize() == height) {
        return built;
      }
    }
    std::unique_ptr<Overview>& overview = overviews_[{width, height}];
    if (overview == nullptr) overview = std::make_unique<Overview>(*this, width, height);
    return overview.get();
  }
  CPLErr FlushCache(bool at_closing = false) override {
    return GDALRasterBand::FlushCache(at_closing);
  }
  // Meanwhile the only overviews are those that were built.
  void BuildsOverviews(bool builds) { builds_overviews_ = builds; }

 protected:
  CPLErr IReadBlock(int block_x, int block_y, void* data) override {
    return TransferBlock(GF_Read, block_x, block_y, data);
  }
  CPLErr IWriteBlock(int block_x, int block_y, void* data) override {
    return TransferBlock(GF_Write, block_x, block_y, data);
  }

  CPLErr IRasterIO(GDALRWFlag direction, int x, int y, int width, int height, void* data,
                   int buffer_width, int buffer_height, GDALDataType type, GSpacing pixel_space,
                   GSpacing line_space, GDALRasterIOExtraArg* extra) override {
    if (!IsPlainRequest(x, y, width, height, buffer_width, buffer_height, extra)) {
      return GDALRasterBand::IRasterIO(direction, x, y, width, height, data, buffer_width,
                                       buffer_height, type, pixel_space, line_space, extra);
    }
    // Blocks written through GDAL's cache come first, and none may be stale afterwards.
    if (eAccess == GA_Update && FlushCache(false) != CE_None) return CE_Failure;
    return Transfer({direction, x, y, width, height, data, type, pixel_space, line_space, 0});
  }

 private:
  CPLErr TransferBlock(GDALRWFlag direction, int block_x, int block_y, void* data) {
    const int x = block_x * nBlockXSize;
    const int y = block_y * nBlockYSize;
    return Transfer({direction, x, y, std::min(nBlockXSize, nRasterXSize - x),
                     std::min(nBlockYSize, nRasterYSize - y), data, GDT_Byte, 1, nBlockXSize, 0});
  }

  CPLErr Transfer(const WindowRequest& request) {
    if (request.direction == GF_Write) {
      for (const auto& [size, overview] : overviews_) overview->FlushCache(false);
    }
    return Guarded(CE_Failure, [&] { return Report(io_.Transfer(request, &source_, 1, nullptr)); });
  }

  const WindowIo& io_;
  const BandSource source_;
  GDALDataset& raster_;
  bool builds_overviews_ = false;
  std::map<std::pair<int, int>, std::unique_ptr<Overview>> overviews_;  // by their sizes
};

// What GDAL needs to keep overviews of the mask as it does of one in a file of its own.
class StoredMask::Dataset final : public GDALDataset {
 public:
  Dataset(const WindowIo& io, const std::string& path, GDALDataset& raster) {
    const std::string name = path + ".msk";
    SetDescription(name.c_str());
    nRasterXSize = raster.GetRasterXSize();
    nRasterYSize = raster.GetRasterYSize();
    eAccess = io.writable() != nullptr ? GA_Update : GA_ReadOnly;
    const int64_t indexes = io.axes().Count(io.array().info().shape, io.axes().band);
    for (int64_t index = 0; index < indexes; ++index) {
      SetBand(static_cast<int>(index) + 1, new MaskBand(io, index, raster));
    }
    // As in a .msk. GDAL makes overviews of such files in a way of their own.
    CPLStringList items;
    for (int band = 1; band <= raster.GetRasterCount(); ++band) {
      const std::string item = "INTERNAL_MASK_FLAGS_" + std::to_string(band);
      items.AddString((item + (io.axes().band < 0 ? "=2" : "=0")).c_str());
    }
    SetMetadata(items.List());
    oOvManager.Initialize(this, name.c_str());
  }

  MaskBand& Mask(int number) { return *static_cast<MaskBand*>(GetRasterBand(number)); }
};

// Overviews beside the file know nothing of a mask in it.
class StoredMask::MaskedOverview final : public GDALProxyRasterBand {
 public:
  MaskedOverview(GDALRasterBand& overview, MaskBand& mask, int mask_flags)
      : overview_(overview), mask_(mask), mask_flags_(mask_flags) {
    nRasterXSize = overview.GetXSize();
    nRasterYSize = overview.GetYSize();
    eDataType = overview.GetRasterDataType();
    overview.GetBlockSize(&nBlockXSize, &nBlockYSize);
  }

  int GetMaskFlags() override { return mask_flags_; }
  GDALRasterBand* GetMaskBand() override { return mask_.OverviewOf(nRasterXSize, nRasterYSize); }

 protected:
  GDALRasterBand* RefUnderlyingRasterBand(NDARRAY_PROXY_ARGUMENT) const override {
    return &overview_;
  }

 private:
  GDALRasterBand& overview_;
  MaskBand& mask_;
  const int mask_flags_;
};

StoredMask::StoredMask(std::shared_ptr<Array> array, Axes axes, const std::string& raster_path,
                       GDALDataset& raster, int max_threads)
    : io_(std::move(array), std::move(axes), max_threads),
      per_dataset_(io_.axes().band < 0),
      dataset_(std::make_unique<Dataset>(io_, raster_path, raster)) {}

StoredMask::~StoredMask() = default;

bool StoredMask::IsIn(const Array& array) {
  if (array.attributes() == nullptr) return false;
  const std::vector<AttributeInfo> list = array.attributes()->List();
  return std::any_of(list.begin(), list.end(),
                     [](const AttributeInfo& info) { return info.name == kMaskAttribute; });
}

StoredMask::MaskBand& StoredMask::MaskOf(int number) const {
  return dataset_->Mask(per_dataset_ ? 1 : number);
}

GDALRasterBand* StoredMask::Band(int number) const { return &MaskOf(number); }

GDALRasterBand* StoredMask::WithMask(GDALRasterBand* overview, int number) {
  if (overview == nullptr) return nullptr;
  std::unique_ptr<MaskedOverview>& masked = overviews_[overview];
  // Another one may have come to lie there since.
  if (masked == nullptr || masked->GetXSize() != overview->GetXSize() ||
      masked->GetYSize() != overview->GetYSize()) {
    masked = std::make_unique<MaskedOverview>(*overview, MaskOf(number), flags());
  }
  return masked.get();
}

CPLErr StoredMask::BuildOverviews(const char* resampling, int count, const int* factors,
                                  GDALProgressFunc progress, void* progress_data,
                                  CSLConstList options) {
  const int bands = dataset_->GetRasterCount();
  for (int band = 1; band <= bands; ++band) dataset_->Mask(band).BuildsOverviews(true);
  const CPLStringList lossless = LosslessOptions(options);
  const CPLErr built = dataset_->BuildOverviews(resampling, count, factors, 0, nullptr, progress,
                                                progress_data, lossless.List());
  for (int band = 1; band <= bands; ++band) dataset_->Mask(band).BuildsOverviews(false);
  return built;
}

CPLErr StoredMask::Flush() {
  for (int band = 1; band <= dataset_->GetRasterCount(); ++band) {
    if (dataset_->Mask(band).FlushCache(false) != CE_None) return CE_Failure;
  }
  return Guarded(CE_Failure, [this] {
    return Report(io_.writable() != nullptr ? io_.writable()->Flush() : Status());
  });
}

}  // namespace ndarray
