#include "driver/raster/mask/mask_file.h"

#include <cpl_error.h>
#include <cpl_vsi.h>

#include <string_view>
#include <utility>

#include "driver/raster/files/vsi_file.h"
#include "driver/raster/gdal_error.h"
#include "driver/store/io/output_file.h"

namespace ndarray {
namespace {

constexpr std::string_view kSuffix = ".msk";

// GDAL makes the tiles of a mask as large as the blocks of its raster.
constexpr int kTileSide = 256;

// A raster of the source's shape that has nothing but masks, which GDAL keeps beside a file of this
// name. There is no such file.
class MaskHolder final : public GDALDataset {
 public:
  MaskHolder(GDALDataset& source, const std::string& name) {
    nRasterXSize = source.GetRasterXSize();
    nRasterYSize = source.GetRasterYSize();
    for (int number = 1; number <= source.GetRasterCount(); ++number) {
      SetBand(number, new Band(*this));
    }
    SetDescription(name.c_str());
    oOvManager.Initialize(this, name.c_str());
  }

 private:
  class Band final : public GDALRasterBand {
   public:
    explicit Band(MaskHolder& dataset) {
      poDS = &dataset;
      eDataType = GDT_Byte;
      nBlockXSize = kTileSide;
      nBlockYSize = kTileSide;
    }

   protected:
    CPLErr IReadBlock(int, int, void*) override { return CE_Failure; }
  };
};

bool Exists(const std::string& path) {
  VSIStatBufL about;
  return VSIStatL(path.c_str(), &about) == 0;
}

}  // namespace

MaskFile::MaskFile(std::string path)
    : path_(path + std::string(kSuffix)), hidden_path_(TemporaryPath(path, ".new.msk")) {}

MaskFile::~MaskFile() {
  // Nothing is left by killed processes where asking is a request to a server.
  if (written_ || !IsVirtualPath(path_)) VSIUnlink(hidden_path_.c_str());
}

CPLErr MaskFile::Write(GDALDataset& source) {
  if (!IsVirtualPath(path_)) VSIUnlink(hidden_path_.c_str());
  CPLErrorReset();
  CPLErr copied = CE_None;
  {
    MaskHolder holder(source, hidden_path_.substr(0, hidden_path_.size() - kSuffix.size()));
    copied = GDALDriver::DefaultCopyMasks(&source, &holder, !IsVirtualPath(path_));
  }
  // Failures of the holder while it closes the file show up as GDAL errors only.
  const bool failed = copied != CE_None || CPLGetLastErrorType() == CE_Failure;
  written_ = Exists(hidden_path_);
  return failed && !IsVirtualPath(path_) ? CE_Failure : CE_None;
}

void MaskFile::Publish() {
  if (!written_) return;
  if (VSIRename(hidden_path_.c_str(), path_.c_str()) == 0) {
    written_ = false;
  } else {
    ReportWarning(path_ + ": cannot create; the copy is without its mask");
  }
}

}  // namespace ndarray
