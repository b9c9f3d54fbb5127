#include "driver/raster/npy_create.h"

#include <cpl_conv.h>
#include <cpl_string.h>
#include <cpl_vsi.h>

#include <algorithm>
#include <numeric>
#include <optional>
#include <string>
#include <vector>

#include "driver/raster/array_dataset.h"
#include "driver/raster/dataset_name.h"
#include "driver/raster/gdal_error.h"
#include "driver/raster/geo_metadata.h"
#include "driver/raster/overwrite.h"
#include "driver/raster/threads.h"
#include "driver/raster/vsi_file.h"
#include "driver/store/npy_array.h"

namespace ndarray {
namespace {

constexpr const char* kCreationOptions =
    "<CreationOptionList>"
    "<Option name='INTERLEAVE' type='string-select' default='BAND' description='Order of the "
    "array: BAND is (bands, lines, pixels), PIXEL is (lines, pixels, bands), LINE is (lines, "
    "bands, pixels)'><Value>BAND</Value><Value>PIXEL</Value><Value>LINE</Value></Option>"
    "<Option name='AXES' type='string' description='Order of the array in full, such as BYX, YXB, "
    "YBX or BXY; overrides INTERLEAVE'/>"
#if !NDARRAY_HAS_INT8
    "<Option name='PIXELTYPE' type='string-select' description='SIGNEDBYTE stores Byte as int8'>"
    "<Value>DEFAULT</Value><Value>SIGNEDBYTE</Value></Option>"
#endif
    "</CreationOptionList>";

// Read from the source and written at a time.
constexpr int64_t kChunkBytes = int64_t{16} << 20;

struct NewArray {
  std::string path;
  int width = 0, height = 0, bands = 0;
  BandType type;
  DType dtype;
  std::string axes;
  AxisVector shape;
};

bool IsSignedByte(const char* pixel_type) {
  return !NDARRAY_HAS_INT8 && pixel_type != nullptr && EQUAL(pixel_type, "SIGNEDBYTE");
}

// Newer versions of GDAL warn of the question.
bool HasSignedBytes(GDALRasterBand& band) {
  return !NDARRAY_HAS_INT8 && IsSignedByte(band.GetMetadataItem("PIXELTYPE", "IMAGE_STRUCTURE"));
}

// Everything that can be wrong with a request, found before a file is touched.
Result<NewArray> PlanArray(const char* name, int width, int height, int bands, GDALDataType type,
                           bool signed_byte, StringList options) {
  NewArray plan;
  plan.path = name;
  plan.width = width;
  plan.height = height;
  plan.bands = bands;
  if (HasDriverPrefix(name, kNpyDriverName)) {
    return Mismatch(StatusCode::kInvalidArgument, "file name", name, "a path");
  }
  if (bands < 1 || width < 1 || height < 1) {
    return Mismatch(StatusCode::kInvalidArgument, "size", ShapeString({bands, height, width}),
                    "at least one band, line and pixel")
        .At(plan.path);
  }
  const std::optional<ScalarType> scalar = ToScalarType(type, signed_byte);
  if (!scalar) {
    return Mismatch(StatusCode::kNotSupported, "data type", GDALGetDataTypeName(type),
                    std::string("one of ") + CreationDataTypes())
        .At(plan.path);
  }
  plan.dtype = {*scalar, kNativeOrder};
  plan.type = ToBandType(*scalar);
  const CPLString interleave =
      CPLString(CSLFetchNameValueDef(options, "INTERLEAVE", "BAND")).toupper();
  if (interleave != "BAND" && interleave != "PIXEL" && interleave != "LINE") {
    return Mismatch(StatusCode::kInvalidArgument, "INTERLEAVE", interleave, "BAND, PIXEL or LINE")
        .At(plan.path);
  }
  plan.axes = CPLString(CSLFetchNameValueDef(options, "AXES", "")).toupper();
  if (plan.axes.empty()) plan.axes = AxesForInterleave(interleave, bands);
  Result<AxisVector> shape = ShapeForAxes(plan.axes, bands, height, width);
  if (!shape.ok()) return shape.status().At(plan.path);
  plan.shape = *shape;
  return plan;
}

// A data type that keeps all values of all bands of a source, and NumPy has.
Result<GDALDataType> CommonType(GDALDataset& source, bool strict, const char* path) {
  GDALDataType common = source.GetRasterBand(1)->GetRasterDataType();
  bool mixed = false;
  for (int band = 2; band <= source.GetRasterCount(); ++band) {
    const GDALDataType type = source.GetRasterBand(band)->GetRasterDataType();
    if (type == common) continue;  // GDAL's union of two Float16 is Float32
    mixed = true;
    common = GDALDataTypeUnion(common, type);
  }
  const bool known = ToScalarType(common, false).has_value();
  const GDALDataType wider = known ? common : common == GDT_CInt32 ? GDT_CFloat64 : GDT_CFloat32;
  if (known && !mixed) return common;
  const std::string found = mixed ? "bands of several types" : GDALGetDataTypeName(common);
  if (strict) {
    return Mismatch(StatusCode::kNotSupported, "data type", found,
                    std::string("one of ") + CreationDataTypes() + " for all bands")
        .At(path);
  }
  ReportWarning(std::string(path) + ": " + found + " are written as " + GDALGetDataTypeName(wider));
  return wider;
}

// Remembers the order of axes where a reader could not tell it from the shape.
void RememberAxes(const NewArray& plan, GDALDataset& dataset) {
  const Result<Axes> rule = ChooseAxes(plan.shape, {}, "");
  if (rule.ok() && rule->name == plan.axes && plan.axes != "YXB") return;
  dataset.SetMetadataItem("AXES", plan.axes.c_str(), kMetadataDomain);
  dataset.SetMetadataItem("SHAPE", ShapeString(plan.shape).c_str(), kMetadataDomain);
}

// What is left of a file that went to a place from where nothing can be read.
class Gone final : public GDALDataset {
 public:
  explicit Gone(const NewArray& plan) {
    nRasterXSize = plan.width;
    nRasterYSize = plan.height;
  }
};

std::unique_ptr<ArrayDataset> OpenWritten(const NewArray& plan) {
  // Object stores cannot be opened for update; metadata then still goes to the sidecar.
  const bool update = !IsVirtualPath(plan.path) || VSISupportsRandomWrite(plan.path.c_str(), FALSE);
  GDALOpenInfo open_info(plan.path.c_str(), update ? GA_Update : GA_ReadOnly);
  ArrayDataset::Options options;
  options.axes = plan.axes;
  options.max_threads = ThreadsFromOption(nullptr);
  Result<std::shared_ptr<ByteFile>> file =
      OpenByteFile(plan.path, update ? Access::kUpdate : Access::kRead);
  if (!file.ok()) return Report(file.status()), nullptr;
  Result<std::shared_ptr<Array>> array = OpenNpyArray(std::move(*file), options.max_threads);
  if (!array.ok()) return Report(array.status()), nullptr;
  return ArrayDataset::Open(&open_info, std::move(*array), options);
}

// The sidecars describe the old pixels: they go with them, and not before.
Status CommitOver(OutputFile& file) {
  Status status = file.Commit();
  if (status.ok()) DeleteSidecars(file.path());
  return status;
}

GDALDataset* CreateChecked(const NewArray& plan) {
  Result<std::unique_ptr<OutputFile>> file = CreateOutputFile(plan.path);
  if (!file.ok()) return Report(file.status()), nullptr;
  Result<uint64_t> data_offset = StartNpyFile(**file, plan.dtype, plan.shape, false);
  if (!data_offset.ok()) return Report(data_offset.status()), nullptr;
  if (Report(CommitOver(**file)) != CE_None) return nullptr;
  std::unique_ptr<ArrayDataset> dataset = OpenWritten(plan);
  if (dataset) RememberAxes(plan, *dataset);
  return dataset.release();
}

GDALDataset* Create(const char* path, int width, int height, int bands, GDALDataType type,
                    StringList options) {
  return Guarded<GDALDataset*>(nullptr, [&]() -> GDALDataset* {
    const bool signed_byte = IsSignedByte(CSLFetchNameValue(options, "PIXELTYPE"));
    Result<NewArray> plan = PlanArray(path, width, height, bands, type, signed_byte, options);
    if (!plan.ok()) return Report(plan.status()), nullptr;
    return CreateChecked(*plan);
  });
}

// Copies all pixels in file order, so that every write appends. A plane is what lies together: one
// band where the bands are the slowest axis, else all of them.
class Copier {
 public:
  Copier(GDALDataset& source, const NewArray& plan, OutputFile& file, uint64_t data_offset)
      : source_(source),
        plan_(plan),
        file_(file),
        pixel_bytes_(static_cast<int64_t>(plan.dtype.size_bytes())),
        plane_bands_(plan.axes[0] == 'B' ? 1 : plan.bands),
        along_x_(plan.axes[plan.axes[0] == 'B' ? 1 : 0] == 'X'),
        at_(data_offset) {}

