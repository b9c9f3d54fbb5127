#include "driver/raster/create/overwrite.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "driver/raster/formats/array_driver.h"
#include "driver/raster/gdal_compat.h"
#include "tests/support/npy_files.h"
#include "tests/support/temp_folder.h"

namespace ndarray {
namespace {

using testing::HeaderText;
using testing::NpyBytes;
using testing::ReadFile;
using testing::TempFolder;
using testing::WriteFile;

using Callback = std::function<bool()>;

bool FileExists(const std::string& path) { return std::filesystem::exists(path); }

// Deletes, copies and the like while a copy runs: what a program does in a progress callback.
class OverwriteTest : public ::testing::Test {
 protected:
  OverwriteTest() {
    RegisterDriver(kNpyFormat);
    GDALRegister_MEM();
    GDALRegister_GTiff();
    source_.reset(Driver("MEM").Create("", 7, 5, 1, GDT_Byte, nullptr));
    WriteFile(old_, old_bytes_);
    WriteFile(old_ + ".aux.xml", "<PAMDataset/>");
  }

  static GDALDriver& Driver(const char* name) {
    return *GetGDALDriverManager()->GetDriverByName(name);
  }

  static int CPL_STDCALL Call(double, const char*, void* callback) {
    return (*static_cast<Callback*>(callback))() ? TRUE : FALSE;
  }

  // Whether it succeeds.
  bool Copy(const char* driver, const std::string& path, Callback callback) {
    CPLPushErrorHandler(CPLQuietErrorHandler);
    const std::unique_ptr<GDALDataset> copy(
        Driver(driver).CreateCopy(path.c_str(), source_.get(), FALSE, nullptr, Call, &callback));
    CPLPopErrorHandler();
    return copy != nullptr;
  }

  bool OldIsThere() const {
    return FileExists(old_) && ReadFile(old_) == old_bytes_ && FileExists(old_ + ".aux.xml");
  }

  const TempFolder folder_;
  const std::string old_ = folder_.Path("old.npy");
  const std::string old_bytes_ = NpyBytes(1, HeaderText("'|u1'", "(2, 3)"), "abcdef");
  std::unique_ptr<GDALDataset> source_;
};

TEST_F(OverwriteTest, FileThatIsToBeReplacedStaysUntilTheNewOneIsWhole) {
  EXPECT_FALSE(Copy("NPY", old_, [&] {
    EXPECT_TRUE(OldIsThere());
    return false;
  }));
  EXPECT_TRUE(OldIsThere());
}

TEST_F(OverwriteTest, DeletionDuringACopyIsReal) {
  for (const char* const driver : {"NPY", "GTiff"}) {
    WriteFile(old_, old_bytes_);
    EXPECT_TRUE(Copy(driver, folder_.Path("new"), [&] {
      if (FileExists(old_)) Driver("NPY").Delete(old_.c_str());
      EXPECT_FALSE(FileExists(old_)) << driver;
      EXPECT_FALSE(FileExists(old_ + ".aux.xml")) << driver;
      return true;
    }));
  }
}

TEST_F(OverwriteTest, DeletionInTheCallbackItselfIsReal) {
  GDALProgressFunc const call_delete = [](double, const char*, void* path) -> int {
    static_cast<void>(GDALDeleteDataset(GDALGetDriverByName("NPY"), static_cast<char*>(path)));
    return TRUE;
  };
  std::string doomed = old_;
  const std::unique_ptr<GDALDataset> copy(Driver("NPY").CreateCopy(
      folder_.Path("new.npy").c_str(), source_.get(), FALSE, nullptr, call_delete, doomed.data()));
  EXPECT_NE(copy, nullptr);
  EXPECT_FALSE(FileExists(old_));
}

TEST_F(OverwriteTest, CopyWithinACopyKeepsItsOldFile) {
  EXPECT_TRUE(Copy("NPY", folder_.Path("new.npy"), [&] {
    EXPECT_FALSE(Copy("NPY", old_, [] { return false; }));
    EXPECT_TRUE(OldIsThere());
    return true;
  }));
}

TEST_F(OverwriteTest, DeletionOfWhatIsNotThereKeepsSidecars) {
  VSIUnlink(old_.c_str());
  EXPECT_FALSE(DeleteRaster(old_).ok());
  EXPECT_TRUE(FileExists(old_ + ".aux.xml"));
}

TEST_F(OverwriteTest, SidecarThatCannotGoKeepsTheFile) {
  // A folder of the name that it would get.
  VSIMkdir((folder_.Path(".old.npy") + ".aux.xml.old").c_str(), 0777);
  EXPECT_FALSE(Copy("NPY", old_, [] { return true; }));
  EXPECT_TRUE(OldIsThere());
  EXPECT_FALSE(DeleteRaster(old_).ok());
  EXPECT_TRUE(OldIsThere());
}

}  // namespace
}  // namespace ndarray
