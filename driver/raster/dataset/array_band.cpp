#include "driver/raster/dataset/array_band.h"

#include <cpl_conv.h>
#include <cpl_virtualmem.h>
#include <cpl_vsi.h>

#include <algorithm>
#include <climits>
#include <string>
#include <utility>

#include "driver/raster/emulated_map.h"
#include "driver/raster/files/checksum_file.h"
#include "driver/raster/files/vsi_file.h"
#include "driver/raster/gdal_error.h"
#include "driver/raster/metadata/colors.h"
#include "driver/raster/nodata.h"

namespace ndarray {

ArrayBand::ArrayBand(ArrayDataset* dataset, int number, const BandSource& source, int block_width,
                     int block_height, bool forces_caching)
    : GDALPamRasterBand(forces_caching), source_(source) {
  poDS = dataset;
  nBand = number;
  eAccess = dataset->GetAccess();
  eDataType = source.type.gdal;
  nRasterXSize = dataset->GetRasterXSize();
  nRasterYSize = dataset->GetRasterYSize();
  nBlockXSize = block_width;
  nBlockYSize = block_height;
  const WindowIo& io = dataset->io();
  const auto blocks = [&io](int axis, int side) {
    return static_cast<int>((io.axes().Count(io.array().info().read_chunk, axis) + side - 1) /
                            side);
  };
  group_columns_ = blocks(io.axes().x, block_width);
  group_lines_ = blocks(io.axes().y, block_height);
}

CPLErr ArrayBand::TransferBlock(GDALRWFlag direction, int block_x, int block_y, void* data) {
  const GSpacing pixel_space = PixelBytes(eDataType);
  WindowRequest request{};
  request.direction = direction;
  request.x = block_x * nBlockXSize;
  request.y = block_y * nBlockYSize;
  request.width = std::min(nBlockXSize, nRasterXSize - request.x);
  request.height = std::min(nBlockYSize, nRasterYSize - request.y);
  request.data = data;
  request.type = eDataType;
  request.pixel_space = pixel_space;
  request.line_space = pixel_space * nBlockXSize;
  return Guarded(CE_Failure, [&] {
    const auto lock = dataset().LockForUpdate();
    return Report(dataset().io_.Transfer(request, &source_, 1, nullptr));
  });
}

CPLErr ArrayBand::IReadBlock(int block_x, int block_y, void* data) {
  return IsWalkedOver(block_x, block_y, data) ? ReadGroup(block_x, block_y, data)
                                              : TransferBlock(GF_Read, block_x, block_y, data);
}

CPLErr ArrayBand::IWriteBlock(int block_x, int block_y, void* data) {
  return TransferBlock(GF_Write, block_x, block_y, data);
}

CPLErr ArrayBand::IRasterIO(GDALRWFlag direction, int x, int y, int width, int height, void* data,
                            int buffer_width, int buffer_height, GDALDataType type,
                            GSpacing pixel_space, GSpacing line_space,
                            GDALRasterIOExtraArg* extra) {
  if (!IsPlainRequest(x, y, width, height, buffer_width, buffer_height, extra)) {
    return GDALPamRasterBand::IRasterIO(direction, x, y, width, height, data, buffer_width,
                                        buffer_height, type, pixel_space, line_space, extra);
  }
  const WindowRequest request{direction, x,    y,           width,      height,
                              data,      type, pixel_space, line_space, 0};
  return dataset().Transfer(request, &nBand, 1, extra);
}

CPLErr ArrayBand::AdviseRead(int x, int y, int width, int height, int, int, GDALDataType,
                             StringList) {
  dataset().io_.array().Prefetch(
      dataset().io_.WindowBox(x, y, width, height, source_.index, source_.index + 1));
  return CE_None;
}

GDALColorInterp ArrayBand::ColorByShape() {
  const ArrayInfo& info = dataset().io_.array().info();
  if (info.is_record || info.fields[0].dtype.type == ScalarType::kBool) return GCI_Undefined;
  return ndarray::ColorByShape(dataset().axes_name(), poDS->GetRasterCount(), source_.type, nBand);
}

GDALColorInterp ArrayBand::GetColorInterpretation() {
  if (const std::optional<GDALColorInterp> chosen = KeptColor(*this)) return *chosen;
  const GDALColorInterp color = GDALPamRasterBand::GetColorInterpretation();
  return color != GCI_Undefined ? color : ColorByShape();
}

CPLErr ArrayBand::SetColorInterpretation(GDALColorInterp color) {
  const CPLErr result = GDALPamRasterBand::SetColorInterpretation(color);
  if (result != CE_None) return result;
  // A sidecar that lacks a colour would leave it to the file.
  const bool hidden_in_file =
      color == GCI_Undefined && !dataset().stored_.pam.empty() && !dataset().KeepsMetadata();
  return hidden_in_file || GetColorInterpretation() != color ? KeepColor(*this, color) : CE_None;
}

MetadataList ArrayBand::GetMetadata(const char* domain) {
  if (source_.type.signed_byte && domain != nullptr && EQUAL(domain, "IMAGE_STRUCTURE")) {
    static CPLStringList signed_byte(CSLSetNameValue(nullptr, "PIXELTYPE", "SIGNEDBYTE"));
    return signed_byte.List();
  }
  return GDALPamRasterBand::GetMetadata(domain);
}

const char* ArrayBand::GetMetadataItem(const char* name, const char* domain) {
  // The Python bindings ask for each array, and newer versions of GDAL answer with a warning.
  if (domain != nullptr && EQUAL(domain, "IMAGE_STRUCTURE") && EQUAL(name, "PIXELTYPE")) {
    return source_.type.signed_byte ? "SIGNEDBYTE" : nullptr;
  }
  return GDALPamRasterBand::GetMetadataItem(name, domain);
}

std::optional<BandLayout> ArrayBand::Layout() const {
  const WindowIo& io = dataset().io_;
  const ArrayInfo& info = io.array().info();
  const Field& field = info.fields[source_.field];
  if (!info.raw || info.raw->path.empty() || source_.type.promoted) return std::nullopt;
  const Axes& axes = io.axes();
  const AxisVector& strides = info.raw->strides_bytes;
  BandLayout layout{field.dtype, info.raw->offset_bytes + static_cast<uint64_t>(field.offset_bytes),
                    strides[axes.x], 0};
  layout.line_space = axes.y >= 0 ? strides[axes.y] : layout.pixel_space * nRasterXSize;
  for (int axis = 0; axis < axes.index.size(); ++axis) {
    layout.offset_bytes += static_cast<uint64_t>(axes.index[axis] * strides[axis]);
  }
  if (axes.band >= 0) {
    layout.offset_bytes += static_cast<uint64_t>(source_.index * strides[axes.band]);
  }
  return layout;
}

CPLVirtualMem* ArrayBand::GetVirtualMemAuto(GDALRWFlag direction, int* pixel_space,
                                            GIntBig* line_space, StringList options) {
  if (direction == GF_Write && dataset().io_.writable() == nullptr) {
    Report(Mismatch(StatusCode::kInvalidArgument, "access", "read-only", "update")
               .At(dataset().io_.array().path()));
    return nullptr;
  }
  // YES, NO or AUTO, as GDAL's own drivers read it.
  const char* const emulate = CSLFetchNameValueDef(options, "USE_DEFAULT_IMPLEMENTATION", "AUTO");
  const bool automatic = EQUAL(emulate, "AUTO");
  if (automatic || !CPLTestBool(emulate)) {
    CPLVirtualMem* const map = MapFile(direction, pixel_space, line_space, automatic);
    if (map != nullptr || !automatic) return map;
  }
  return EmulateMap(direction, pixel_space, line_space, options);
}

CPLVirtualMem* ArrayBand::EmulateMap(GDALRWFlag direction, int* pixel_space, GIntBig* line_space,
                                     CSLConstList options) {
  if (eAccess == GA_Update && FlushCache(false) != CE_None) return nullptr;
  *pixel_space = static_cast<int>(PixelBytes(eDataType));
  *line_space = PixelBytes(eDataType) * nRasterXSize;
  return Guarded(static_cast<CPLVirtualMem*>(nullptr), [&] {
    return NewEmulatedMap(
        {dataset().io_, source_, nRasterXSize, nRasterYSize, dataset().update_mutex_}, direction,
        options);
  });
}

CPLVirtualMem* ArrayBand::MapFile(GDALRWFlag direction, int* pixel_space, GIntBig* line_space,
                                  bool may_fail) {
  const Array& array = dataset().io_.array();
  const std::optional<BandLayout> layout = Layout();
  if (!layout || layout->dtype.swapped() || layout->pixel_space > INT_MAX ||
      IsVirtualPath(array.info().raw->path)) {
    return nullptr;
  }
  if (eAccess == GA_Update && FlushCache(false) != CE_None) return nullptr;
  // GDAL maps only files that it opened itself.
  VSILFILE* const file =
      VSIFOpenL(array.info().raw->path.c_str(), direction == GF_Write ? "rb+" : "rb");
  if (file == nullptr) return nullptr;
  const auto descriptor =
      static_cast<int>(reinterpret_cast<intptr_t>(VSIFGetNativeFileDescriptorL(file)));
  CPLVirtualMem* map = nullptr;
  const std::optional<FileId> id = FileIdOf(descriptor);
  if (id && array.info().raw->file == id) {
    const auto size_bytes =
        static_cast<uint64_t>((nRasterXSize - 1) * layout->pixel_space +
                              (nRasterYSize - 1) * layout->line_space + PixelBytes(eDataType));
    std::optional<CPLErrorStateBackuper> keep_errors;
    std::optional<CPLErrorHandlerPusher> quiet;
    if (may_fail) {
      keep_errors.emplace();
      quiet.emplace(CPLQuietErrorHandler);
    }
    if (direction == GF_Write) RemoveChecksumFile(array.path());
    map = CPLVirtualMemFileMapNew(
        file, layout->offset_bytes, size_bytes,
        direction == GF_Write ? VIRTUALMEM_READWRITE : VIRTUALMEM_READONLY, nullptr, nullptr);
  }
  VSIFCloseL(file);  // a map does not need its file open
  *pixel_space = static_cast<int>(layout->pixel_space);
  *line_space = layout->line_space;
  return map;
}

double ArrayBand::GetNoDataValue(int* has_value) {
  int is_set = FALSE;
  const double value = GDALPamRasterBand::GetNoDataValue(&is_set);
  if (has_value != nullptr) *has_value = is_set;
  if (is_set == FALSE) return value;
  const double as_pixel = AsPixelValue(source_.type, value);
  return source_.type.signed_byte && mask_asks_ ? AsByteOfInt8(as_pixel) : as_pixel;
}

CPLErr ArrayBand::SetNoDataValue(double value) {
  const double as_pixel = AsPixelValue(source_.type, value);
  // A mask of 64-bit integers knows no other nodata.
  if (eDataType == GDT_Int64 && as_pixel >= -0x1p63 && as_pixel < 0x1p63) {
    return SetNoDataValueAsInt64(static_cast<int64_t>(as_pixel));
  }
  if (eDataType == GDT_UInt64 && as_pixel >= 0 && as_pixel < 0x1p64) {
    return SetNoDataValueAsUInt64(static_cast<uint64_t>(as_pixel));
  }
  if (eDataType == GDT_Int64 || eDataType == GDT_UInt64) {
    return Report(Mismatch(StatusCode::kInvalidArgument, "nodata", CPLSPrintf("%.17g", value),
                           std::string("a value of ") + GDALGetDataTypeName(eDataType))
                      .At(dataset().io_.array().path()));
  }
  const CPLErr result = GDALPamRasterBand::SetNoDataValue(as_pixel);
  return result == CE_None ? FillUnwritten(&as_pixel, GDT_Float64) : result;
}

CPLErr ArrayBand::SetNoDataValueAsInt64(int64_t value) {
  const CPLErr result = GDALPamRasterBand::SetNoDataValueAsInt64(value);
  return result == CE_None ? FillUnwritten(&value, GDT_Int64) : result;
}

CPLErr ArrayBand::SetNoDataValueAsUInt64(uint64_t value) {
  const CPLErr result = GDALPamRasterBand::SetNoDataValueAsUInt64(value);
  return result == CE_None ? FillUnwritten(&value, GDT_UInt64) : result;
}

CPLErr ArrayBand::DeleteNoDataValue() {
  const CPLErr result = GDALPamRasterBand::DeleteNoDataValue();
  const double zero = 0;
  return result == CE_None ? FillUnwritten(&zero, GDT_Float64) : result;
}

// Chunks of several bands have to wait until all have the value.
CPLErr ArrayBand::FillUnwritten(const void* value, GDALDataType type) {
  if (dataset().io_.writable() == nullptr) return CE_None;
  return Guarded(CE_Failure, [&] {
    std::vector<std::byte> fill = NoDataElement(source_.type, value, type);
    if (fill == fill_) return CE_None;
    const bool alike = dataset().ChangeFill(fill_, fill);
    fill_ = std::move(fill);
    const WindowIo& io = dataset().io_;
    const bool together = io.BandsShareGranules();
    if (together && !alike) return CE_None;
    // What was written by way of GDAL's block cache is written first, and what was read goes.
    for (int number = 1; number <= poDS->GetRasterCount(); ++number) {
      if (!together && number != nBand) continue;
      if (poDS->GetRasterBand(number)->FlushCache(false) != CE_None) return CE_Failure;
    }
    const int64_t indexes = io.axes().Count(io.array().info().shape, io.axes().band);
    const int64_t first = together ? 0 : source_.index;
    const Box box =
        io.WindowBox(0, 0, nRasterXSize, nRasterYSize, first, together ? indexes : first + 1);
    return Report(io.writable()->Fill(box, fill_.data()));
  });
}

CPLErr ArrayBand::FlushCache(bool at_closing) {
  const std::lock_guard<std::recursive_mutex> lock(dataset().lazy_mutex_);
  return GDALPamRasterBand::FlushCache(at_closing);
}

#if NDARRAY_HAS_THREAD_SAFE_DATASETS
GDALRasterBlock* ArrayBand::GetLockedBlockRef(int block_x, int block_y, int just_initialize) {
  const std::lock_guard<std::recursive_mutex> lock(dataset().lazy_mutex_);
  return GDALPamRasterBand::GetLockedBlockRef(block_x, block_y, just_initialize);
}

GDALRasterBlock* ArrayBand::TryGetLockedBlockRef(int block_x, int block_y) {
  const std::lock_guard<std::recursive_mutex> lock(dataset().lazy_mutex_);
  return GDALPamRasterBand::TryGetLockedBlockRef(block_x, block_y);
}

CPLErr ArrayBand::FlushBlock(int block_x, int block_y, int write_dirty) {
  const std::lock_guard<std::recursive_mutex> lock(dataset().lazy_mutex_);
  return GDALPamRasterBand::FlushBlock(block_x, block_y, write_dirty);
}

CPLErr ArrayBand::DropCache() {
  const std::lock_guard<std::recursive_mutex> lock(dataset().lazy_mutex_);
  return GDALPamRasterBand::DropCache();
}
#endif

}  // namespace ndarray
