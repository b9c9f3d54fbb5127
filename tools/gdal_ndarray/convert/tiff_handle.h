// One directory (page) of a TIFF file in libtiff's hands.
//
// libtiff finds a page by walking the chain of pages from the file's start, and keeps all that it
// has met: the hundred-thousandth costs a hundred thousand steps. So a page whose offset is known
// is shown to libtiff as the first one: the header that it reads names that offset. Opening any
// page then costs the same.
#ifndef GDAL_NDARRAY_TOOLS_CONVERT_TIFF_HANDLE_H_
#define GDAL_NDARRAY_TOOLS_CONVERT_TIFF_HANDLE_H_

#include <tiffio.h>

#include <memory>
#include <optional>
#include <string>

#include "driver/store/io/byte_file.h"

namespace ndarray::tools {

// Whether the file starts as a TIFF or BigTIFF does.
bool IsTiff(const ByteFile& file);

// One thread uses a handle at a time; any number of handles may read one file.
class TiffHandle {
 public:
  // Opens the page at that offset, the file's first one for 0. `file` must outlive the handle.
  // Throws a Failure, "page NUMBER: ...", where libtiff cannot.
  TiffHandle(const ByteFile& file, uint64_t page_offset, size_t number);
  ~TiffHandle();
  TiffHandle(const TiffHandle&) = delete;
  TiffHandle& operator=(const TiffHandle&) = delete;

  TIFF* get() const { return tiff_; }
  size_t number() const { return number_; }

  // Steps to the next page of the chain, whose number is one more; false after the last one. Throws
  // a Failure where the chain is broken. Many steps of one handle become slow: see above.
  bool Next();

  // A field, its default where the page has none; absent where there is no default either.
  template <typename T>
  std::optional<T> Field(uint32_t tag) const {
    T value{};
    if (TIFFGetFieldDefaulted(tiff_, tag, &value) != 1) return std::nullopt;
    return value;
  }

  // Throws a Failure: "PATH: page NUMBER: " and libtiff's first error, `otherwise` if it has none.
  [[noreturn]] void Fail(const std::string& otherwise) const;

 private:
  struct Stream;

  const std::unique_ptr<Stream> stream_;
  TIFF* tiff_ = nullptr;
  size_t number_;
};

}  // namespace ndarray::tools

#endif  // GDAL_NDARRAY_TOOLS_CONVERT_TIFF_HANDLE_H_
