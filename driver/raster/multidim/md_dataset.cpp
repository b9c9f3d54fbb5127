#include "driver/raster/multidim/md_dataset.h"

#include <cpl_conv.h>

#include <string>
#include <utility>

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

std::string NameOf(const std::string& path) {
  const std::string stem = CPLGetBasename(path.c_str());
  return stem.empty() ? "array" : stem;
}

}  // namespace

std::unique_ptr<GDALDataset> MakeMdDataset(std::shared_ptr<GDALGroup> root,
                                           std::function<CPLErr()> flush) {
  return std::make_unique<MdDataset>(std::move(root), std::move(flush));
}

std::unique_ptr<GDALDataset> OpenMdDataset(GDALOpenInfo& open_info, std::shared_ptr<Array> array) {
  ArrayFacts facts = ReadArrayFacts(open_info, *array);
  const std::string path = array->path();
  auto open = std::make_shared<OpenArray>(std::move(array), std::move(facts));
  const std::shared_ptr<GDALMDArray> md_array = MdArray::Create("/", NameOf(path), open);
  GroupContents contents;
  contents.arrays = {md_array->GetName()};
  contents.open_array = [md_array](const std::string&) { return md_array; };
  contents.dimensions = md_array->GetDimensions();
  auto dataset = MakeMdDataset(MakeGroup("", "/", std::move(contents)),
                               [open = std::move(open)] { return open->Flush(); });
  dataset->SetDescription(path.c_str());
  return dataset;
}

}  // namespace ndarray
