#include "driver/raster/multidim/md_dataset.h"

#include <cpl_conv.h>

#include <algorithm>
#include <string>
#include <utility>

#include "driver/raster/files/dataset_name.h"
#include "driver/raster/multidim/md_array.h"
#include "driver/raster/multidim/md_group.h"

namespace ndarray {
namespace {

class MdDataset final : public GDALDataset {
 public:
  MdDataset(std::shared_ptr<GDALGroup> root, std::function<CPLErr()> flush)
      : root_(std::move(root)), flush_(std::move(flush)) {}
  ~MdDataset() override { Flush(); }

  std::shared_ptr<GDALGroup> GetRootGroup() const override { return root_; }
  FlushResult FlushCache(bool) override { return static_cast<FlushResult>(Flush()); }
#if NDARRAY_HAS_CLOSE
  CPLErr Close(NDARRAY_CLOSE_PARAMETERS) override {
    const CPLErr flushed = Flush();
    const CPLErr closed = GDALDataset::Close(NDARRAY_CLOSE_ARGUMENTS);
    return flushed == CE_None ? closed : flushed;
  }
#endif

 private:
  CPLErr Flush() { return flush_ ? flush_() : CE_None; }

  const std::shared_ptr<GDALGroup> root_;
  const std::function<CPLErr()> flush_;
};

// That of the file without its extension, or the last part of the name in an archive.
std::string NameOf(const std::string& path) {
  const size_t part = ArchivePartAt(path);
  if (part != std::string::npos) return path.substr(std::max(path.rfind('/') + 1, part + 1));
  const std::string stem = CPLGetBasename(path.c_str());
  return stem.empty() ? "array" : stem;
}

std::shared_ptr<OpenArray> OpenWithFacts(GDALOpenInfo& open_info, std::shared_ptr<Array> array) {
  ArrayFacts facts = ReadArrayFacts(open_info, *array);
  return std::make_shared<OpenArray>(std::move(array), std::move(facts));
}

std::shared_ptr<GDALGroup> RootOf(const std::shared_ptr<OpenArray>& open) {
  const std::shared_ptr<GDALMDArray> array =
      MdArray::Create("/", NameOf(open->array().path()), open);
  GroupContents contents;
  contents.arrays = {array->GetName()};
  contents.open_array = [array](const std::string&) { return array; };
  contents.dimensions = array->GetDimensions();
  return MakeGroup("", "/", std::move(contents));
}

}  // namespace

std::unique_ptr<GDALDataset> MakeMdDataset(std::shared_ptr<GDALGroup> root,
                                           std::function<CPLErr()> flush) {
  return std::make_unique<MdDataset>(std::move(root), std::move(flush));
}

std::shared_ptr<GDALGroup> MakeRootGroup(GDALOpenInfo& open_info, std::shared_ptr<Array> array) {
  return RootOf(OpenWithFacts(open_info, std::move(array)));
}

std::unique_ptr<GDALDataset> OpenMdDataset(GDALOpenInfo& open_info, std::shared_ptr<Array> array) {
  std::shared_ptr<OpenArray> open = OpenWithFacts(open_info, std::move(array));
  auto dataset = MakeMdDataset(RootOf(open), [open] { return open->Flush(); });
  dataset->SetDescription(open->array().path().c_str());
  return dataset;
}

}  // namespace ndarray
