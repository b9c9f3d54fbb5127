#include "tools/gdal_ndarray/source.h"

#include <cpl_conv.h>
#include <gdal_utils.h>
#include <sys/stat.h>

#include <algorithm>

namespace ndarray::tools {
namespace {

struct FreeOptions {
  void operator()(GDALTranslateOptions* options) const { GDALTranslateOptionsFree(options); }
};

bool IsSameFile(const std::string& one, const std::string& other) {
  struct stat a;
  struct stat b;
  if (stat(one.c_str(), &a) == 0 && stat(other.c_str(), &b) == 0) {
    return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
  }
  return one == other;
}

}  // namespace

void RequireBands(GDALDataset& source, const std::string& name) {
  if (source.GetRasterCount() > 0) return;
  Check(Mismatch(StatusCode::kInvalidArgument, "bands", "none",
                 "some; name one of its subdatasets instead (gdalinfo lists them)")
            .At(name));
}

void RequireBands(GDALDataset& source, const std::vector<int>& bands, const std::string& name) {
  for (const int band : bands) {
    if (band >= 1 && band <= source.GetRasterCount()) continue;
    Check(Mismatch(StatusCode::kInvalidArgument, "band", std::to_string(band),
                   "1 to " + std::to_string(source.GetRasterCount()))
              .At(name));
  }
}

void RefuseToReplace(const std::string& source_file, const std::string& destination) {
  if (IsSameFile(source_file, destination)) {
    throw Failure(destination + ": is a file of the source, wanted another one");
  }
}

void RefuseToReplace(GDALDataset& source, const std::string& destination) {
  const CPLStringList files(source.GetFileList());
  for (int i = 0; i < files.size(); ++i) RefuseToReplace(files[i], destination);
}

void LimitCache(GDALDataset& source) {
  constexpr GIntBig kMin = GIntBig{64} << 20;
  constexpr GIntBig kLines = 2048;  // of a chunk, and of blocks that reach over it
  if (CPLGetConfigOption("GDAL_CACHEMAX", nullptr) != nullptr) return;
  GIntBig line_bytes = 0;
  for (int band = 1; band <= source.GetRasterCount(); ++band) {
    line_bytes += GIntBig{source.GetRasterXSize()} *
                  GDALGetDataTypeSizeBytes(source.GetRasterBand(band)->GetRasterDataType());
  }
  const char* const order = source.GetMetadataItem("INTERLEAVE", "IMAGE_STRUCTURE");
  if (order != nullptr && EQUAL(order, "BAND")) line_bytes /= source.GetRasterCount();
  GDALSetCacheMax64(std::min(std::max(kMin, kLines * line_bytes), GDALGetCacheMax64()));
}

DatasetPointer Translate(GDALDataset& source, const std::string& destination,
                         const std::vector<std::string>& words, const std::vector<int>& bands,
                         GDALProgressFunc progress, const std::string& otherwise) {
  CPLStringList list;
  for (const std::string& word : words) list.AddString(word.c_str());
  for (const int band : bands) {
    list.AddString("-b");
    list.AddString(std::to_string(band).c_str());
  }
  const std::unique_ptr<GDALTranslateOptions, FreeOptions> options(
      GDALTranslateOptionsNew(list.List(), nullptr));
  GDALTranslateOptionsSetProgress(options.get(), progress, nullptr);
  ForgetGdalErrors();
  DatasetPointer written(GDALDataset::FromHandle(
      GDALTranslate(destination.c_str(), GDALDataset::ToHandle(&source), options.get(), nullptr)));
  if (written == nullptr) ThrowGdalFailure(otherwise, {source.GetDescription(), destination});
  return written;
}

}  // namespace ndarray::tools
