// The pages of a TIFF file that are one stack: all of the same size and type.
//
// Pages count from 1 in messages, in the order of the file, as GDAL counts them in
// GTIFF_DIR:NUMBER:PATH. Those that are masks or smaller copies of others are no pages of the
// stack.
#ifndef GDAL_NDARRAY_TOOLS_CONVERT_TIFF_PAGES_H_
#define GDAL_NDARRAY_TOOLS_CONVERT_TIFF_PAGES_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "driver/store/dtype/dtype.h"
#include "driver/store/io/byte_file.h"
#include "tools/gdal_ndarray/convert/tiff_handle.h"
#include "tools/gdal_ndarray/convert/tiff_lines.h"

namespace ndarray::tools {

// Numbers of pages along t, z and c; c varies fastest.
struct Hyperstack {
  int64_t frames = 1, slices = 1, channels = 1;
};

class TiffPages {
 public:
  // Walks through all pages. nullptr: the file is no TIFF, or has but one page of full resolution.
  // Throws a Failure for pages that are unequal (and names the first) or cannot be read, for types
  // that no array has, and for chains of pages that lead back to themselves.
  static std::unique_ptr<TiffPages> Find(std::shared_ptr<ByteFile> file);

  // Makes the stack of these pages of the file, from 1, in this order, and no hyperstack. Throws a
  // Failure for pages that there are not. Once, before anything is read.
  void Choose(const std::vector<int>& pages);

  const std::string& path() const { return file_->path(); }
  int64_t count() const { return count_; }
  int64_t width() const { return kind_.width; }
  int64_t height() const { return kind_.height; }
  int64_t samples() const { return kind_.samples; }
  ScalarType type() const { return type_; }
  int64_t line_bytes() const {
    return width() * samples() * static_cast<int64_t>(SizeBytes(type_));
  }

  // The number of the first page in the file, from 1: pages of others may come before the stack.
  size_t first_number() const { return directories_[0].number; }

  // Lines that are decoded together: those of the highest strip or tile of all pages.
  int64_t lines_together() const { return lines_together_; }

  // What ImageJ or the XML of OME-TIFF says about the pages, which are in that order then; absent
  // where it says nothing that fits them. A GDAL warning says why XML does not.
  const std::optional<Hyperstack>& hyperstack() const { return hyperstack_; }

  // Decodes lines of page number `page` (from 0) to `to`: lines, pixels, samples, in native byte
  // order. Safe from any number of threads. Throws a Failure that names the page.
  void ReadLines(int64_t page, int64_t first_line, int64_t lines, std::byte* to) const;

 private:
  struct Directory {  // of a page
    uint64_t offset;
    size_t number;  // in the file, from 1
  };

  explicit TiffPages(std::shared_ptr<ByteFile> file) : file_(std::move(file)) {}
  void Enumerate();
  void FindLinesTogether(const TiffHandle& page);
  void Describe(const TiffHandle& first);
  void ReadImageJ(const TiffHandle& first);
  void ReadOme(const TiffHandle& first);
  void FindImagesWithoutPages(const TiffHandle& first, int64_t images);
  void ReadRaw(int64_t page, int64_t first_line, int64_t lines, std::byte* to) const;
  std::unique_ptr<TiffHandle> TakeHandle(int64_t page) const;

  const std::shared_ptr<ByteFile> file_;
  std::vector<Directory> directories_;
  int64_t count_ = 0;
  PageKind kind_;
  int64_t lines_together_ = 1;
  ScalarType type_ = ScalarType::kUInt8;
  std::optional<Hyperstack> hyperstack_;
  std::vector<int64_t> order_;  // numbers of directories_, from 0; empty: all, one after another
  // Where the pixels of all pages lie one after another, if there is a directory for the first
  // only.
  std::optional<uint64_t> raw_offset_;
  bool raw_swapped_ = false;

  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<TiffHandle>> idle_;
};

}  // namespace ndarray::tools

#endif  // GDAL_NDARRAY_TOOLS_CONVERT_TIFF_PAGES_H_
