#include "driver/raster/multidim/md_dataset.h"

#include <cpl_conv.h>

#include <algorithm>
#include <string>
#include <utility>

#include "driver/raster/chunk_request.h"
#include "driver/raster/files/dataset_name.h"
#include "driver/raster/gdal_error.h"
#include "driver/raster/multidim/md_array.h"
#include "driver/raster/multidim/md_group.h"
#include "driver/raster/reserved_names.h"

namespace ndarray {
namespace {

CPLErr TakeChunks(OpenArray& open, const char* text);

class MdDataset final : public GDALDataset {
 public:
  MdDataset(std::shared_ptr<GDALGroup> root, OnlyArray array)
      : root_(std::move(root)), array_(std::move(array)) {}
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

  CPLErr GetGeoTransform(GeoTransformResult transform) NDARRAY_CONST_GETTER override {
    const auto open = Opened();
    if (open == nullptr || !open->facts().transform) {
      return GDALDataset::GetGeoTransform(transform);
    }
    for (size_t i = 0; i < 6; ++i) transform[i] = (*open->facts().transform)[i];
    return CE_None;
  }

  CPLErr SetGeoTransform(NewGeoTransform transform) override {
    const auto open = Opened();
    if (open == nullptr || !open->is_new()) {
      return Report(Mismatch(StatusCode::kNotSupported, "geotransform", "no new array", "one")
                        .At(GetDescription()));
    }
    auto& kept = open->EditFacts().transform.emplace();
    for (size_t i = 0; i < kept.size(); ++i) kept[i] = transform[i];
    return CE_None;
  }

  CPLErr SetMetadataItem(const char* name, const char* value, const char* domain) override {
    const auto open = Opened();
    if (open == nullptr || name == nullptr || domain == nullptr || !EQUAL(name, kTakeChunksItem) ||
        !EQUAL(domain, open->array().info().format.c_str())) {
      return GDALDataset::SetMetadataItem(name, value, domain);
    }
    return Guarded(CE_Failure, [&] { return TakeChunks(*open, value); });
  }

  std::shared_ptr<OpenArray> Opened() const { return array_.opened ? array_.opened() : nullptr; }

 private:
  CPLErr Flush() { return array_.flush ? array_.flush() : CE_None; }

  const std::shared_ptr<GDALGroup> root_;
  const OnlyArray array_;
};

CPLErr TakeChunks(OpenArray& open, const char* text) {
  const ArrayInfo& info = open.array().info();
  const std::string& path = open.array().path();
  const Result<ChunkRequest> request = ParseChunkRequest(text, info.shape);
  if (!request.ok()) return Report(request.status().At(path));
  if (!open.is_writable()) {
    return Report(Mismatch(StatusCode::kNotSupported, "access", "read-only", "update").At(path));
  }
  const char* const drivers[] = {info.format.c_str(), nullptr};
  const GDALDatasetUniquePtr other(GDALDataset::Open(
      request->path.c_str(), GDAL_OF_MULTIDIM_RASTER | GDAL_OF_VERBOSE_ERROR, drivers));
  const auto* const dataset = dynamic_cast<const MdDataset*>(other.get());
  if (dataset == nullptr) return CE_Failure;
  const auto from = dataset->Opened();
  if (from == nullptr) {
    return Report(Mismatch(StatusCode::kInvalidArgument, kTakeChunksItem, request->path,
                           "a file of one array")
                      .At(path));
  }
  return Report(open.TakeChunks(*from, request->box));
}

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

std::unique_ptr<GDALDataset> MakeMdDataset(std::shared_ptr<GDALGroup> root, OnlyArray array) {
  return std::make_unique<MdDataset>(std::move(root), std::move(array));
}

std::shared_ptr<GDALGroup> MakeRootGroup(GDALOpenInfo& open_info, std::shared_ptr<Array> array) {
  return RootOf(OpenWithFacts(open_info, std::move(array)));
}

std::unique_ptr<GDALDataset> OpenMdDataset(GDALOpenInfo& open_info, std::shared_ptr<Array> array) {
  std::shared_ptr<OpenArray> open = OpenWithFacts(open_info, std::move(array));
  auto dataset =
      MakeMdDataset(RootOf(open), {[open] { return open->Flush(); }, [open] { return open; }});
  dataset->SetDescription(open->array().path().c_str());
  return dataset;
}

}  // namespace ndarray