  CPLErr Copy(GDALProgressFunc progress, void* progress_data) {
    const int length = along_x_ ? plan_.width : plan_.height;
    const int step = LinesPerChunk(length);
    buffer_.resize(static_cast<size_t>(LineBytes() * step));
    const int planes = plan_.bands / plane_bands_;
    for (int plane = 0; plane < planes; ++plane) {
      for (int first = 0, count = 0; first < length; first += count) {
        count = std::min(step, length - first);
        if (CopyLines(plane, first, count) != CE_None) return CE_Failure;
        const double done = (plane + static_cast<double>(first + count) / length) / planes;
        if (!progress(done, "", progress_data)) return ReportInterrupted(plan_.path);
      }
    }
    return CE_None;
  }

 private:
  // One step along the slowest axis of a plane.
  int64_t LineBytes() const {
    return pixel_bytes_ * plane_bands_ * (along_x_ ? plan_.height : plan_.width);
  }

  // Whole rows of source blocks, if they fit, so that no block is decoded twice.
  int LinesPerChunk(int length) const {
    int block_width = 1;
    int block_height = 1;
    source_.GetRasterBand(1)->GetBlockSize(&block_width, &block_height);
    const int64_t block = along_x_ ? block_width : block_height;
    int64_t lines = std::max<int64_t>(kChunkBytes / LineBytes(), 1);
    if (block > 1 && block * LineBytes() <= 4 * kChunkBytes) {
      lines = std::max<int64_t>(lines / block, 1) * block;
    }
    return static_cast<int>(std::min<int64_t>(lines, length));
  }

