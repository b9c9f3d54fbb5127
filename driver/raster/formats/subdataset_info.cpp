#include "driver/raster/formats/subdataset_info.h"

#if NDARRAY_HAS_SUBDATASET_INFO
#include <gdalsubdatasetinfo.h>

#include <string>

#include "driver/raster/files/dataset_name.h"
#include "driver/raster/gdal_error.h"

namespace ndarray {
namespace {

// GDAL takes the quotation marks off m_pathComponent, and puts them around the path in its place.
class Info final : public GDALSubdatasetInfo {
 public:
  Info(const char* name, const char* driver, const DatasetName& parsed)
      : GDALSubdatasetInfo(name),
        driver_(driver),
        path_(parsed.written_path),
        part_(parsed.written_part) {}

 private:
  void parseFileName() override {
    m_driverPrefixComponent = driver_;
    m_pathComponent = path_;
    m_subdatasetComponent = part_;
    m_isQuoted = !path_.empty() && path_.front() == '"';
  }

  const std::string driver_;
  const std::string path_;
  const std::string part_;
};

// GDAL 3.13 never ends where it takes the marks off a path that has a backslash before one.
bool CanBeUnquoted(const std::string& path) {
  return path.find("\\\"") == std::string::npos && (path.empty() || path.back() != '\\');
}

}  // namespace

GDALSubdatasetInfo* MakeSubdatasetInfo(const char* name, const char* driver) {
  return Guarded<GDALSubdatasetInfo*>(nullptr, [&]() -> GDALSubdatasetInfo* {
    if (!HasDriverPrefix(name, driver)) return nullptr;
    const Result<DatasetName> parsed = ParseDatasetName(name, driver);
    if (!parsed.ok() || !CanBeUnquoted(parsed->path)) return nullptr;
    return new Info(name, driver, *parsed);
  });
}

}  // namespace ndarray

#endif
