#include "driver/raster/emulated_map.h"

#include <cpl_conv.h>
#include <cpl_string.h>

#include <algorithm>
#include <cstdlib>

#include "driver/raster/gdal_error.h"

namespace ndarray {
namespace {

std::unique_lock<std::recursive_mutex> Lock(const EmulatedPixels& pixels) {
  return pixels.mutex != nullptr ? std::unique_lock<std::recursive_mutex>(*pixels.mutex)
                                 : std::unique_lock<std::recursive_mutex>();
}

// Pages end anywhere in a line: a part of one, then whole lines, then a part of one again.
Status MovePage(const EmulatedPixels& pixels, GDALRWFlag direction, size_t offset_bytes, void* page,
                size_t size_bytes) {
  const GDALDataType type = pixels.band.type.gdal;
  const GSpacing pixel_space = PixelBytes(type);
  const auto pixel_bytes = static_cast<size_t>(pixel_space);
  const auto width = static_cast<size_t>(pixels.width);
  auto* data = static_cast<char*>(page);
  size_t at = offset_bytes / pixel_bytes;
  // When a map is freed, GDAL hands over all of its last page, which may be longer than the map.
  const size_t pixels_from_there = width * static_cast<size_t>(pixels.height) - at;
  size_t left = std::min(size_bytes / pixel_bytes, pixels_from_there);
  while (left > 0) {
    const size_t x = at % width;
    const size_t columns = std::min(left, width - x);
    const size_t lines = columns == width ? left / width : 1;
    const WindowRequest request{direction,
                                static_cast<int>(x),
                                static_cast<int>(at / width),
                                static_cast<int>(columns),
                                static_cast<int>(lines),
                                data,
                                type,
                                pixel_space,
                                pixel_space * static_cast<GSpacing>(columns),
                                0};
    Status status = pixels.io.Transfer(request, &pixels.band, 1, nullptr);
    if (!status.ok()) return status;
    at += columns * lines;
    left -= columns * lines;
    data += columns * lines * pixel_bytes;
  }
  return {};
}

void MovePage(void* user_data, GDALRWFlag direction, size_t offset_bytes, void* page,
              size_t size_bytes) {
  Guarded(CE_Failure, [&] {
    const auto& pixels = *static_cast<const EmulatedPixels*>(user_data);
    const auto lock = Lock(pixels);
    return Report(MovePage(pixels, direction, offset_bytes, page, size_bytes));
  });
}

void ReadPage(CPLVirtualMem*, size_t offset_bytes, void* page, size_t size_bytes, void* user_data) {
  MovePage(user_data, GF_Read, offset_bytes, page, size_bytes);
}

void WritePage(CPLVirtualMem*, size_t offset_bytes, const void* page, size_t size_bytes,
               void* user_data) {
  MovePage(user_data, GF_Write, offset_bytes, const_cast<void*>(page), size_bytes);
}

void FreeReader(void* user_data) { delete static_cast<EmulatedPixels*>(user_data); }

void FreeWriter(void* user_data) {
  const std::unique_ptr<EmulatedPixels> pixels(static_cast<EmulatedPixels*>(user_data));
  Guarded(CE_Failure, [&] {
    const auto lock = Lock(*pixels);
    return Report(pixels->io.writable()->Flush());
  });
}

size_t SizeOption(CSLConstList options, const char* name, const char* otherwise) {
  return static_cast<size_t>(
      std::strtoull(CSLFetchNameValueDef(options, name, otherwise), nullptr, 10));
}

}  // namespace

CPLVirtualMem* NewEmulatedMap(EmulatedPixels pixels, GDALRWFlag direction, CSLConstList options) {
  const size_t size_bytes = static_cast<size_t>(pixels.width) * static_cast<size_t>(pixels.height) *
                            static_cast<size_t>(PixelBytes(pixels.band.type.gdal));
  const bool single_thread = CPLTestBool(CSLFetchNameValueDef(options, "SINGLE_THREAD", "FALSE"));
  auto owned = std::make_unique<EmulatedPixels>(std::move(pixels));
  const bool write = direction == GF_Write;
  CPLVirtualMem* const map =
      CPLVirtualMemNew(size_bytes, SizeOption(options, "CACHE_SIZE", "40000000"),
                       SizeOption(options, "PAGE_SIZE_HINT", "0"), single_thread,
                       write ? VIRTUALMEM_READWRITE : VIRTUALMEM_READONLY_ENFORCED, ReadPage,
                       write ? WritePage : nullptr, write ? FreeWriter : FreeReader, owned.get());
  if (map != nullptr) owned.release();
  return map;
}

}  // namespace ndarray