  CPLErr CopyLines(int plane, int first, int count) {
    GSpacing pixel_space = 0;
    GSpacing line_space = 0;
    GSpacing band_space = 0;
    int64_t stride = pixel_bytes_;
    for (auto letter = plan_.axes.rbegin(); letter != plan_.axes.rend(); ++letter) {
      if (*letter == 'B') {
        band_space = stride;
        stride *= plane_bands_;
      } else if (*letter == 'Y') {
        line_space = stride;
        stride *= along_x_ ? plan_.height : count;
      } else {
        pixel_space = stride;
        stride *= along_x_ ? count : plan_.width;
      }
    }
    const int width = along_x_ ? count : plan_.width;
    const int height = along_x_ ? plan_.height : count;
    if (line_space == 0) line_space = pixel_space * width;  // no Y: a single line
    std::vector<int> bands(static_cast<size_t>(plane_bands_));
    std::iota(bands.begin(), bands.end(), plane * plane_bands_ + 1);
    if (GDALDatasetRasterIOEx(GDALDataset::ToHandle(&source_), GF_Read, along_x_ ? first : 0,
                              along_x_ ? 0 : first, width, height, buffer_.data(), width, height,
                              plan_.type.gdal, plane_bands_, bands.data(), pixel_space, line_space,
                              band_space, nullptr) != CE_None) {
      return CE_Failure;
    }
    const auto size_bytes = static_cast<size_t>(LineBytes() * count);
    const CPLErr result = Report(file_.WriteAt(at_, buffer_.data(), size_bytes));
    at_ += size_bytes;
    return result;
  }

