// Any bytes as a TIFF file that gdal_ndarray convert reads: its pages, and lines of some of them.
#include <cpl_error.h>

#include <memory>
#include <vector>

#include "driver/store/io/string_file.h"
#include "tests/fuzz/fuzz_support.h"
#include "tests/support/mapped_bytes.h"
#include "tools/gdal_ndarray/command.h"
#include "tools/gdal_ndarray/convert/tiff_pages.h"
#include "tools/gdal_ndarray/convert/tiff_stack.h"

namespace ndarray::fuzz {
namespace {

// Strips may be of 1 GiB: those are left out, and so is what libtiff decodes slowly.
constexpr int64_t kMaxLinesBytes = int64_t{1} << 20;
constexpr int64_t kMaxPages = 8;  // that are read

void ReadPages(const tools::TiffPages& pages, Random& random) {
  const int64_t together = std::min(pages.lines_together(), pages.height());
  if (together > kMaxLinesBytes / std::max<int64_t>(pages.line_bytes(), 1)) return;
  for (int64_t page = 0; page < std::min(pages.count(), kMaxPages); ++page) {
    const int64_t first = Below(random, pages.height());
    const int64_t lines = std::min(together, pages.height() - first);
    const std::unique_ptr<std::byte[]> to(
        new std::byte[static_cast<size_t>(lines * pages.line_bytes())]);
    pages.ReadLines(page, first, lines, to.get());
  }
}

void Run(std::string_view bytes) {
  static const bool quiet = (CPLPushErrorHandler(CPLQuietErrorHandler), true);
  static_cast<void>(quiet);
  try {
    const auto pages = tools::TiffPages::Find(std::make_shared<testing::MappedBytes>(bytes));
    if (pages == nullptr) return;
    Check(pages->count() > 1 && pages->width() >= 1 && pages->height() >= 1);
    const tools::Stack stack = tools::PlanStack(*pages, "stack.npy");
    Check(CheckedProduct(stack.array.shape).has_value());
    Random random = RandomOf(bytes);
    ReadPages(*pages, random);
  } catch (const tools::Failure& failure) {
    Check(failure.what()[0] != '\0');
  }
}

}  // namespace
}  // namespace ndarray::fuzz

NDARRAY_FUZZ_TARGET(ndarray::fuzz::Run)
