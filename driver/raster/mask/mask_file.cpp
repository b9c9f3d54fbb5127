#include "driver/raster/mask/mask_file.h"

#include <cpl_error.h>
#include <cpl_vsi.h>

#include <string_view>
#include <utility>

#include "driver/raster/files/vsi_file.h"
#include "driver/raster/files/vsi_request.h"
#include "driver/raster/gdal_error.h"
#include "driver/raster/mask/source_masks.h"
#include "driver/store/io/output_file.h"

namespace ndarray {
namespace {

constexpr std::string_view kSuffix = ".msk";
constexpr const char* kWithout = "the copy is without its mask";

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

// Under the name without ".msk"; the file is closed.
CPLErr CopyMasksOf(GDALDataset& source, const std::string& name, bool strict) {
  MaskHolder holder(source, name);
  return GDALDriver::DefaultCopyMasks(&source, &holder, strict ? TRUE : FALSE);
}

}  // namespace

MaskFile::MaskFile(std::string path)
    : path_(path + std::string(kSuffix)), hidden_path_(TemporaryPath(path, ".new.msk")) {}

MaskFile::~MaskFile() {
  // Nothing is left by killed processes where asking is a request to a server.
  if (written_ || !IsVirtualPath(path_)) VSIUnlink(hidden_path_.c_str());
}

// Failures of the holder while it closes the file show up as GDAL errors only.
CPLErr MaskFile::Write(GDALDataset& source) {
  const std::string name = hidden_path_.substr(0, hidden_path_.size() - kSuffix.size());
  if (IsStandardOutput(path_)) {
    if (FindMasks(source).count > 0) {
      ReportWarning(path_.substr(0, path_.size() - kSuffix.size()) +
                    ": no other file can be beside it; " + kWithout);
    }
    return CE_None;
  }
  if (IsVirtualPath(path_)) {
    WriteIfPossible(source, name);
    return CE_None;
  }
  VSIUnlink(hidden_path_.c_str());
  if (FindMasks(source).count == 0) return CE_None;
  CPLErrorReset();
  const CPLErr copied = CopyMasksOf(source, name, true);
  const bool failed = copied != CE_None || CPLGetLastErrorType() == CE_Failure;
  VSIStatBufL about;
  written_ = FindFile(hidden_path_, about);
  return failed ? CE_Failure : CE_None;
}

// One warning stands for the errors, of which an archive that is being written gives dozens.
void MaskFile::WriteIfPossible(GDALDataset& source, const std::string& name) {
  std::string why;
  {
    const CPLErrorStateBackuper errors_so_far;
    const ErrorCollector errors;
    CopyMasksOf(source, name, false);
    why = errors.last();
  }
  VSIStatBufL about;
  written_ = FindFile(hidden_path_, about);
  if (!why.empty()) ReportWarning(path_ + ": cannot create; " + kWithout + ": " + why);
}

void MaskFile::Publish() {
  if (!written_) return;
  if (VSIRename(hidden_path_.c_str(), path_.c_str()) == 0) {
    written_ = false;
  } else {
    ReportWarning(path_ + ": cannot create; " + kWithout);
  }
}

}  // namespace ndarray