  GDALDataset& source_;
  const NewArray& plan_;
  OutputFile& file_;
  const int64_t pixel_bytes_;
  const int plane_bands_;
  const bool along_x_;  // the slowest axis of a plane is X, not Y
  uint64_t at_;
  std::vector<char> buffer_;
};

GDALDataset* CopyChecked(const NewArray& plan, GDALDataset& source, GDALProgressFunc progress,
                         void* progress_data) {
  if (!progress(0.0, "", progress_data)) return ReportInterrupted(plan.path), nullptr;
  {
    Result<std::unique_ptr<OutputFile>> file = CreateOutputFile(plan.path);
    if (!file.ok()) return Report(file.status()), nullptr;
    Result<uint64_t> data_offset = StartNpyFile(**file, plan.dtype, plan.shape, true);
    if (!data_offset.ok()) return Report(data_offset.status()), nullptr;
    Copier copier(source, plan, **file, *data_offset);
    if (copier.Copy(progress, progress_data) != CE_None) return nullptr;
    if (Report(CommitOver(**file)) != CE_None) return nullptr;
  }
  if (IsStandardOutput(plan.path)) return new Gone(plan);
  std::unique_ptr<ArrayDataset> dataset = OpenWritten(plan);
  if (!dataset) return nullptr;
  CopyMetadata(source, *dataset);
  RememberAxes(plan, *dataset);
  return dataset.release();
}

GDALDataset* CreateCopy(const char* path, GDALDataset* source, int strict, StringList options,
                        GDALProgressFunc progress, void* progress_data) {
  return Guarded<GDALDataset*>(nullptr, [&]() -> GDALDataset* {
    const int bands = source->GetRasterCount();
    GDALDataType type = GDT_Byte;
    bool signed_byte = IsSignedByte(CSLFetchNameValue(options, "PIXELTYPE"));
    if (bands > 0) {
      Result<GDALDataType> common = CommonType(*source, strict != FALSE, path);
      if (!common.ok()) return Report(common.status()), nullptr;
      type = *common;
      signed_byte = signed_byte || HasSignedBytes(*source->GetRasterBand(1));
    }
    Result<NewArray> plan = PlanArray(path, source->GetRasterXSize(), source->GetRasterYSize(),
                                      bands, type, signed_byte, options);
    if (!plan.ok()) return Report(plan.status()), nullptr;
    return CopyChecked(*plan, *source, progress, progress_data);
  });
}

CPLErr Delete(const char* path) {
  if (HasDriverPrefix(path, kNpyDriverName)) {
    return Report(Mismatch(StatusCode::kInvalidArgument, "file name", path, "a path"));
  }
  if (IsDeletingToOverwrite() && EQUAL(CPLGetExtension(path), "npy")) return CE_None;
  if (VSIUnlink(path) != 0) {
    return Report(Status(StatusCode::kIo, std::string(path) + ": cannot delete"));
  }
  DeleteSidecars(path);
  return CE_None;
}

}  // namespace

void AddNpyCreation(GDALDriver& driver) {
  driver.SetMetadataItem(GDAL_DMD_CREATIONOPTIONLIST, kCreationOptions);
  driver.SetMetadataItem(GDAL_DMD_CREATIONDATATYPES, CreationDataTypes());
  driver.pfnCreate = Create;
  driver.pfnCreateCopy = CreateCopy;
  driver.pfnDelete = Delete;
}

}  // namespace ndarray
