#include "tools/gdal_ndarray/convert/tiff_pages.h"

#include <cpl_conv.h>

#include <algorithm>
#include <charconv>
#include <string_view>
#include <unordered_set>

#include "driver/raster/gdal_error.h"
#include "driver/store/array.h"
#include "driver/store/checked_math.h"
#include "tools/gdal_ndarray/command.h"
#include "tools/gdal_ndarray/convert/ome_xml.h"
#include "tools/gdal_ndarray/convert/tiff_lines.h"

namespace ndarray::tools {
namespace {

// After so many steps a handle is opened anew: see tiff_handle.h.
constexpr size_t kMaxSteps = 256;

// Not a smaller copy of another page, and no mask.
bool IsFullResolution(const TiffHandle& page) {
  uint32_t type = 0;
  if (TIFFGetField(page.get(), TIFFTAG_SUBFILETYPE, &type) == 1) {
    return (type & (FILETYPE_REDUCEDIMAGE | FILETYPE_MASK)) == 0;
  }
  uint16_t old_type = 0;
  return TIFFGetField(page.get(), TIFFTAG_OSUBFILETYPE, &old_type) != 1 ||
         old_type != OFILETYPE_REDUCEDIMAGE;
}

// The number of a line "NAME=NUMBER" of ImageJ's description, 1 where there is none.
int64_t NumberOf(std::string_view description, std::string_view name) {
  while (!description.empty()) {
    const std::string_view line = description.substr(0, description.find('\n'));
    description.remove_prefix(std::min(line.size() + 1, description.size()));
    if (line.size() <= name.size() || line[name.size()] != '=') continue;
    if (line.substr(0, name.size()) != name) continue;
    const std::string_view digits = line.substr(name.size() + 1);
    int32_t number = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), number);
    return std::max(number, 1);
  }
  return 1;
}

// Empty where there is none. Valid as long as the page is open.
std::string_view DescriptionOf(const TiffHandle& page) {
  const char* text = nullptr;
  const bool found = TIFFGetField(page.get(), TIFFTAG_IMAGEDESCRIPTION, &text) == 1;
  return found && text != nullptr ? text : "";
}

std::string PageAlone(const std::string& path, size_t number) {
  return " (GTIFF_DIR:" + std::to_string(number) + ":" + path + " is that page alone)";
}

}  // namespace

std::unique_ptr<TiffPages> TiffPages::Find(std::shared_ptr<ByteFile> file) {
  if (!IsTiff(*file)) return nullptr;
  std::unique_ptr<TiffPages> pages(new TiffPages(std::move(file)));
  pages->Enumerate();
  return pages->count_ > 1 ? std::move(pages) : nullptr;
}

void TiffPages::Choose(const std::vector<int>& pages) {
  std::vector<int64_t> chosen;
  for (const int page : pages) {
    if (page < 1 || page > count_) {
      Check(Mismatch(StatusCode::kInvalidArgument, "page", std::to_string(page),
                     "1 to " + std::to_string(count_))
                .At(path()));
    }
    chosen.push_back(page - 1);
  }
  order_ = std::move(chosen);
  count_ = static_cast<int64_t>(order_.size());
  hyperstack_.reset();
}

void TiffPages::Enumerate() {
  std::unordered_set<uint64_t> seen;
  PageKind kind;
  std::string unsupported;
  auto page = std::make_unique<TiffHandle>(*file_, 0, 1);
  do {
    const uint64_t offset = TIFFCurrentDirOffset(page->get());
    if (!seen.insert(offset).second) page->Fail("is one of the pages before it");
    if (seen.size() % kMaxSteps == 0) {
      StopIfInterrupted();
      page = std::make_unique<TiffHandle>(*file_, offset, page->number());
    }
    if (!IsFullResolution(*page)) continue;
    const PageKind found = KindOf(*page);
    if (directories_.empty()) kind = found;
    if (!(found == kind)) {
      throw Failure(path() + ": page " + std::to_string(page->number()) + ": found " +
                    ToString(found) + ", wanted " + ToString(kind) + " as page " +
                    std::to_string(directories_[0].number) + PageAlone(path(), page->number()));
    }
    if (!directories_.empty() && TypeOf(kind.sample)) FindLinesTogether(*page);
    if (unsupported.empty()) {
      unsupported = Unsupported(*page);
      if (!unsupported.empty()) {
        unsupported = path() + ": page " + std::to_string(page->number()) + ": " + unsupported;
      }
    }
    directories_.push_back({offset, page->number()});
  } while (page->Next());
  count_ = static_cast<int64_t>(directories_.size());
  if (count_ == 0) return;
  const TiffHandle first(*file_, directories_[0].offset, directories_[0].number);
  ReadImageJ(first);
  if (count_ == 1) return;
  if (!unsupported.empty()) throw Failure(unsupported);
  Describe(first);
  ReadOme(first);
}

// Only from the second page on: a single image is left to GDAL, and may be cut in ways that no page
// of a stack may.
void TiffPages::FindLinesTogether(const TiffHandle& page) {
  if (directories_.size() == 1) {
    lines_together_ = LinesTogether({*file_, directories_[0].offset, directories_[0].number});
  }
  lines_together_ = std::max(lines_together_, LinesTogether(page));
}

void TiffPages::Describe(const TiffHandle& first) {
  const PageKind kind = KindOf(first);
  const std::optional<SampleType> type = TypeOf(kind.sample);
  if (!type || kind.width == 0 || kind.height == 0 || kind.samples == 0 || kind.width > INT32_MAX ||
      kind.height > INT32_MAX) {
    throw Failure(path() + ": page " + std::to_string(first.number()) + ": found " +
                  ToString(kind) +
                  ", wanted whole numbers of 1 to 32 bits or 64, floats of 16, "
                  "24, 32 or 64, or complex numbers of two of 16 to 64" +
                  PageAlone(path(), first.number()));
  }
  type_ = type->type;
  kind_ = kind;
  lines_together_ = std::max(lines_together_, LinesTogether(first));
}

void TiffPages::ReadImageJ(const TiffHandle& first) {
  const std::string_view description = DescriptionOf(first);
  if (description.substr(0, 7) != "ImageJ=") return;
  const int64_t images = NumberOf(description, "images");
  if (count_ == 1 && images > 1) FindImagesWithoutPages(first, images);
  const Hyperstack stack{NumberOf(description, "frames"), NumberOf(description, "slices"),
                         NumberOf(description, "channels")};
  const AxisVector axes{stack.frames, stack.slices, stack.channels};
  if (CheckedProduct(axes) == count_) hyperstack_ = stack;
}

void TiffPages::ReadOme(const TiffHandle& first) {
  const std::string_view description = DescriptionOf(first);
  if (!IsOmeXml(description)) return;
  const OmeFile file{CPLGetFilename(path().c_str()), count_, width(), height(), samples()};
  Result<OmePlanes> planes = ParseOme(std::string(description), file);
  const auto refuse = [&](const std::string& why) {
    ReportWarning(path() + ": OME-XML: " + why + "; written page by page, in the file's order");
  };
  if (!planes.ok()) return refuse(planes.status().message());
  std::vector<int64_t> order;
  for (const int64_t directory : planes->directories) {
    const auto number = static_cast<size_t>(directory) + 1;
    const auto found =
        std::lower_bound(directories_.begin(), directories_.end(), number,
                         [](const Directory& page, size_t wanted) { return page.number < wanted; });
    if (found == directories_.end() || found->number != number) {
      return refuse("IFD: found " + std::to_string(directory) + ", wanted one of a full page");
    }
    order.push_back(found - directories_.begin());
  }
  order_ = std::move(order);
  hyperstack_ = {planes->frames, planes->slices, planes->channels};
}

// Above 4 GB ImageJ writes one page, and the pixels of the others after its own.
void TiffPages::FindImagesWithoutPages(const TiffHandle& first, int64_t images) {
  TIFF* const tiff = first.get();
  const PageKind kind = KindOf(first);
  const std::optional<SampleType> type = TypeOf(kind.sample);
  if (TIFFIsTiled(tiff) != 0 || !type || !type->plain ||
      first.Field<uint16_t>(TIFFTAG_COMPRESSION).value_or(COMPRESSION_NONE) != COMPRESSION_NONE ||
      (kind.samples > 1 && first.Field<uint16_t>(TIFFTAG_PLANARCONFIG) != PLANARCONFIG_CONTIG)) {
    return;
  }
  const uint64_t offset = TIFFGetStrileOffset(tiff, 0);
  auto page_bytes = CheckedMultiply<uint64_t>(kind.width, kind.height);
  if (page_bytes)
    page_bytes = CheckedMultiply<uint64_t>(*page_bytes, kind.samples * SizeBytes(type->type));
  if (offset == 0 || offset > file_->size_bytes() || !page_bytes || *page_bytes == 0) return;
  const uint64_t room = (file_->size_bytes() - offset) / *page_bytes;
  if (room < 2) return;  // the description is that of another file, of which this is one page
  if (room < static_cast<uint64_t>(images)) {
    throw Failure(path() + ": images: found room for " + std::to_string(room) + ", wanted " +
                  std::to_string(images) + " as the description says" +
                  PageAlone(path(), first.number()));
  }
  count_ = images;
  raw_offset_ = offset;
  raw_swapped_ = TIFFIsByteSwapped(tiff) != 0;
}

void TiffPages::ReadLines(int64_t page, int64_t first_line, int64_t lines, std::byte* to) const {
  if (!order_.empty()) page = order_[static_cast<size_t>(page)];
  if (raw_offset_) return ReadRaw(page, first_line, lines, to);
  std::unique_ptr<TiffHandle> handle = TakeHandle(page);
  DecodeLines(*handle, first_line, lines, to);
  const std::lock_guard<std::mutex> lock(mutex_);
  idle_.push_back(std::move(handle));
}

void TiffPages::ReadRaw(int64_t page, int64_t first_line, int64_t lines, std::byte* to) const {
  const auto line = static_cast<uint64_t>(page * height() + first_line);
  const auto size = static_cast<size_t>(lines * line_bytes());
  Check(file_->Read({{*raw_offset_ + line * static_cast<uint64_t>(line_bytes()), size, to}}));
  const size_t unit = SwapUnitBytes(type_);
  if (!raw_swapped_ || unit == 1) return;
  for (size_t at = 0; at < size; at += unit) std::reverse(to + at, to + at + unit);
}

// A handle that has the page open already, if there is one: several threads decode one large page.
std::unique_ptr<TiffHandle> TiffPages::TakeHandle(int64_t page) const {
  const Directory& directory = directories_[static_cast<size_t>(page)];
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = std::find_if(idle_.begin(), idle_.end(), [&](const auto& handle) {
      return handle->number() == directory.number;
    });
    if (found != idle_.end()) {
      std::unique_ptr<TiffHandle> handle = std::move(*found);
      idle_.erase(found);
      return handle;
    }
    idle_.clear();
  }
  auto handle = std::make_unique<TiffHandle>(*file_, directory.offset, directory.number);
  if (!(KindOf(*handle) == kind_)) {
    handle->Fail("has changed while it was read");
  }
  return handle;
}

}  // namespace ndarray::tools
